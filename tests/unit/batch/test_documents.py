"""The manifest, its pages and the ledger: what is written once stays, and whoever comes second learns what counts."""

from collections.abc import Iterable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import ledger
from shared.batch.ledger import Entry, Tally
from shared.batch.manifest import InputFile, Leaf, Manifest, Manifests, MiniBatch, PlanPage, Span
from shared.batch.work import Work
from shared.endpoints.batch_settings import JobSettings
from shared.endpoints.deployment import PinnedModel
from shared.errors import InvalidTransition
from shared.ports import Container, Place
from tests.support.batch import WatchedStore
from tests.support.endpoint import NOW

WORK = Work("drop-1", 1)
FILE = InputFile(
    path="inbox/flowers/a.csv",
    container=Container.INBOX,
    blob="flowers/a.csv",
    etag='"1"',
    size_bytes=12,
    format="csv",
    columns=("x",),
)


def manifest(rows: int = 5, plan: str = "mine") -> Manifest:
    return Manifest(
        job_id="drop-1",
        endpoint="flowers",
        revision=1,
        deployment="blue",
        model=PinnedModel(name="iris", version="1", digest="sha256:" + "0" * 64),
        settings=JobSettings(),
        plan=plan,
        mini_batches=1,
        rows=rows,
        planned_at=NOW,
    )


def page(*sizes: int) -> PlanPage:
    batches = tuple(MiniBatch(spans=(Span(file=0, first_row=0, rows=rows),)) for rows in sizes)
    return PlanPage(files=(FILE,), mini_batches=batches)


def entry(index: int, part_bytes: int = 100, rejected: int = 1) -> Entry:
    return Entry(index=index, predicted=5, rejected=rejected, part_bytes=part_bytes)


def record(store: MemoryBlobs, indexes: Iterable[int]) -> None:
    for index in indexes:
        ledger.record(store, WORK, entry(index))


def test_the_first_manifest_stays(store: MemoryBlobs) -> None:
    assert Manifests(store).create_once(WORK, manifest(5)) == manifest(5)
    assert Manifests(store).create_once(WORK, manifest(6)) == manifest(5)
    assert Manifests(store).find(WORK) == Manifests(store).read(WORK) == manifest(5)


def test_a_manifest_is_read_from_storage_once_whatever_the_attempt(store: MemoryBlobs) -> None:
    reads: list[str] = []
    watched = WatchedStore(store)
    watched.before = reads.append
    manifests = Manifests(watched)
    Manifests(store).create_once(WORK, manifest())
    assert [manifests.read(Work("drop-1", attempt)) for attempt in range(3)] == [manifest()] * 3
    assert reads == ["read jobs/drop-1/1/manifest.json"]


def test_a_job_without_a_manifest_is_not_planned_yet_and_may_be_later(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    assert manifests.find(WORK) is None
    with pytest.raises(InvalidTransition, match="job 'drop-1' is not planned yet"):
        manifests.read(WORK)
    Manifests(store).create_once(WORK, manifest())
    assert manifests.read(WORK) == manifest()


def test_a_run_has_a_plan_of_its_own(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    manifests.create_once(WORK, manifest(5))
    again = Work("drop-1", 2, run=2)
    assert manifests.find(again) is None
    manifests.create_once(again, manifest(6))
    assert (manifests.read(WORK).rows, manifests.read(again).rows) == (5, 6)


def test_a_mini_batch_is_found_on_its_page(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    pages = [page(*[1] * 200), page(7, 8)]
    assert manifests.write_pages(WORK, "mine", iter(Leaf(each, {}) for each in pages)) == (202, 215)
    manifests.create_once(WORK, manifest(215))
    assert manifests.page(WORK, 0) == (pages[0], pages[0].mini_batches[0])
    assert manifests.page(WORK, 199) == (pages[0], pages[0].mini_batches[199])
    assert manifests.page(WORK, 201) == (pages[1], pages[1].mini_batches[1])
    assert pages[1].mini_batches[1].rows == 8
    assert pages[1].files[0].place == Place("", "inbox", "flowers/a.csv")


def test_a_mini_batch_of_whole_files_is_found_on_a_page_of_its_own(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    own = page(1, 1)
    first = page(*[1] * 200)
    second = PlanPage(files=(FILE,), mini_batches=(*page(7).mini_batches, MiniBatch(files=2)))
    assert manifests.write_pages(WORK, "mine", iter([Leaf(first, {}), Leaf(second, {1: own})])) == (202, 209)
    manifests.create_once(WORK, manifest(209))
    assert manifests.page(WORK, 200) == (second, second.mini_batches[0])
    assert manifests.page(WORK, 201) == (own, own.mini_batches[0])
    assert second.mini_batches[1].rows == 2


def test_pages_of_a_plan_that_does_not_count_are_not_seen(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    manifests.write_pages(WORK, "mine", iter([Leaf(page(1), {})]))
    manifests.write_pages(WORK, "another's", iter([Leaf(page(2), {})]))
    manifests.create_once(WORK, manifest(plan="mine"))
    assert manifests.page(WORK, 0)[1].rows == 1


def test_a_plan_that_was_put_away_is_told(store: MemoryBlobs) -> None:
    manifests = Manifests(store)
    manifests.create_once(WORK, manifest())
    with pytest.raises(InvalidTransition, match="the plan of job 'drop-1' was put away already"):
        manifests.page(WORK, 0)


def test_the_first_entry_of_a_mini_batch_counts(store: MemoryBlobs) -> None:
    assert ledger.find(store, WORK, 7) is None
    assert ledger.record(store, WORK, entry(7, 4), b"mine") == entry(7, 4)
    assert ledger.record(store, WORK, entry(7, 9), b"another's") == entry(7, 4)
    assert ledger.find(store, WORK, 7) == entry(7, 4)
    part = store.read(Container.STAGING, ledger.part_name(WORK, 7))
    assert part is not None
    assert part.data == b"mine"


def test_what_is_pending_of_a_group_is_found_in_that_group_alone(store: MemoryBlobs) -> None:
    record(store, (0, 2, 199, 200, 399))
    seen: list[str] = []
    watched = WatchedStore(store)
    watched.before = seen.append
    assert ledger.pending(watched, WORK, 0, 5) == [1, 3, 4]
    assert ledger.pending(watched, WORK, 200, 400) == list(range(201, 399))
    assert ledger.pending(watched, WORK, 400, 402) == [400, 401]
    assert seen == [f"list staging/drop-1/1/ledger/{group:06d}/" for group in range(3)]


def test_entries_come_in_the_order_of_their_mini_batches_and_of_one_run_of_one_job(store: MemoryBlobs) -> None:
    record(store, (100_000, 2, 10, 0))
    ledger.record(store, Work("drop-10", 1), entry(1))
    ledger.record(store, Work("drop-1", 2, run=2), entry(3))
    ledger.record(store, Work("drop-1", 2, run=10), entry(4))
    assert [found.index for found in ledger.entries(store, WORK)] == [0, 2, 10, 100_000]


def test_what_is_done_adds_up_from_whole_groups_and_the_one_at_work(store: MemoryBlobs) -> None:
    assert ledger.tally(store, WORK) == Tally()
    record(store, range(199))
    assert ledger.tally(store, WORK) == Tally(mini_batches=199, predicted=995, rejected=199)
    record(store, [199])
    assert ledger.close_group(store, WORK, 0) == Tally(mini_batches=200, predicted=1000, rejected=200)
    assert ledger.tally(store, WORK) == ledger.close_group(store, WORK, 0)
    record(store, [200, 201])
    done = ledger.tally(store, WORK)
    assert done == Tally(mini_batches=202, predicted=1010, rejected=202)
    assert done.rows == 1212


def test_groups_that_are_whole_are_not_read_again(store: MemoryBlobs) -> None:
    record(store, range(401))
    for group in (0, 1):
        ledger.close_group(store, WORK, group)
    seen: list[str] = []
    watched = WatchedStore(store)
    watched.before = seen.append
    assert ledger.tally(watched, WORK).mini_batches == 401
    assert seen == ["list jobs/drop-1/1/tally/", "list staging/drop-1/1/ledger/000002/"]
