"""A file is read as it was planned, or not at all."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch.pinned import PinnedSource
from shared.errors import InputChanged, StaleAttempt, StorageUnavailable
from shared.ports import Place
from tests.support.batch import Breaking, WatchedStore

PLACE = Place("", "inbox", "flowers/a.bin")
DATA = bytes(range(256)) * 4


def pinned(store: MemoryBlobs | WatchedStore, etag: str, **changes: object) -> PinnedSource:
    return PinnedSource(store, PLACE, etag, len(DATA), "inbox/flowers/a.bin", **changes)  # type: ignore[arg-type]


@pytest.fixture
def etag(store: MemoryBlobs) -> str:
    return store.write("inbox", "flowers/a.bin", DATA)


def test_any_range_can_be_read(store: MemoryBlobs, etag: str) -> None:
    source = pinned(store, etag)
    assert source.read(0, 10) == DATA[:10]
    assert source.read(100, 24) == DATA[100:124]
    assert source.read(len(DATA) - 3, 10) == DATA[-3:]


@pytest.mark.parametrize("size", [1, 100, 1024, 4096])
def test_its_chunks_are_the_whole_file(store: MemoryBlobs, etag: str, size: int) -> None:
    chunks = list(pinned(store, etag).chunks(size))
    assert b"".join(chunks) == DATA
    assert {len(chunk) for chunk in chunks[:-1]} <= {size}


def test_a_file_of_no_bytes_has_no_chunks(store: MemoryBlobs) -> None:
    etag = store.write("inbox", "flowers/a.bin", b"")
    assert list(PinnedSource(store, PLACE, etag, 0, "a").chunks()) == []


@pytest.mark.parametrize("data", [None, DATA, b"other"])
def test_a_file_that_was_changed_or_removed_is_told(store: MemoryBlobs, etag: str, data: bytes | None) -> None:
    source = pinned(store, etag)
    chunks = source.chunks(100)
    assert next(chunks) == DATA[:100]
    if data is None:
        store.delete("inbox", "flowers/a.bin")
    else:
        store.write("inbox", "flowers/a.bin", data)
    told = (
        r"^inbox/flowers/a\.bin was changed or removed since its job began: submit the new content as a job of its own$"
    )
    with pytest.raises(InputChanged, match=told):
        list(chunks)
    with pytest.raises(InputChanged, match=told):
        source.read(0, 1)


def test_no_more_is_read_ahead_than_two_chunks(store: MemoryBlobs, etag: str) -> None:
    watched, reads = WatchedStore(store), list[str]()
    watched.before = reads.append
    chunks = pinned(watched, etag).chunks(100)
    for taken in (1, 2, 3):
        next(chunks)
        assert taken <= len(reads) <= taken + 1


def test_storage_that_does_not_answer_is_no_change_of_the_file(store: MemoryBlobs, etag: str) -> None:
    watched = WatchedStore(store)
    Breaking(0, "before", StorageUnavailable("try again")).on(watched)
    with pytest.raises(StorageUnavailable):
        pinned(watched, etag).read(0, 1)


def test_reading_stops_before_the_next_chunk_when_it_has_to(store: MemoryBlobs, etag: str) -> None:
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise StaleAttempt("another attempt has taken over")

    source = pinned(store, etag, before_chunk=check)
    read: list[bytes] = []
    with pytest.raises(StaleAttempt):
        read.extend(source.chunks(100))
    assert asked == [1, 1, 1]
    assert pinned(store, etag, before_chunk=check).read(0, 1) == DATA[:1]
