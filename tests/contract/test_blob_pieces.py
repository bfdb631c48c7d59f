"""What every BlobStore does with blobs made of pieces, copies, and odd names."""

from collections.abc import Iterator

import pytest

from shared.errors import StaleDocument
from shared.ports import Blob, BlobStore, Container

INBOX, STAGING, JOBS = Container.INBOX, Container.STAGING, Container.JOBS
MIB = 1024 * 1024
ODD_NAMES = (
    "flowers/with space.csv",
    "flowers/100%.csv",
    "flowers/%41.csv",
    "flowers/a+b.csv",
    "flowers/what?.csv",
    "flowers/#1.csv",
    "flowers/a&b=c;d.csv",
    "flowers/'quoted' (1) [2] {3}.csv",
    "flowers/Blüten-花-🌸.csv",
    "flowers/a=1/b=2/.hidden",
)


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b""],
        [b"", b"", b""],
        [b"one"],
        [b"", b"one", b"", b"two", b""],
        [b"%05d," % number for number in range(20_000)],
        [b"x" * (3 * MIB), b"y" * (3 * MIB), b"z" * (3 * MIB), b"tail"],
        [b"x" * (8 * MIB)],
        [b"same" * MIB * 2, b"same" * MIB * 2, b"same" * MIB * 2],
        [b"x" * (9 * MIB), b""],
    ],
    ids=["none", "empty", "empties", "one", "some-empty", "many-small", "over-8-MiB", "8-MiB", "equal", "9-MiB"],
)
def test_blocks_are_joined_in_order(blobs: BlobStore, pieces: list[bytes]) -> None:
    blobs.write(STAGING, "a", b"before", metadata={"k": "v"})
    etag = blobs.write_blocks(STAGING, "a", iter(pieces))
    found = blobs.read(STAGING, "a")
    assert found is not None
    assert found.data == b"".join(pieces)
    assert found.etag == etag


def test_blocks_need_no_container_before(blobs: BlobStore) -> None:
    blobs.write_blocks(STAGING, "a", [b"data"])
    blobs.write_blocks(JOBS, "a", [])
    assert [item.size_bytes for container in (STAGING, JOBS) for item in blobs.list(container)] == [4, 0]


def test_blocks_that_break_off_leave_what_was_there(blobs: BlobStore) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x" * (9 * MIB)
        raise ValueError("no more")

    etag = blobs.write(STAGING, "a", b"before")
    with pytest.raises(ValueError, match="no more"):
        blobs.write_blocks(STAGING, "a", breaking())
    with pytest.raises(ValueError, match="no more"):
        blobs.write_blocks(STAGING, "b", breaking())
    assert blobs.read(STAGING, "a") == Blob(b"before", etag)
    assert blobs.find(STAGING, "b") is None


def test_a_copy_has_data_and_metadata_and_replaces(blobs: BlobStore) -> None:
    source = blobs.write(STAGING, "a", b"data", metadata={"k": "v"})
    blobs.write(INBOX, "b", b"what was there before", metadata={"old": "1"})
    blobs.copy(STAGING, "a", INBOX, "b")
    copied, kept = blobs.read(INBOX, "b"), blobs.read(STAGING, "a")
    assert copied is not None
    assert copied.data == b"data"
    assert copied.etag != source
    assert dict(_metadata(blobs, "b")) == {"k": "v"}
    assert kept == Blob(b"data", source)


def test_a_copy_has_the_metadata_that_it_is_given(blobs: BlobStore) -> None:
    blobs.write(STAGING, "a", b"data", metadata={"k": "v", "of": "a"})
    blobs.copy(STAGING, "a", INBOX, "b", {"of": "b"})
    assert dict(_metadata(blobs, "b")) == {"of": "b"}


def test_a_copy_makes_the_container(blobs: BlobStore) -> None:
    blobs.write(STAGING, "a", b"data")
    blobs.copy(STAGING, "a", Container.PREDICTIONS, "flowers/a")
    assert [item.name for item in blobs.list(Container.PREDICTIONS)] == ["flowers/a"]


@pytest.mark.parametrize("there", [(), (STAGING,), (INBOX,), (STAGING, INBOX)])
def test_a_copy_of_what_is_gone_is_stale(blobs: BlobStore, there: tuple[Container, ...]) -> None:
    for container in there:
        blobs.write(container, "other", b"x")
    with pytest.raises(StaleDocument, match="staging/a"):
        blobs.copy(STAGING, "a", INBOX, "b")
    assert blobs.find(INBOX, "b") is None


def test_a_copy_of_what_is_not_what_it_was_is_stale(blobs: BlobStore) -> None:
    etag = blobs.write(STAGING, "a", b"")
    blobs.copy(STAGING, "a", STAGING, "b", if_match=etag)
    assert blobs.find(STAGING, "b") is not None
    blobs.delete(STAGING, "b")
    blobs.write(STAGING, "a", b"")
    with pytest.raises(StaleDocument):
        blobs.copy(STAGING, "a", STAGING, "b", if_match=etag)
    blobs.delete(STAGING, "a")
    with pytest.raises(StaleDocument):
        blobs.copy(STAGING, "a", STAGING, "b", if_match=etag)
    assert blobs.find(STAGING, "b") is None


def test_deleting_twice_is_no_error(blobs: BlobStore) -> None:
    blobs.write(INBOX, "a", b"data")
    blobs.delete(INBOX, "a")
    blobs.delete(INBOX, "a")
    assert blobs.read(INBOX, "a") is None


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_names_like_others(blobs: BlobStore, name: str) -> None:
    etag = blobs.write(INBOX, name, b"data")
    assert blobs.read(INBOX, name, length=2, if_match=etag) == Blob(b"da", etag)
    assert [item.name for item in blobs.list(INBOX, name)] == [name]
    found = blobs.find(INBOX, name)
    assert found is not None
    assert found.name == name
    blobs.copy(INBOX, name, STAGING, f"copies/{name}")
    assert [item.name for item in blobs.list(STAGING)] == [f"copies/{name}"]
    blobs.write_blocks(INBOX, name, [b"more"])
    blobs.delete(INBOX, name)
    assert list(blobs.list(INBOX)) == []


def test_odd_names_are_listed_in_order(blobs: BlobStore) -> None:
    for name in ODD_NAMES:
        blobs.write(INBOX, name, b"")
    assert [item.name for item in blobs.list(INBOX, "flowers/")] == sorted(ODD_NAMES)


def _metadata(blobs: BlobStore, name: str) -> dict[str, str]:
    found = blobs.find(INBOX, name)
    assert found is not None
    return dict(found.metadata)


def test_many_are_deleted_at_once_and_all_else_stays(blobs: BlobStore) -> None:
    names = [f"job/{number:04d}" for number in range(600)]
    for name in (*names, *ODD_NAMES, "job", "jobs/1"):
        blobs.write(STAGING, name, b"x")
    blobs.write(JOBS, names[0], b"x")
    blobs.delete_all(STAGING, iter([*names, *ODD_NAMES, "job/not-there"]))
    assert [item.name for item in blobs.list(STAGING)] == ["job", "jobs/1"]
    assert blobs.find(JOBS, names[0]) is not None


def test_none_are_deleted_where_there_is_nothing(blobs: BlobStore) -> None:
    blobs.delete_all(STAGING, [])
    blobs.delete_all(STAGING, ["a"])
    assert list(blobs.list(STAGING)) == []
