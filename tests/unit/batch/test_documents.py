"""The manifest and the ledger: what is written once stays, and whoever comes second learns what counts."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import ledger
from shared.batch.ledger import Entry
from shared.batch.manifest import InputFile, Manifest, Manifests, MiniBatch
from shared.endpoints.deployment import PinnedModel
from shared.errors import InvalidTransition
from shared.ports import Container
from tests.support.batch import WatchedStore
from tests.support.endpoint import NOW


def manifest(rows: int = 5) -> Manifest:
    return Manifest(
        job_id="drop-1",
        endpoint="flowers",
        revision=1,
        deployment="blue",
        model=PinnedModel(name="iris", version="1", digest="sha256:" + "0" * 64),
        max_concurrency=2,
        error_threshold=-1,
        files=(
            InputFile(
                path="inbox/flowers/a.csv", container=Container.INBOX, blob="flowers/a.csv", etag='"1"', columns=("x",)
            ),
        ),
        mini_batches=(MiniBatch(file=0, offset=2, length=10, first_row=0, rows=rows),),
        planned_at=NOW,
    )


def entry(index: int, part: str = "") -> Entry:
    return Entry(index=index, predicted=5, rejected=1, part=part, part_bytes=100, rejected_part="")


def test_the_first_manifest_stays(store: MemoryBlobs) -> None:
    assert Manifests(store).create_once(manifest(5)) == manifest(5)
    assert Manifests(store).create_once(manifest(6)) == manifest(5)
    assert Manifests(store).find("drop-1") == Manifests(store).read("drop-1") == manifest(5)


def test_a_manifest_is_read_from_storage_once(store: MemoryBlobs) -> None:
    reads: list[str] = []
    watched = WatchedStore(store)
    watched.before = reads.append
    manifests = Manifests(watched)
    Manifests(store).create_once(manifest())
    assert [manifests.read("drop-1") for _ in range(3)] == [manifest()] * 3
    assert reads == ["read jobs/drop-1/manifest.json"]


def test_a_job_without_a_manifest_is_not_planned_yet_and_may_be_later(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    assert manifests.find("drop-1") is None
    with pytest.raises(InvalidTransition, match="job 'drop-1' is not planned yet"):
        manifests.read("drop-1")
    Manifests(store).create_once(manifest())
    assert manifests.read("drop-1") == manifest()


def test_the_first_entry_of_a_mini_batch_counts(store: MemoryBlobs) -> None:
    assert ledger.find(store, "drop-1", 7) is None
    assert ledger.record(store, "drop-1", entry(7, "mine")) == entry(7, "mine")
    assert ledger.record(store, "drop-1", entry(7, "another's")) == entry(7, "mine")
    assert ledger.find(store, "drop-1", 7) == entry(7, "mine")


def test_what_is_pending_of_a_group_is_found_in_that_group_alone(store: MemoryBlobs) -> None:
    for index in (0, 2, 199, 200, 399):
        ledger.record(store, "drop-1", entry(index))
    seen: list[str] = []
    watched = WatchedStore(store)
    watched.before = seen.append
    assert ledger.pending(watched, "drop-1", 0, 5) == [1, 3, 4]
    assert ledger.pending(watched, "drop-1", 200, 400) == list(range(201, 399))
    assert ledger.pending(watched, "drop-1", 400, 402) == [400, 401]
    assert seen == [f"list jobs/drop-1/ledger/{group:06d}/" for group in range(3)]


def test_entries_come_in_the_order_of_their_mini_batches_and_of_one_job(store: MemoryBlobs) -> None:
    for index in (100_000, 2, 10, 0):
        ledger.record(store, "drop-1", entry(index))
    ledger.record(store, "drop-10", entry(1))
    assert [found.index for found in ledger.entries(store, "drop-1")] == [0, 2, 10, 100_000]
