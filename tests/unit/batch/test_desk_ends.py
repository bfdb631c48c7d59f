"""A job is canceled while that is possible, retried where it left no output, and swept while it is over."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch.desk import Mark
from shared.batch.job import Event, Job, JobStatus
from shared.errors import InvalidTransition, JobCanceled
from tests.support.batch import WatchedStore
from tests.support.endpoint import NOW
from tests.unit.batch.submitted import BEAT, LATER, at, first_time, new


@pytest.fixture
def job(store: MemoryBlobs) -> Job:
    return desk.submit(store, new())


def canceled(store: MemoryBlobs) -> Job:
    at(store, JobStatus.CANCEL_REQUESTED)
    return desk.close_canceled(store, "drop-1", LATER)


def test_a_cancellation_stops_whoever_works_on_the_job(store: MemoryBlobs, job: Job) -> None:
    assert desk.request_cancel(store, job.id).status == JobStatus.CANCEL_REQUESTED
    assert desk.request_cancel(store, job.id).status == JobStatus.CANCEL_REQUESTED
    with pytest.raises(JobCanceled, match="job 'drop-1' was canceled: retry it to run it after all"):
        desk.check(store, job.work, LATER, BEAT)
    with pytest.raises(JobCanceled):
        desk.move(store, job.work, Event.FINALIZE, LATER)
    closed = desk.close_canceled(store, job.id, LATER)
    assert (closed.status, closed.finished_at, closed.swept) == (JobStatus.CANCELED, LATER, True)
    assert desk.close_canceled(store, job.id, NOW) == desk.request_cancel(store, job.id) == closed


@pytest.mark.parametrize("status", [JobStatus.FINALIZING, JobStatus.COMPLETED, JobStatus.FAILED])
def test_it_may_be_too_late_to_cancel(store: MemoryBlobs, status: JobStatus) -> None:
    before = at(store, status)
    with pytest.raises(InvalidTransition, match=f"job 'drop-1' is {status}: it cannot cancel"):
        desk.request_cancel(store, before.id)
    assert desk.close_canceled(store, before.id, LATER) == before == desk.read(store, before.id)


def test_a_cancellation_that_meets_a_sign_of_life_is_decided_again(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = first_time(lambda: desk.move(store, job.work, Event.RUN, LATER))
    assert desk.request_cancel(watched, job.id).status == JobStatus.CANCEL_REQUESTED
    watched.before = first_time(lambda: desk.close_canceled(store, job.id, NOW))
    assert desk.close_canceled(watched, job.id, LATER).finished_at == NOW


def test_a_failed_job_is_retried_on_top_of_what_it_has_done(store: MemoryBlobs) -> None:
    failed = at(store, JobStatus.FAILED)
    again = desk.retry(store, failed.id, LATER, params={"a": 1})
    assert (again.status, again.attempt, again.run, again.retries) == (JobStatus.NOT_STARTED, 2, 1, 1)
    assert (again.heartbeat_at, again.params, again.error) == (LATER, {"a": 1}, None)
    assert Mark("drop-1", 1) in desk.active(store)


def test_a_retry_begins_anew_where_nothing_is_left(store: MemoryBlobs) -> None:
    closed = canceled(store)
    again = desk.retry(store, closed.id, LATER)
    assert (again.status, again.run, again.swept) == (JobStatus.NOT_STARTED, 2, False)


@pytest.mark.parametrize("status", [status for status in JobStatus if status not in ("Failed", "Canceled")])
def test_only_what_has_ended_without_an_output_is_retried(store: MemoryBlobs, status: JobStatus) -> None:
    before = at(store, status)
    with pytest.raises(InvalidTransition, match=f"is {status}: it cannot retry"):
        desk.retry(store, before.id, LATER)
    assert desk.read(store, before.id) == before
    assert list(desk.active(store)) == [Mark("drop-1", 0)]


def test_of_two_retries_at_once_one_counts(store: MemoryBlobs) -> None:
    failed = at(store, JobStatus.FAILED)
    watched = WatchedStore(store)
    watched.before = first_time(lambda: desk.retry(store, failed.id, LATER))
    with pytest.raises(InvalidTransition, match="is NotStarted: it cannot retry"):
        desk.retry(watched, failed.id, LATER)
    assert desk.read(store, failed.id).attempt == 2


def test_what_a_job_left_is_swept_only_while_it_is_over(store: MemoryBlobs) -> None:
    failed = at(store, JobStatus.FAILED)
    assert desk.mark_swept(store, Mark(failed.id, 1)) is None
    swept = desk.mark_swept(store, Mark.of(failed))
    assert swept is not None
    assert swept.swept
    assert desk.mark_swept(store, Mark.of(failed)) == swept
    again = desk.retry(store, failed.id, LATER)
    assert again.run == 2
    assert desk.mark_swept(store, Mark.of(failed)) is None


def test_a_sweep_that_meets_a_retry_lets_it_go_on(store: MemoryBlobs) -> None:
    failed = at(store, JobStatus.FAILED)
    watched = WatchedStore(store)
    watched.before = first_time(lambda: desk.retry(store, failed.id, LATER))
    assert desk.mark_swept(watched, Mark.of(failed)) is None
    assert desk.read(store, failed.id).run == 1
