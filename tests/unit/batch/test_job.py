"""The job document: made once, moved along one table, written by the current attempt only."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import job as jobs
from shared.batch.job import TRANSITIONS, Event, Job, JobInput, JobStatus
from shared.errors import InvalidTransition, JobNotFound, ScoringFailed, StaleAttempt
from shared.ports import Container
from tests.support.batch import Breaking, Clock, Killed, WatchedStore
from tests.support.endpoint import NOW

LATER = NOW + timedelta(minutes=1)
BEAT = timedelta(seconds=75)


def new(job_id: str = "drop-1") -> Job:
    return jobs.new(job_id, "flowers", JobInput(path="inbox/flowers/a.csv", etag='"1"'), "drop", NOW)


@pytest.fixture
def job(store: MemoryBlobs) -> Job:
    return jobs.submit(store, new())


def at(store: MemoryBlobs, status: JobStatus) -> Job:
    """The job in this state."""
    job = jobs.submit(store, new().model_copy(update={"status": status}))
    assert job.status == status
    return job


def test_a_new_job_waits_for_its_first_attempt(store: MemoryBlobs, job: Job) -> None:
    assert jobs.read(store, "drop-1") == job == new()
    assert (job.status, job.attempt, jobs.instance_id(job)) == (JobStatus.NOT_STARTED, 1, "drop-1-1")
    assert list(jobs.active(store)) == ["drop-1"]


def test_a_job_that_is_submitted_again_stays_as_it_is(store: MemoryBlobs, job: Job) -> None:
    running = jobs.move(store, job.id, 1, Event.RUN, LATER)
    assert jobs.submit(store, new()) == running == jobs.read(store, job.id)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [0, 1])
def test_submitting_may_be_repeated_after_a_crash_at_any_write(store: MemoryBlobs, at: int, when: str) -> None:
    watched = WatchedStore(store)
    Breaking(at, when, Killed()).on(watched)
    with pytest.raises(Killed):
        jobs.submit(watched, new())
    # What has a document is marked, so that nothing that was begun is forgotten.
    if store.find(Container.JOBS, "drop-1/job.json"):
        assert list(jobs.active(store)) == ["drop-1"]
    assert jobs.submit(store, new()) == new()
    assert list(jobs.active(store)) == ["drop-1"]


def test_one_version_of_a_blob_is_one_job() -> None:
    first = jobs.dropped_id("inbox/flowers/a.csv", '"1"')
    assert first == jobs.dropped_id("inbox/flowers/a.csv", '"1"')
    others = [jobs.dropped_id("inbox/flowers/a.csv", '"2"'), jobs.dropped_id("inbox/flowers/b.csv", '"1"')]
    others += [jobs.scheduled_id("flowers", "nightly", NOW), jobs.scheduled_id("flowers", "nightly", LATER)]
    assert len({first, *others}) == 5
    assert first.startswith("drop-")
    assert others[-1].startswith("schedule-")


@pytest.mark.parametrize(("event", "status"), [*product(Event, JobStatus)])
def test_a_job_moves_as_the_table_says_and_never_else(store: MemoryBlobs, event: Event, status: JobStatus) -> None:
    before = at(store, status)
    expected = TRANSITIONS.get((event, status))
    if expected is None:
        with pytest.raises(InvalidTransition):
            jobs.move(store, before.id, 1, event, LATER)
        assert jobs.read(store, before.id) == before
    else:
        moved = jobs.move(store, before.id, 1, event, LATER, output="predictions/x")
        assert jobs.read(store, before.id) == moved
        assert (moved.status, moved.heartbeat_at, moved.output) == (expected, LATER, "predictions/x")


def test_the_table_leads_from_every_open_state_to_an_end_and_out_of_none() -> None:
    assert {status for _, status in TRANSITIONS} == {status for status in JobStatus if not status.finished}
    for status in (JobStatus.NOT_STARTED, JobStatus.RUNNING, JobStatus.FINALIZING):
        assert TRANSITIONS[Event.FAIL, status] == JobStatus.FAILED
        assert TRANSITIONS[Event.RUN, status] == JobStatus.RUNNING
    assert [key for key, to in TRANSITIONS.items() if to == JobStatus.COMPLETED] == [
        (Event.COMPLETE, JobStatus.FINALIZING)
    ]


def test_a_move_that_the_table_lacks_is_told(store: MemoryBlobs, job: Job) -> None:
    with pytest.raises(InvalidTransition, match="job 'drop-1' is NotStarted: it cannot complete"):
        jobs.move(store, job.id, 1, Event.COMPLETE, LATER)


@pytest.mark.parametrize("attempt", [0, 2])
@pytest.mark.parametrize(
    "write",
    [
        lambda store, attempt: jobs.move(store, "drop-1", attempt, Event.RUN, LATER),
        lambda store, attempt: jobs.check(store, "drop-1", attempt, LATER, BEAT),
    ],
)
def test_an_attempt_that_is_not_the_current_one_writes_nothing(
    store: MemoryBlobs, job: Job, write: Callable[[MemoryBlobs, int], object], attempt: int
) -> None:
    with pytest.raises(StaleAttempt, match=f"job 'drop-1' is NotStarted in attempt 1: attempt {attempt} has to stop"):
        write(store, attempt)
    assert jobs.read(store, "drop-1") == job


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED])
def test_nobody_writes_for_a_finished_job(store: MemoryBlobs, status: JobStatus) -> None:
    job = at(store, status)
    with pytest.raises(StaleAttempt):
        jobs.check(store, job.id, 1, LATER, BEAT)


def test_a_job_that_is_not_there_is_told(store: MemoryBlobs) -> None:
    with pytest.raises(JobNotFound, match="there is no job 'drop-9'"):
        jobs.read(store, "drop-9")


def test_a_sign_of_life_is_written_only_when_the_last_one_is_old(store: MemoryBlobs, job: Job, clock: Clock) -> None:
    clock.go_on(seconds=75)
    jobs.check(store, job.id, 1, clock(), BEAT)
    assert jobs.read(store, job.id).heartbeat_at == NOW
    clock.go_on(seconds=1)
    jobs.check(store, job.id, 1, clock(), BEAT)
    assert jobs.read(store, job.id).heartbeat_at == clock()


def _first_time(act: Callable[[], object]) -> Callable[[str], None]:
    """Acts just before the first write of the job document."""
    done = False

    def before(operation: str) -> None:
        nonlocal done
        if operation == "write jobs/drop-1/job.json" and not done:
            done = True
            act()

    return before


def test_a_sign_of_life_that_came_too_late_finds_who_was_faster(store: MemoryBlobs, job: Job) -> None:
    watched, late = WatchedStore(store), NOW + timedelta(minutes=10)
    watched.before = _first_time(lambda: jobs.move(store, job.id, 1, Event.RUN, LATER))
    assert jobs.check(watched, job.id, 1, late, BEAT).status == JobStatus.RUNNING
    assert jobs.read(store, job.id).heartbeat_at == late
    watched.before = _first_time(lambda: jobs.take_over(store, jobs.read(store, job.id), late))
    with pytest.raises(StaleAttempt):
        jobs.check(watched, job.id, 1, late + timedelta(minutes=10), BEAT)


def test_a_move_that_meets_another_is_decided_again(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = _first_time(lambda: jobs.check(store, job.id, 1, NOW + timedelta(minutes=10), BEAT))
    assert jobs.move(watched, job.id, 1, Event.RUN, LATER).status == JobStatus.RUNNING
    watched.before = _first_time(lambda: jobs.fail(store, job.id, 1, ScoringFailed("no"), LATER))
    with pytest.raises(StaleAttempt):
        jobs.move(watched, job.id, 1, Event.FINALIZE, LATER)


def test_a_failed_job_says_why_and_is_put_away(store: MemoryBlobs, job: Job) -> None:
    store.write(Container.STAGING, f"{job.id}/parts/a", b"data")
    store.write(Container.STAGING, f"{job.id}0/parts/a", b"another job's")
    jobs.fail(store, job.id, 1, ScoringFailed("the model raised"), LATER)
    failed = jobs.read(store, job.id)
    assert failed.error is not None
    assert (failed.status, failed.finished_at) == (JobStatus.FAILED, LATER)
    assert (failed.error.code, failed.error.message) == ("ScoringFailed", "the model raised")
    assert list(jobs.active(store)) == []
    assert [item.name for item in store.list(Container.STAGING)] == [f"{job.id}0/parts/a"]


def test_the_first_reason_stays(store: MemoryBlobs, job: Job) -> None:
    jobs.fail(store, job.id, 1, ScoringFailed("first"), LATER)
    jobs.fail(store, job.id, 1, ScoringFailed("second"), LATER)
    error = jobs.read(store, job.id).error
    assert error is not None
    assert error.message == "first"


def test_an_attempt_that_was_overtaken_fails_nothing(store: MemoryBlobs, job: Job) -> None:
    second = jobs.take_over(store, job, LATER)
    jobs.fail(store, job.id, 1, ScoringFailed("not mine to say"), LATER)
    assert jobs.read(store, job.id) == second
    assert list(jobs.active(store)) == [job.id]


def test_a_job_is_taken_over_by_one_only(store: MemoryBlobs, job: Job) -> None:
    second = jobs.take_over(store, job, LATER)
    assert second is not None
    assert (second.attempt, second.heartbeat_at, jobs.instance_id(second)) == (2, LATER, "drop-1-2")
    assert jobs.take_over(store, job, LATER) is None
    assert jobs.read(store, job.id) == second


def test_of_two_who_take_over_at_once_one_wins(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = _first_time(lambda: jobs.take_over(store, job, LATER))
    assert jobs.take_over(watched, job, LATER) is None
    assert jobs.read(store, job.id).attempt == 2


def test_a_job_that_shows_life_is_not_taken_over(store: MemoryBlobs, job: Job) -> None:
    jobs.move(store, job.id, 1, Event.RUN, LATER)
    assert jobs.take_over(store, job, LATER) is None


def test_a_document_of_a_later_schema_is_not_guessed_at(store: MemoryBlobs, job: Job) -> None:
    data = job.model_dump_json().replace('"schema_version":1', '"schema_version":2')
    store.write(Container.JOBS, "drop-1/job.json", data.encode())
    with pytest.raises(ValueError, match="schema_version"):
        jobs.read(store, job.id)
