"""What the flows need from the world outside. Adapters fulfil it; `adapters/memory.py` does so in memory."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol


class Container(StrEnum):
    """The containers of the data account; each has its own permissions."""

    MODELS = "models"
    ENDPOINTS = "endpoints"
    SCHEDULES = "schedules"
    AUDIT = "audit"
    INBOX = "inbox"
    JOBS = "jobs"
    STAGING = "staging"
    PREDICTIONS = "predictions"


class Blob(NamedTuple):
    data: bytes
    etag: str


class BlobItem(NamedTuple):
    """What is known of a blob without reading it."""

    name: str
    etag: str
    size_bytes: int
    metadata: Mapping[str, str]


class BlobStore(Protocol):
    """Blobs with ETags. Every method may raise StorageUnavailable."""

    def read(
        self,
        container: Container,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        """The bytes [offset, offset + length), or None where there is no such blob.

        Raises StaleDocument when its ETag is not `if_match`.
        """
        ...

    def find(self, container: Container, name: str) -> BlobItem | None: ...

    def list(self, container: Container, prefix: str = "") -> Iterator[BlobItem]:
        """All blobs below a prefix, in the order of their names."""
        ...

    def write(
        self,
        container: Container,
        name: str,
        data: bytes,
        *,
        if_match: str | None = None,
        create: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Writes the whole blob at once and returns its new ETag.

        Raises StaleDocument when the blob's ETag is not `if_match`, or when it is there already and `create` is set.
        """
        ...

    def write_blocks(self, container: Container, name: str, blocks: Iterable[bytes]) -> str:
        """Writes a blob of any size from pieces; it appears whole, with the last piece. Returns its ETag."""
        ...

    def copy(self, source: Container, source_name: str, target: Container, target_name: str) -> None:
        """Copies within the account, replacing what is there. Raises StaleDocument when the source is gone."""
        ...

    def delete(self, container: Container, name: str) -> None:
        """Deletes a blob; one that is not there is no error."""
        ...
