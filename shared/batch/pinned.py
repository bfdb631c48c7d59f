"""A file in storage of which every byte is of one version: that of the ETag it was planned with."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Final

from shared.errors import InputChanged, StaleDocument
from shared.ports import BlobStore, Place

_CHUNK_BYTES: Final = 8 * 1024 * 1024
_AHEAD: Final = 2


class PinnedSource:
    """`path`: as its caller knows it. `before_chunk`: called before each chunk, and may stop the reading by raising."""

    def __init__(
        self,
        store: BlobStore,
        place: Place,
        etag: str,
        size_bytes: int,
        path: str,
        before_chunk: Callable[[], object] = lambda: None,
    ) -> None:
        self.place = place
        self.etag = etag
        self.size_bytes = size_bytes
        self.path = path
        self._store = store
        self._before_chunk = before_chunk

    def read(self, offset: int, length: int) -> bytes:
        """Fewer bytes only at the end. Raises InputChanged."""
        try:
            blob = self._store.read(
                self.place.container, self.place.name, offset=offset, length=length, if_match=self.etag
            )
        except StaleDocument:
            blob = None
        if blob is None:
            raise InputChanged(
                f"{self.path} was changed or removed since its job began: submit the new content as a job of its own"
            )
        return blob.data

    def chunks(self, size_bytes: int = _CHUNK_BYTES) -> Iterator[bytes]:
        """Of more than one, some are read while the caller works on the one before. Raises InputChanged."""
        if 0 < self.size_bytes <= size_bytes:
            self._before_chunk()
            yield self.read(0, self.size_bytes)
            return
        offsets = iter(range(0, self.size_bytes, size_bytes))
        ahead: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(_AHEAD, thread_name_prefix="read-ahead") as pool:
            try:
                while True:
                    for offset in islice(offsets, _AHEAD - len(ahead)):
                        self._before_chunk()
                        ahead.append(pool.submit(self.read, offset, min(size_bytes, self.size_bytes - offset)))
                    if not ahead:
                        return
                    yield ahead.popleft().result()
            finally:
                for each in ahead:
                    each.cancel()
