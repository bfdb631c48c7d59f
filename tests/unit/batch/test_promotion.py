"""Output becomes visible in one order, `_SUCCESS` after all that it vouches for."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, ledger
from shared.batch.job import Counts, Job, JobStatus
from shared.batch.output import OutputFile
from shared.batch.ports import BatchPorts
from shared.batch.promotion import Latest, OutputManifest, promote_job
from shared.errors import ErrorThresholdExceeded, InvalidTransition, StaleAttempt, StorageUnavailable
from shared.ports import BlobStore, Container
from tests.support import iris
from tests.support.batch import (
    Clock,
    WatchedStore,
    make_ports,
    output,
    predicted_rows,
)

type Scored = Callable[..., Job]


def read_latest(store: BlobStore) -> Latest | None:
    blob = store.read(Container.PREDICTIONS, "flowers/latest.json")
    return Latest.model_validate_json(blob.data) if blob else None


def test_an_output_holds_every_row_and_says_what_it_is(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    finished = promote_job(job.work, ports)
    seen = output(store, job)
    assert list(seen) == [
        "_SUCCESS",
        "manifest.json",
        "part-000000.parquet",
        "part-000001.parquet",
        "part-000002.parquet",
        "rejected.jsonl",
    ]
    assert predicted_rows(store, job) == list(range(10))
    assert [entry["row"] for entry in seen["rejected.jsonl"]] == [10, 11]
    counts = Counts(rows=12, predicted=10, rejected=2, mini_batches=3)
    assert finished == desk.read(store, job.id)
    assert (finished.status, finished.counts, finished.finished_at) == (JobStatus.COMPLETED, counts, ports.now())
    assert finished.output == f"predictions/flowers/{job.id}/"
    manifest = OutputManifest.model_validate({**seen["manifest.json"], "scored_at": ports.now()})
    assert (manifest.counts, manifest.inputs) == (counts, ("inbox/flowers/month.csv",))
    assert (manifest.deployment, manifest.model, manifest.revision) == ("blue", "iris/1", 1)
    sizes = {item.name: item.size_bytes for item in store.list(Container.PREDICTIONS)}
    assert manifest.parts == tuple(
        OutputFile(name=name, rows=rows, size_bytes=sizes[f"flowers/{job.id}/{name}"])
        for name, rows in [("part-000000.parquet", 4), ("part-000001.parquet", 4), ("part-000002.parquet", 2)]
    )
    assert read_latest(store) == Latest(job_id=job.id, output=finished.output, scored_at=ports.now())
    assert list(store.list(Container.STAGING)) == []
    assert list(desk.active(store)) == []


def test_writes_come_in_the_order_that_readers_rely_on(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    watched, seen = WatchedStore(store), list[str]()
    watched.after = seen.append
    promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    folder = f"predictions/flowers/{job.id}"
    writes = [operation for operation in seen if operation.split()[0] in ("write", "copy")]
    assert sorted(writes[1:4]) == [f"copy {folder}/part-00000{index}.parquet" for index in range(3)]
    assert [writes[0], *writes[4:]] == [
        f"write jobs/{job.id}/job.json",
        f"write {folder}/rejected.jsonl",
        f"write {folder}/manifest.json",
        f"write {folder}/_prepared",
        f"copy {folder}/_SUCCESS",
        "write predictions/flowers/latest.json",
        f"write jobs/{job.id}/job.json",
        f"write jobs/ended/{job.id}.0",
    ]
    assert seen[-1] == f"delete jobs/active/{job.id}.0"


@pytest.mark.parametrize(("threshold", "fails"), [(-1, False), (0, True), (1, True), (2, False), (3, False)])
def test_rejected_rows_over_the_threshold_stop_a_promotion(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, threshold: int, fails: bool
) -> None:
    job = scored(error_threshold=threshold)
    if not fails:
        assert promote_job(job.work, ports).status == JobStatus.COMPLETED
        return
    with pytest.raises(ErrorThresholdExceeded) as raised:
        promote_job(job.work, ports)
    assert raised.value.message == (
        f"2 of 12 rows were rejected, more than error_threshold allows ({threshold}); nothing was promoted. The first: "
        '{"file_name":"inbox/flowers/month.csv","row":10,"reason":"sepal_length: \'junk\' is not a number"}'
    )
    assert list(store.list(Container.PREDICTIONS)) == []


def test_a_threshold_is_told_also_when_the_example_is_gone(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored(error_threshold=0)
    for item in store.list(Container.STAGING, job.work.path("rejected/")):
        store.delete(Container.STAGING, item.name)
    with pytest.raises(ErrorThresholdExceeded, match="2 of 12 rows were rejected"):
        promote_job(job.work, ports)


def test_an_output_of_bad_rows_only_has_no_parts(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored(iris.csv(0) + b"x,1,1,1\n")
    promote_job(job.work, ports)
    assert list(output(store, job)) == ["_SUCCESS", "manifest.json", "rejected.jsonl"]


def test_a_file_without_rows_has_an_empty_output(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored(iris.csv(0))
    assert promote_job(job.work, ports).counts == Counts(rows=0, predicted=0, rejected=0)
    assert list(output(store, job)) == ["_SUCCESS", "manifest.json"]


def test_a_job_that_is_not_all_scored_is_not_promoted(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    store.delete(Container.STAGING, ledger.part_name(job.work, 1))
    ledger.close_group(store, job.work, 0)
    with pytest.raises(InvalidTransition, match="2 of 3 mini-batches are scored: retry the job"):
        promote_job(job.work, ports)
    assert list(store.list(Container.PREDICTIONS)) == []


@pytest.mark.parametrize("operation", ["read predictions/flowers/latest.json", "write predictions/flowers/latest.json"])
def test_a_job_whose_output_is_visible_can_be_late_and_cannot_fail(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored, operation: str
) -> None:
    job = scored()
    watched = WatchedStore(store)

    def refuse(told: str) -> None:
        if told == operation:
            raise InvalidTransition("something that trying again would not mend")

    watched.before = refuse
    with pytest.raises(StorageUnavailable, match="the output is whole"):
        promote_job(job.work, make_ports(watched, clock))
    assert "_SUCCESS" in output(store, job)
    assert promote_job(job.work, ports).status == JobStatus.COMPLETED


def test_a_latest_that_cannot_be_read_is_written_over(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    store.write(Container.PREDICTIONS, "flowers/latest.json", b"{")
    promote_job(job.work, ports)
    latest = read_latest(store)
    assert latest is not None
    assert latest.job_id == job.id


@pytest.mark.parametrize(("ahead", "stays"), [(timedelta(minutes=59), True), (timedelta(days=400), False)])
def test_a_latest_from_a_clock_that_was_far_ahead_is_written_over(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock, ahead: timedelta, stays: bool
) -> None:
    """Otherwise no job would be the newest before that time has come."""
    early, job = scored(name="flowers/early.csv"), scored()
    promote_job(early.work, make_ports(store, lambda: clock() + ahead, ports.loader))
    promote_job(job.work, ports)
    latest = read_latest(store)
    assert latest is not None
    assert latest.job_id == (early.id if stays else job.id)


def test_a_clock_that_is_far_behind_takes_no_latest_for_one_of_a_wrong_clock(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    """It is storage's clock that says which of two hosts is wrong."""
    early, job = scored(name="flowers/early.csv"), scored()
    promote_job(early.work, ports)
    promote_job(job.work, make_ports(store, lambda: clock() - timedelta(hours=4), ports.loader))
    latest = read_latest(store)
    assert latest is not None
    assert latest.job_id == early.id


def test_an_attempt_that_is_overtaken_after_success_stops(store: MemoryBlobs, clock: Clock, scored: Scored) -> None:
    job = scored()
    watched = WatchedStore(store)

    def overtake(told: str) -> None:
        if told == f"copy predictions/flowers/{job.id}/_SUCCESS":
            assert desk.take_over(store, desk.read(store, job.id), clock())

    watched.after = overtake
    with pytest.raises(StaleAttempt):
        promote_job(job.work, make_ports(watched, clock))
