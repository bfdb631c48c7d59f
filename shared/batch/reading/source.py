"""Where the bytes of a job's input come from."""

from collections.abc import Iterator
from typing import Protocol

CHUNK_BYTES = 4 * 1024 * 1024


class Source(Protocol):
    """A file, pinned: all reads see the same bytes. `path`: as the caller knows it.

    Both methods raise InputChanged when it is no longer the file that it was, and StorageUnavailable.
    """

    @property
    def path(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes than asked for only at the file's end."""
        ...

    def chunks(self, size_bytes: int = CHUNK_BYTES) -> Iterator[bytes]: ...
