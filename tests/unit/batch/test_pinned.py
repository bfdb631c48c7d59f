"""A file in storage, read as it was when its job was planned."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch.pinned import PinnedSource
from shared.errors import InputChanged, StaleAttempt
from shared.ports import Container, Place
from tests.support.batch import WatchedStore

PLACE = Place("", Container.INBOX, "flowers/month.csv")
CONTENT = bytes(range(100))


def write(store: MemoryBlobs, content: bytes = CONTENT) -> str:
    return store.write(PLACE.container, PLACE.name, content)


def test_chunks_come_in_their_order_and_the_last_may_be_shorter(store: MemoryBlobs) -> None:
    source = PinnedSource(store, PLACE, write(store), len(CONTENT), "inbox/flowers/month.csv")
    assert [*source.chunks(30)] == [CONTENT[:30], CONTENT[30:60], CONTENT[60:90], CONTENT[90:]]
    assert [*source.chunks(1000)] == [CONTENT]


def test_of_nothing_there_are_no_chunks(store: MemoryBlobs) -> None:
    assert [*PinnedSource(store, PLACE, write(store, b""), 0, "inbox/flowers/month.csv").chunks()] == []


def test_no_more_is_read_ahead_than_two_chunks(store: MemoryBlobs) -> None:
    etag, watched = write(store), WatchedStore(store)
    reads: list[str] = []
    watched.before = reads.append
    chunks = PinnedSource(watched, PLACE, etag, len(CONTENT), "inbox/flowers/month.csv").chunks(10)
    for taken in (1, 2, 3):
        next(chunks)
        assert taken <= len(reads) <= taken + 1


def test_reading_stops_where_its_caller_may_not_go_on(store: MemoryBlobs) -> None:
    left = iter([None, None, None])

    def check() -> None:
        if next(left, "over") == "over":
            raise StaleAttempt("another attempt has the job")

    source = PinnedSource(store, PLACE, write(store), len(CONTENT), "inbox/flowers/month.csv", check)
    taken: list[bytes] = []
    with pytest.raises(StaleAttempt):
        taken.extend(source.chunks(10))
    assert len(taken) == 2


def test_a_file_that_changed_while_it_was_read_is_not_read_on(store: MemoryBlobs) -> None:
    source = PinnedSource(store, PLACE, write(store), len(CONTENT), "inbox/flowers/month.csv")
    chunks = source.chunks(10)
    assert next(chunks) == CONTENT[:10]
    write(store)
    with pytest.raises(InputChanged, match="was changed or removed since its job began"):
        list(chunks)
