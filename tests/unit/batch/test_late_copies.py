"""What somebody who was late has left in the output of a run that has failed: swept, and never built upon."""

from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk, ledger
from shared.batch.job import Counts, Event, Job, JobError, JobStatus
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import OutputManifest, promote_job
from shared.errors import StaleAttempt, StorageUnavailable
from shared.ports import Container
from tests.support.batch import RETRY_WINDOW, Clock, WatchedStore, make_ports, output, predicted_rows
from tests.support.endings import check_only_the_document_is_left, fail
from tests.support.promotions import PLACE, failing, send, shown

type Scored = Callable[..., Job]


@pytest.fixture
def due(ports: BatchPorts, clock: Clock, scored: Scored) -> Job:
    """A failed job that the next sweep takes."""
    job = fail(ports, scored())
    clock.now += RETRY_WINDOW
    return job


def part(job: Job) -> str:
    return f"flowers/{job.id}/part-000001.parquet"


def leave(store: MemoryBlobs, job: Job, data: bytes = b"late") -> None:
    """What a promoter of the first run writes who was asleep."""
    told = OutputManifest(
        job_id=job.id,
        endpoint=job.endpoint,
        deployment="blue",
        model="iris/1",
        revision=1,
        inputs=(),
        counts=Counts(rows=1, predicted=1, rejected=0),
        parts=(),
        scored_at=job.created_at,
    )
    store.write(Container.PREDICTIONS, part(job), data)
    store.write(Container.PREDICTIONS, f"flowers/{job.id}/manifest.json", told.model_dump_json().encode())


def test_late_copies_are_swept(store: MemoryBlobs, ports: BatchPorts, due: Job) -> None:
    leave(store, due)
    closing.sweep(ports)
    assert output(store, due) == {}
    check_only_the_document_is_left(store, due)


def test_in_a_folder_of_a_caller_the_sweep_leaves_what_is_not_of_the_job(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored
) -> None:
    fail(ports, send(ports, scored(allowed_outputs=("results/",))))
    clock.now += RETRY_WINDOW
    for name in ("part-000001.parquet", "by-hand.txt"):
        store.write("results", f"{PLACE.removeprefix('results/')}{name}", b"x")
    closing.sweep(ports)
    assert [item.name for item in shown(store)] == ["may/by-hand.txt"]


def test_what_readers_have_been_shown_is_not_swept(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, due: Job
) -> None:
    """Nobody writes `_SUCCESS` for a job that fails; should somebody have, by hand, then it was for good."""
    leave(store, due)
    store.write(Container.PREDICTIONS, f"flowers/{due.id}/_SUCCESS", b"")
    closing.sweep(ports)
    assert store.find(Container.PREDICTIONS, part(due)) is not None


def test_a_place_that_may_not_be_written_any_more_holds_up_no_sweep(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored
) -> None:
    job = desk.move(
        store, scored().work, Event.RUN, clock(), output_location="https://gone.blob.core.windows.net/results/may/"
    )
    fail(ports, job)
    clock.now += RETRY_WINDOW
    closing.sweep(ports)
    check_only_the_document_is_left(store, job)


def test_a_sweep_that_cannot_look_at_the_output_comes_again(store: MemoryBlobs, ports: BatchPorts, due: Job) -> None:
    leave(store, due)
    closing.sweep(failing(ports, "list predictions/", StorageUnavailable("not now")))
    assert not desk.read(store, due.id).swept
    closing.sweep(ports)
    assert (desk.read(store, due.id).swept, output(store, due)) == (True, {})


def test_a_sweep_takes_nothing_from_a_retry_that_was_faster(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, due: Job
) -> None:
    leave(store, due)
    watched, again = WatchedStore(store), list[Job]()

    def retry(operation: str) -> None:
        if operation == f"write jobs/{due.id}/job.json" and not again:
            again.append(desk.retry(store, due.id, clock()))
            finish(ports, again[0])

    watched.after = retry
    closing.sweep(make_ports(watched, clock, ports.loader))
    assert (again[0].run, predicted_rows(store, due)) == (2, list(range(10)))


def finish(ports: BatchPorts, job: Job) -> None:
    for index in range(plan_job(job.work, ports).mini_batches):
        score_mini_batch(job.work, index, ports)
    assert promote_job(job.work, ports).status == JobStatus.COMPLETED


@pytest.fixture
def again(ports: BatchPorts, clock: Clock, due: Job) -> Job:
    """Its second run, all scored."""
    closing.sweep(ports)
    job = desk.retry(ports.store, due.id, clock())
    assert job.run == 2
    for index in range(plan_job(job.work, ports).mini_batches):
        score_mini_batch(job.work, index, ports)
    return job


def test_a_later_run_trusts_no_part_that_it_finds(store: MemoryBlobs, ports: BatchPorts, again: Job) -> None:
    entry = ledger.find(store, again.work, 1)
    assert entry is not None
    leave(store, again, b"x" * entry.part_bytes)
    promote_job(again.work, ports)
    assert predicted_rows(store, again) == list(range(10))


def test_a_manifest_of_an_earlier_run_is_written_over(store: MemoryBlobs, ports: BatchPorts, again: Job) -> None:
    leave(store, again)
    promote_job(again.work, ports)
    told = output(store, again)["manifest.json"]
    assert (told["run"], told["counts"]["rows"], len(told["parts"])) == (2, 12, 3)


def test_a_promoter_shows_nothing_once_another_has_given_the_job_up(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored
) -> None:
    """Of the same attempt, delivered twice: the other one found a part lost, and began to take the output back."""
    job = scored()
    no = JobError(code="StaleDocument", message="a part is not there any more")
    watched = WatchedStore(store)

    def give_up(operation: str) -> None:
        if operation == f"list predictions/flowers/{job.id}/" and desk.read(store, job.id).error is None:
            desk.move(store, job.work, Event.FINALIZE, clock(), error=no)

    watched.after = give_up
    with pytest.raises(StaleAttempt, match="cannot be promoted: a part is not there any more"):
        promote_job(job.work, make_ports(watched, clock, ports.loader))
    failed = desk.read(store, job.id)
    assert (failed.status, failed.error, output(store, job)) == (JobStatus.FAILED, no, {})
