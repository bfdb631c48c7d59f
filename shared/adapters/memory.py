"""Ports in memory, for tests of any app that uses them. Held to the same contract suite as Azurite."""

import hashlib
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from shared.endpoints.locations import Known
from shared.errors import LocationNotAllowed, StaleDocument
from shared.ports import Blob, BlobItem, BlobStore, Page, Times


class _Stored:
    __slots__ = ("at", "data", "etag", "metadata")

    def __init__(self, data: bytes, etag: str, metadata: Mapping[str, str], at: datetime) -> None:
        self.at = at
        self.data = data
        self.etag = etag
        self.metadata = metadata


class MemoryBlobs:
    """A BlobStore. Every write gives a new ETag, also one that changes nothing, as Azure Storage does.

    `clock`: that of storage.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._blobs: dict[tuple[str, str], _Stored] = {}
        # In order, so that a listing costs what it gives and not what there is.
        self._names: dict[str, list[str]] = {}
        self._writes = 0
        self._lock = threading.Lock()

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        with self._lock:
            stored = self._blobs.get((container, name))
        if stored is None:
            return None
        if if_match is not None and stored.etag != if_match:
            raise _changed(container, name)
        end = None if length is None else offset + length
        return Blob(stored.data[offset:end], stored.etag)

    def find(self, container: str, name: str) -> BlobItem | None:
        with self._lock:
            stored = self._blobs.get((container, name))
        return None if stored is None else _item(name, stored)

    def times(self, container: str, name: str) -> Times | None:
        with self._lock:
            stored = self._blobs.get((container, name))
        return None if stored is None else Times(stored.at, self._clock())

    def list(self, container: str, prefix: str = "") -> Iterator[BlobItem]:
        with self._lock:
            names = self._names.get(container, [])
            first = bisect_left(names, prefix)
            last = bisect_right(names, prefix, first, key=lambda name: name[: len(prefix)])
            found = [_item(name, self._blobs[container, name]) for name in names[first:last]]
        yield from found

    def list_page(self, container: str, prefix: str, most: int, marker: str = "") -> Page:
        items = [item for item in self.list(container, prefix) if item.name > marker]
        return Page(items[:most], items[most - 1].name if len(items) > most else "")

    def write(
        self,
        container: str,
        name: str,
        data: bytes,
        *,
        if_match: str | None = None,
        create: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        with self._lock:
            stored = self._blobs.get((container, name))
            if create and stored is not None:
                raise _changed(container, name)
            if if_match is not None and (stored is None or stored.etag != if_match):
                raise _changed(container, name)
            return self._put(container, name, data, metadata or {})

    def _put(self, container: str, name: str, data: bytes, metadata: Mapping[str, str]) -> str:
        """By who holds the lock."""
        self._writes += 1
        etag = f'"0x{self._writes:016X}{hashlib.sha256(data).hexdigest()[:8].upper()}"'
        if (container, name) not in self._blobs:
            insort(self._names.setdefault(container, []), name)
        self._blobs[(container, name)] = _Stored(bytes(data), etag, dict(metadata), self._clock())
        return etag

    def write_blocks(self, container: str, name: str, blocks: Iterable[bytes], *, create: bool = False) -> str:
        return self.write(container, name, b"".join(blocks), create=create)

    def copy(
        self,
        source: str,
        source_name: str,
        target: str,
        target_name: str,
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> None:
        with self._lock:
            stored = self._blobs.get((source, source_name))
            if stored is None or if_match not in (None, stored.etag):
                raise _changed(source, source_name)
            self._put(target, target_name, stored.data, metadata or stored.metadata)

    def delete(self, container: str, name: str, *, if_match: str | None = None) -> None:
        with self._lock:
            stored = self._blobs.get((container, name))
            if stored is not None and if_match not in (None, stored.etag):
                raise _changed(container, name)
            if self._blobs.pop((container, name), None) is not None:
                names = self._names[container]
                del names[bisect_left(names, name)]

    def delete_all(self, container: str, names: Iterable[str]) -> None:
        for name in names:
            self.delete(container, name)


def _item(name: str, stored: _Stored) -> BlobItem:
    return BlobItem(name, stored.etag, len(stored.data), stored.metadata)


def _changed(container: str, name: str) -> StaleDocument:
    return StaleDocument(f"{container}/{name} is not what it was when it was read: read it again and repeat the change")


class MemoryAccounts:
    """Accounts, by their blob addresses; `data` is the data account."""

    def __init__(self, data: BlobStore, others: Mapping[str, BlobStore] = MappingProxyType({})) -> None:
        self._stores = {"": data, **others}
        self.addresses = Known(("https://data.blob.core.windows.net",), tuple(others))

    def store(self, account: str) -> BlobStore:
        found = self._stores.get(account)
        if found is None:
            raise LocationNotAllowed(f"the app does not know the storage account {account}")
        return found


class MemoryAnnouncer[Event]:
    """An Announcer that keeps what it was told, in that order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def announce(self, event: Event) -> None:
        self.events.append(event)
