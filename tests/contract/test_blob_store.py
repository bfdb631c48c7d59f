"""What every BlobStore does with one blob after the other: the one in memory, and the one on Azurite."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import StaleDocument
from shared.ports import Blob, BlobStore, Container

INBOX, STAGING = Container.INBOX, Container.STAGING


def test_storage_tells_when_a_blob_was_written_and_what_time_it_is(blobs: BlobStore) -> None:
    assert blobs.times(INBOX, "a") is None
    blobs.write(INBOX, "a", b"1")
    times = blobs.times(INBOX, "a")
    assert times is not None
    assert timedelta() <= times.age < timedelta(minutes=1)
    assert abs(times.now - datetime.now(UTC)) < timedelta(minutes=1)
    assert blobs.times(INBOX, "b") is None


def test_what_was_written_is_read(blobs: BlobStore) -> None:
    etag = blobs.write(INBOX, "a/b.bin", b"\x00\x01\xff")
    assert blobs.read(INBOX, "a/b.bin") == Blob(b"\x00\x01\xff", etag)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, None, b"0123456789"),
        (0, 4, b"0123"),
        (3, 4, b"3456"),
        (3, None, b"3456789"),
        (8, 4, b"89"),
        (9, 1, b"9"),
        (0, 10, b"0123456789"),
        (0, 100, b"0123456789"),
        (10, 4, b""),
        (10, None, b""),
        (1000, 4, b""),
        (0, 0, b""),
        (5, 0, b""),
    ],
)
def test_a_range_is_cut_to_what_is_there(blobs: BlobStore, offset: int, length: int | None, expected: bytes) -> None:
    etag = blobs.write(INBOX, "a", b"0123456789")
    assert blobs.read(INBOX, "a", offset=offset, length=length) == Blob(expected, etag)


@pytest.mark.parametrize(("offset", "length"), [(0, None), (0, 2), (0, 0), (1, 2), (1, None)])
def test_an_empty_blob_is_read_as_nothing(blobs: BlobStore, offset: int, length: int | None) -> None:
    etag = blobs.write(INBOX, "a", b"")
    assert blobs.read(INBOX, "a", offset=offset, length=length, if_match=etag) == Blob(b"", etag)


@pytest.mark.parametrize("length", [None, 5, 0, 100])
@pytest.mark.parametrize("offset", [0, 3, 50])
def test_a_read_of_another_version_is_stale(blobs: BlobStore, offset: int, length: int | None) -> None:
    old = blobs.write(INBOX, "a", b"0123456789")
    new = blobs.write(INBOX, "a", b"9876543210")
    with pytest.raises(StaleDocument, match="inbox/a"):
        blobs.read(INBOX, "a", offset=offset, length=length, if_match=old)
    found = blobs.read(INBOX, "a", offset=offset, length=length, if_match=new)
    assert found is not None
    assert found.etag == new


@pytest.mark.parametrize("container_is_there", [True, False])
def test_a_missing_blob_is_none(blobs: BlobStore, container_is_there: bool) -> None:
    if container_is_there:
        blobs.write(INBOX, "other", b"x")
    assert blobs.find(INBOX, "a") is None
    for length in (None, 0, 5):
        assert blobs.read(INBOX, "a", length=length) is None
        assert blobs.read(INBOX, "a", length=length, if_match='"0x1"') is None
    blobs.delete(INBOX, "a")


def test_a_write_replaces_data_and_metadata(blobs: BlobStore) -> None:
    blobs.write(INBOX, "a", b"first", metadata={"entry": '{"index": 1, "part": "a/b"}'})
    assert dict(_metadata(blobs, "a")) == {"entry": '{"index": 1, "part": "a/b"}'}
    etag = blobs.write(INBOX, "a", b"second")
    assert blobs.read(INBOX, "a") == Blob(b"second", etag)
    assert dict(_metadata(blobs, "a")) == {}


def test_create_never_replaces(blobs: BlobStore) -> None:
    etag = blobs.write(INBOX, "a", b"first", create=True, metadata={"by": "me"})
    with pytest.raises(StaleDocument, match="inbox/a"):
        blobs.write(INBOX, "a", b"second", create=True)
    assert blobs.read(INBOX, "a") == Blob(b"first", etag)
    assert dict(_metadata(blobs, "a")) == {"by": "me"}


def test_create_takes_the_name_of_a_deleted_blob(blobs: BlobStore) -> None:
    blobs.write(INBOX, "a", b"first", create=True)
    blobs.delete(INBOX, "a")
    etag = blobs.write(INBOX, "a", b"second", create=True)
    assert blobs.read(INBOX, "a") == Blob(b"second", etag)


def test_if_match_replaces_only_what_was_read(blobs: BlobStore) -> None:
    first = blobs.write(INBOX, "a", b"first")
    second = blobs.write(INBOX, "a", b"second", if_match=first, metadata={"n": "2"})
    with pytest.raises(StaleDocument):
        blobs.write(INBOX, "a", b"third", if_match=first)
    assert blobs.read(INBOX, "a") == Blob(b"second", second)
    assert dict(_metadata(blobs, "a")) == {"n": "2"}


@pytest.mark.parametrize("container_is_there", [True, False])
def test_if_match_never_creates(blobs: BlobStore, container_is_there: bool) -> None:
    if container_is_there:
        blobs.write(INBOX, "other", b"x")
    with pytest.raises(StaleDocument):
        blobs.write(INBOX, "a", b"data", if_match='"0x8D0000000000000"')
    assert blobs.find(INBOX, "a") is None


def test_if_match_deletes_only_what_was_read(blobs: BlobStore) -> None:
    first = blobs.write(INBOX, "a", b"first")
    second = blobs.write(INBOX, "a", b"second")
    with pytest.raises(StaleDocument, match="inbox/a"):
        blobs.delete(INBOX, "a", if_match=first)
    assert blobs.read(INBOX, "a") == Blob(b"second", second)
    (listed,) = blobs.list(INBOX)
    blobs.delete(INBOX, "a", if_match=listed.etag)
    assert blobs.find(INBOX, "a") is None
    blobs.delete(INBOX, "a", if_match=second)


@pytest.mark.parametrize("container_is_there", [True, False])
def test_a_blob_that_is_gone_is_deleted_whatever_it_was(blobs: BlobStore, container_is_there: bool) -> None:
    if container_is_there:
        blobs.write(INBOX, "other", b"x")
    blobs.delete(INBOX, "a", if_match='"0x8D0000000000000"')


def test_every_write_gives_a_new_etag_also_one_that_changes_nothing(blobs: BlobStore) -> None:
    etags = [blobs.write(INBOX, "a", b"same") for _ in range(3)]
    etags.append(blobs.write_blocks(INBOX, "a", [b"same"]))
    assert len(set(etags)) == len(etags)


def test_write_read_find_and_list_spell_an_etag_alike(blobs: BlobStore) -> None:
    etag = blobs.write(INBOX, "a", b"data")
    read, found, listed = blobs.read(INBOX, "a"), blobs.find(INBOX, "a"), list(blobs.list(INBOX))
    assert read is not None
    assert found is not None
    assert [etag] * 3 == [read.etag, found.etag, listed[0].etag]
    assert etag.startswith('"0x')
    assert etag.endswith('"')


def test_a_listing_is_in_the_order_of_names_and_tells_size_and_metadata(blobs: BlobStore) -> None:
    names = ["b/2", "a", "b/10", "b/1", "b", "b/", "b-", "c", "B/1"]
    for name in names:
        blobs.write(INBOX, name, name.encode(), metadata={"name": name})
    items = list(blobs.list(INBOX))
    assert [item.name for item in items] == sorted(names)
    assert [item.size_bytes for item in items] == [len(name) for name in sorted(names)]
    assert [dict(item.metadata) for item in items] == [{"name": name} for name in sorted(names)]
    assert [item.name for item in blobs.list(INBOX, "b/")] == ["b/", "b/1", "b/10", "b/2"]
    assert [item.name for item in blobs.list(INBOX, "b/1")] == ["b/1", "b/10"]
    assert list(blobs.list(INBOX, "nothing/")) == []
    assert list(blobs.list(STAGING)) == []


def test_find_and_list_tell_the_same(blobs: BlobStore) -> None:
    blobs.write(INBOX, "with", b"1", metadata={"k": "v"})
    blobs.write(INBOX, "without", b"")
    assert [blobs.find(INBOX, "with"), blobs.find(INBOX, "without")] == list(blobs.list(INBOX))


def test_a_listing_may_be_deleted_while_it_is_read(blobs: BlobStore) -> None:
    for number in range(20):
        blobs.write(INBOX, f"{number:02d}", b"")
    for item in blobs.list(INBOX):
        blobs.delete(INBOX, item.name)
    assert list(blobs.list(INBOX)) == []


def _metadata(blobs: BlobStore, name: str) -> dict[str, str]:
    found = blobs.find(INBOX, name)
    assert found is not None
    return dict(found.metadata)
