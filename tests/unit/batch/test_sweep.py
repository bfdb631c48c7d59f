"""What finished jobs have left is swept once nobody can need it, and not before."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryAnnouncer, MemoryBlobs
from shared.batch import closing, desk
from shared.batch.events import JobEvent, job_event
from shared.batch.job import Job, JobStatus
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import StorageUnavailable
from shared.ports import Container
from tests.support.batch import HEARTBEAT_TIMEOUT, RETRY_WINDOW, Clock, make_ports, output
from tests.support.endings import (
    cancel,
    check_only_the_document_is_left,
    complete,
    documents,
    fail,
    marks,
    staged,
    watched,
)
from tests.support.promotions import failing

type Scored = Callable[..., Job]
type Announced = MemoryAnnouncer[JobEvent]

SECOND = timedelta(seconds=1)


@pytest.fixture
def due(ports: BatchPorts, clock: Clock, scored: Scored) -> Job:
    """A failed job that the next sweep takes."""
    job = fail(ports, scored())
    clock.now += RETRY_WINDOW
    return job


@pytest.mark.parametrize(
    ("end", "kept_for"), [(fail, RETRY_WINDOW), (cancel, HEARTBEAT_TIMEOUT), (complete, HEARTBEAT_TIMEOUT)]
)
def test_what_a_job_left_is_swept_when_its_time_has_come(
    store: MemoryBlobs,
    ports: BatchPorts,
    clock: Clock,
    scored: Scored,
    end: Callable[[BatchPorts, Job], Job],
    kept_for: timedelta,
) -> None:
    job = scored()
    ended = end(ports, job)
    # Whoever had not noticed the end yet staged something more.
    store.write(Container.STAGING, job.work.path("rejected/late"), b"x")
    store.write(Container.STAGING, job.work.path("ledger/000000/00000099"), b"")
    clock.now += kept_for - SECOND
    closing.sweep(ports)
    assert f"{job.id}/1/rejected/late" in staged(store, job)
    clock.now += SECOND
    closing.sweep(ports)
    check_only_the_document_is_left(store, job)
    assert desk.read(store, job.id) == ended.model_copy(update={"swept": True})


def test_a_host_whose_clock_is_ahead_sweeps_nothing_too_early(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, due: Job
) -> None:
    clock.now -= SECOND
    closing.sweep(make_ports(store, lambda: clock() + timedelta(hours=5), ports.loader))
    assert staged(store, due) != []
    clock.now += SECOND
    closing.sweep(make_ports(store, lambda: clock() + timedelta(hours=5), ports.loader))
    check_only_the_document_is_left(store, due)


def test_the_output_of_a_job_outlives_its_sweep(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored
) -> None:
    job = scored()
    complete(ports, job)
    seen = output(store, job)
    clock.go_on(days=1)
    closing.sweep(ports)
    assert output(store, job) == seen


def test_nothing_of_other_jobs_is_swept(store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored) -> None:
    ended, other = scored(), scored(name="flowers/other.csv")
    before = staged(store, other), documents(store, other)
    fail(ports, ended)
    clock.go_on(days=1)
    closing.sweep(ports)
    assert (staged(store, other), documents(store, other)) == before


def test_a_retry_goes_on_from_what_a_failed_job_had_done_and_is_swept_after_its_own_end(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, announcer: Announced, scored: Scored
) -> None:
    job = scored()
    failed = fail(ports, job)
    clock.now += RETRY_WINDOW - SECOND
    again = desk.retry(store, job.id, clock())
    assert again.run == 1
    clock.go_on(minutes=5)
    closing.sweep(ports)  # the mark of the first end says nothing of the retry
    assert staged(store, job)
    plan_job(again.work, ports)
    completed = promote_job(again.work, ports)
    assert [event.id for event in announcer.events] == [f"{job.id}-1-Failed", f"{job.id}-2-Completed"]
    assert announcer.events == [job_event(failed), job_event(completed)]
    clock.go_on(hours=1)
    closing.sweep(ports)
    check_only_the_document_is_left(store, job)


def test_a_retry_after_the_sweep_begins_anew(store: MemoryBlobs, ports: BatchPorts, clock: Clock, due: Job) -> None:
    closing.sweep(ports)
    again = desk.retry(store, due.id, clock())
    assert (again.run, again.swept) == (2, False)
    for index in range(plan_job(again.work, ports).mini_batches):
        score_mini_batch(again.work, index, ports)
    assert promote_job(again.work, ports).status == JobStatus.COMPLETED
    clock.go_on(hours=1)
    closing.sweep(ports)
    check_only_the_document_is_left(store, due)


def test_a_sweep_that_meets_a_retry_takes_nothing_from_it(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, due: Job
) -> None:
    before = staged(store, due)

    def retry(operation: str) -> None:
        if operation == f"write jobs/{due.id}/job.json" and desk.read(store, due.id).status.finished:
            desk.retry(store, due.id, clock())

    closing.sweep(watched(ports, retry))
    assert desk.read(store, due.id).run == 1
    assert staged(store, due) == before
    assert marks(store) == [f"active/{due.id}.1"]


def test_a_retry_that_meets_a_sweep_begins_anew(ports: BatchPorts, clock: Clock, due: Job) -> None:
    def sweep(operation: str) -> None:
        if operation == f"write jobs/{due.id}/job.json":
            closing.sweep(ports)

    assert desk.retry(watched(ports, sweep).store, due.id, clock()).run == 2


def test_a_job_that_cannot_be_swept_yet_holds_up_no_other(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = sorted((scored(), scored(name="flowers/other.csv")), key=lambda job: job.id)
    for job in (first, second):
        fail(ports, job)
    clock.go_on(hours=2)
    closing.sweep(failing(ports, f"delete staging/{first.id}/", StorageUnavailable("a lease is on it")))
    assert (bool(staged(store, first)), bool(staged(store, second))) == (True, False)
    assert caplog.messages == [f"job {first.id} is not swept yet: a lease is on it"]
    closing.sweep(ports)
    assert staged(store, first) == []


def test_a_sweep_stops_when_its_time_is_up_and_the_next_one_goes_on(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, scored: Scored
) -> None:
    jobs = sorted((scored(name=f"flowers/{number}.csv") for number in range(3)), key=lambda job: job.id)
    for job in jobs:
        fail(ports, job)
    clock.go_on(hours=2)
    looks = iter([False, True])
    closing.sweep(ports, lambda: next(looks))
    assert [bool(staged(store, job)) for job in jobs] == [False, True, True]
    assert marks(store) == [f"ended/{job.id}.0" for job in jobs[1:]]
    closing.sweep(ports, lambda: False)
    assert ([*store.list(Container.STAGING)], marks(store)) == ([], [])
