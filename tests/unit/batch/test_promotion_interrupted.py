"""A promotion that dies or is overtaken, and two at once: every step may be repeated."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, ledger
from shared.batch.job import Job, JobStatus
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import Latest, promote_job
from shared.batch.windows import list_pending
from shared.errors import StaleAttempt, StorageUnavailable
from shared.ports import BlobStore, Container
from tests.support import iris
from tests.support.batch import (
    Breaking,
    Clock,
    Killed,
    WatchedStore,
    check_whole_if_successful,
    make_ports,
    output,
    predicted_rows,
)

type Scored = Callable[..., Job]


def read_latest(store: BlobStore) -> Latest | None:
    blob = store.read(Container.PREDICTIONS, "flowers/latest.json")
    return Latest.model_validate_json(blob.data) if blob else None


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_promotion_that_died_anywhere_is_gone_on_with(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock, when: str
) -> None:
    expected = None
    for at in range(100):
        job = scored()
        clock.go_on(minutes=1)
        watched = WatchedStore(store)
        breaking = Breaking(at, when, Killed())
        breaking.on(watched)
        setattr(watched, "after" if when == "before" else "before", lambda _: check_whole_if_successful(store))
        try:
            promote_job(job.work, make_ports(watched, clock, ports.loader))
        except Killed:
            check_whole_if_successful(store)
        clock.go_on(minutes=1)
        if not desk.read(store, job.id).status.finished:
            promote_job(job.work, make_ports(store, clock, ports.loader))
        seen = output(store, job)
        seen["manifest.json"]["job_id"] = ""
        assert seen == (expected or seen), f"died {when} {breaking.broke}"
        expected = seen
        latest = read_latest(store)
        assert latest is not None
        assert latest.job_id == job.id
        if not breaking.broke:
            assert at > 20
            return
    raise AssertionError("a promotion has no end")


def test_parts_that_are_there_already_are_not_copied_again(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored()
    watched, copies = WatchedStore(store), list[str]()

    def die_at_the_manifest(operation: str) -> None:
        if operation.endswith("manifest.json") and operation.startswith("write predictions"):
            raise Killed

    watched.before = die_at_the_manifest
    with pytest.raises(Killed):
        promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    store.delete(Container.PREDICTIONS, f"flowers/{job.id}/part-000001.parquet")
    store.write(Container.PREDICTIONS, f"flowers/{job.id}/part-000002.parquet", b"half of it")
    watched.before = lambda operation: (
        copies.append(operation) if "copy" in operation and "part-" in operation else None
    )
    promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    assert sorted(name[-8:] for name in (copy.removesuffix(".parquet") for copy in copies)) == ["t-000001", "t-000002"]
    assert predicted_rows(store, job) == list(range(10))


def test_what_readers_have_seen_is_not_written_again(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    job = scored(iris.csv(10))
    watched = WatchedStore(store)

    def die_after_success(operation: str) -> None:
        if operation.endswith("_SUCCESS"):
            raise Killed

    watched.after = die_after_success
    with pytest.raises(Killed):
        promote_job(job.work, make_ports(watched, clock, ports.loader))
    before = {item.name: item.etag for item in store.list(Container.PREDICTIONS) if "/_" not in item.name}
    clock.go_on(hours=1)
    promote_job(job.work, ports)
    after = {item.name: item.etag for item in store.list(Container.PREDICTIONS)}
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("folder", ["ledger", "rejected"])
def test_a_job_whose_staged_pieces_are_gone_is_given_up_and_shows_nothing(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, folder: str
) -> None:
    job = scored()
    for item in [*store.list(Container.STAGING, f"{job.id}/1/{folder}/")][-1:]:
        store.delete(Container.STAGING, item.name)
    with pytest.raises(StaleAttempt, match="cannot be promoted"):
        promote_job(job.work, ports)
    assert list(store.list(Container.PREDICTIONS)) == []
    failed = desk.read(store, job.id)
    assert failed.status == JobStatus.FAILED
    assert failed.error is not None
    told = {
        "ledger": "1 staged parts are not there any more: retry the job",
        "rejected": "any more: submit the job anew",
    }
    assert failed.error.message.endswith(told[folder])
    assert list(desk.active(store)) == []


def test_a_retry_scores_a_part_that_was_lost(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    job = scored()
    store.delete(Container.STAGING, ledger.part_name(job.work, 1))
    with pytest.raises(StaleAttempt, match="retry the job"):
        promote_job(job.work, ports)
    again = desk.retry(store, job.id, clock())
    plan_job(again.work, ports)
    assert list_pending(again.work, 0, 3, ports) == [1]
    score_mini_batch(again.work, 1, ports)
    promote_job(again.work, ports)
    assert predicted_rows(store, again) == list(range(10))


@pytest.mark.parametrize("data", [b"", b'{"row": 0}\n'])
def test_a_part_that_is_not_read_as_it_was_written_is_missing_in_no_file(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, data: bytes
) -> None:
    job = scored(output_format="jsonl", output_file_name="all.jsonl")
    name = ledger.part_name(job.work, 1)
    entry = store.find(Container.STAGING, name)
    assert entry is not None
    store.write(Container.STAGING, name, data, metadata=entry.metadata)
    with pytest.raises(StorageUnavailable, match="was not read as it was written: try again"):
        promote_job(job.work, ports)
    assert output(store, job) == {}


@pytest.mark.parametrize("writes", ["copy", "_SUCCESS"])
def test_an_attempt_that_was_overtaken_stops_before_what_readers_see(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, writes: str
) -> None:
    job = scored()
    watched = WatchedStore(store)

    def overtake(operation: str) -> None:
        last_before = "list predictions" if writes == "copy" else "write predictions"
        if operation.startswith(last_before) and desk.read(store, job.id).attempt == 1:
            desk.take_over(store, desk.read(store, job.id), ports.now())

    watched.after = overtake
    with pytest.raises(StaleAttempt):
        promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    assert "_SUCCESS" not in output(store, job)
    assert read_latest(store) is None


def test_a_manifest_that_vanishes_while_it_is_read_gives_the_job_up(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    """Somebody else deletes in the output: what it would hold nobody knows."""
    job = scored()
    watched = WatchedStore(store)
    name = f"flowers/{job.id}/manifest.json"
    store.write(Container.PREDICTIONS, name, b"{}")

    def remove(operation: str) -> None:
        if operation == f"read predictions/{name}":
            store.delete(Container.PREDICTIONS, name)

    watched.before = remove
    with pytest.raises(StaleAttempt, match=r"manifest\.json is not there any more"):
        promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    assert list(store.list(Container.PREDICTIONS)) == []


def test_latest_moves_forward_only(store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock) -> None:
    older, newer = scored(name="flowers/older.csv"), scored(name="flowers/newer.csv")
    clock.go_on(minutes=2)
    promote_job(newer.work, ports)
    earlier = make_ports(store, lambda: clock() - timedelta(minutes=1), ports.loader)
    promote_job(older.work, earlier)
    latest = read_latest(store)
    assert latest is not None
    assert (latest.job_id, latest.scored_at) == (newer.id, clock())


def test_two_jobs_that_end_at_once_agree_on_the_latest(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    mine, other = scored(name="flowers/mine.csv"), scored(name="flowers/other.csv")
    watched = WatchedStore(store)

    def be_faster(operation: str) -> None:
        if operation == "write predictions/flowers/latest.json" and read_latest(store) is None:
            promote_job(other.work, make_ports(store, lambda: clock() + timedelta(minutes=1), ports.loader))

    watched.before = be_faster
    promote_job(mine.work, make_ports(watched, clock, ports.loader))
    latest = read_latest(store)
    assert latest is not None
    assert latest.job_id == other.id
    assert desk.read(store, mine.id).status == JobStatus.COMPLETED
