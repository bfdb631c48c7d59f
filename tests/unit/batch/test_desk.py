"""The job document: made once, moved along one table, written by the current attempt only."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, job_index
from shared.batch import job as jobs
from shared.batch.desk import Mark
from shared.batch.job import TRANSITIONS, Capability, Event, Job, JobInput, JobStatus
from shared.batch.work import Work
from shared.errors import ConfigurationError, InvalidTransition, JobCanceled, JobNotFound, StaleAttempt
from shared.ports import Container
from tests.support.batch import Breaking, Clock, Killed, WatchedStore
from tests.support.endpoint import NOW

LATER = NOW + timedelta(minutes=1)
BEAT = timedelta(seconds=75)


def new(job_id: str = "drop-1") -> Job:
    return jobs.new(job_id, "flowers", (JobInput(location="inbox/flowers/a.csv", etag='"1"'),), "drop", NOW)


@pytest.fixture
def job(store: MemoryBlobs) -> Job:
    return desk.submit(store, new())


def at(store: MemoryBlobs, status: JobStatus) -> Job:
    """The job in this state."""
    job = desk.submit(store, new().model_copy(update={"status": status}))
    assert job.status == status
    return job


def test_a_new_job_waits_for_its_first_attempt(store: MemoryBlobs, job: Job) -> None:
    assert desk.read(store, "drop-1") == job == new()
    assert (job.status, job.attempt, job.work.instance_id) == (JobStatus.NOT_STARTED, 1, "drop-1-1")
    assert list(desk.active(store)) == [Mark("drop-1", 0)]


def test_a_job_that_is_submitted_again_stays_as_it_is(store: MemoryBlobs, job: Job) -> None:
    running = desk.move(store, job.work, Event.RUN, LATER)
    assert desk.submit(store, new()) == running == desk.read(store, job.id)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_submitting_may_be_repeated_after_a_crash_at_any_write(store: MemoryBlobs, at: int, when: str) -> None:
    watched = WatchedStore(store)
    Breaking(at, when, Killed()).on(watched)
    with pytest.raises(Killed):
        desk.submit(watched, new())
    # What has a document is marked, so that nothing that was begun is forgotten.
    if store.find(Container.JOBS, "drop-1/job.json"):
        assert list(desk.active(store)) == [Mark("drop-1", 0)]
    assert desk.submit(store, new()) == new()
    assert list(desk.active(store)) == [Mark("drop-1", 0)]


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
    if expected is None or status.finished or status == JobStatus.CANCEL_REQUESTED:
        # The last two have ways of their own out of their states.
        with pytest.raises(InvalidTransition):
            desk.move(store, before.work, event, LATER)
        assert desk.read(store, before.id) == before
    else:
        moved = desk.move(store, before.work, event, LATER, output="predictions/x")
        assert desk.read(store, before.id) == moved
        assert (moved.status, moved.heartbeat_at, moved.output) == (expected, LATER, "predictions/x")


def test_the_table_leads_from_every_open_state_to_an_end_and_out_of_completed_never() -> None:
    assert {status for _, status in TRANSITIONS} == set(JobStatus) - {JobStatus.COMPLETED}
    assert {event for event, status in TRANSITIONS if status.finished} == {Event.RETRY}
    for status in (JobStatus.NOT_STARTED, JobStatus.RUNNING):
        assert TRANSITIONS[Event.FAIL, status] == JobStatus.FAILED
        assert TRANSITIONS[Event.REQUEST_CANCEL, status] == JobStatus.CANCEL_REQUESTED
    assert [key for key, to in TRANSITIONS.items() if to == JobStatus.COMPLETED] == [
        (Event.COMPLETE, JobStatus.FINALIZING)
    ]


def test_what_is_being_made_visible_goes_forward_only() -> None:
    ways_out = {event for event, status in TRANSITIONS if status == JobStatus.FINALIZING}
    assert ways_out == {Event.RUN, Event.FINALIZE, Event.COMPLETE, Event.ABANDON}
    assert TRANSITIONS[Event.RUN, JobStatus.FINALIZING] == JobStatus.FINALIZING


def test_a_move_that_the_table_lacks_is_told(store: MemoryBlobs, job: Job) -> None:
    with pytest.raises(InvalidTransition, match="job 'drop-1' is NotStarted: it cannot complete"):
        desk.move(store, job.work, Event.COMPLETE, LATER)


@pytest.mark.parametrize("attempt", [0, 2])
@pytest.mark.parametrize(
    "write",
    [
        lambda store, attempt: desk.move(store, Work("drop-1", attempt), Event.RUN, LATER),
        lambda store, attempt: desk.check(store, Work("drop-1", attempt), LATER, BEAT),
    ],
)
def test_an_attempt_that_is_not_the_current_one_writes_nothing(
    store: MemoryBlobs, job: Job, write: Callable[[MemoryBlobs, int], object], attempt: int
) -> None:
    with pytest.raises(StaleAttempt, match=f"job 'drop-1' is NotStarted in attempt 1: attempt {attempt} has to stop"):
        write(store, attempt)
    assert desk.read(store, "drop-1") == job


@pytest.mark.parametrize("status", [status for status in JobStatus if status.finished])
def test_nobody_writes_for_a_finished_job(store: MemoryBlobs, status: JobStatus) -> None:
    job = at(store, status)
    with pytest.raises(StaleAttempt):
        desk.check(store, job.work, LATER, BEAT)


def test_a_job_that_is_not_there_is_told(store: MemoryBlobs) -> None:
    with pytest.raises(JobNotFound, match="there is no job 'drop-9'"):
        desk.read(store, "drop-9")


def test_a_sign_of_life_is_written_only_when_the_last_one_is_old(store: MemoryBlobs, job: Job, clock: Clock) -> None:
    clock.go_on(seconds=75)
    desk.check(store, job.work, clock(), BEAT)
    assert desk.read(store, job.id).heartbeat_at == NOW
    clock.go_on(seconds=1)
    desk.check(store, job.work, clock(), BEAT)
    assert desk.read(store, job.id).heartbeat_at == clock()


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
    watched.before = _first_time(lambda: desk.move(store, job.work, Event.RUN, LATER))
    assert desk.check(watched, job.work, late, BEAT).status == JobStatus.RUNNING
    assert desk.read(store, job.id).heartbeat_at == late
    watched.before = _first_time(lambda: desk.take_over(store, desk.read(store, job.id), late))
    with pytest.raises(StaleAttempt):
        desk.check(watched, job.work, late + timedelta(minutes=10), BEAT)


def test_a_move_that_meets_another_is_decided_again(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = _first_time(lambda: desk.check(store, job.work, NOW + timedelta(minutes=10), BEAT))
    assert desk.move(watched, job.work, Event.RUN, LATER).status == JobStatus.RUNNING
    watched.before = _first_time(lambda: desk.move(store, job.work, Event.FAIL, LATER))
    with pytest.raises(StaleAttempt):
        desk.move(watched, job.work, Event.FINALIZE, LATER)


def test_a_job_is_taken_over_by_one_only(store: MemoryBlobs, job: Job) -> None:
    second = desk.take_over(store, job, LATER)
    assert second is not None
    assert (second.attempt, second.heartbeat_at, second.work.instance_id) == (2, LATER, "drop-1-2")
    assert desk.take_over(store, job, LATER) is None
    assert desk.read(store, job.id) == second


def test_of_two_who_take_over_at_once_one_wins(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = _first_time(lambda: desk.take_over(store, job, LATER))
    assert desk.take_over(watched, job, LATER) is None
    assert desk.read(store, job.id).attempt == 2


def test_a_job_that_shows_life_is_not_taken_over(store: MemoryBlobs, job: Job) -> None:
    desk.move(store, job.work, Event.RUN, LATER)
    assert desk.take_over(store, job, LATER) is None


def test_a_document_of_a_later_schema_is_not_guessed_at(store: MemoryBlobs, job: Job) -> None:
    data = job.model_dump_json().replace('"schema_version":2', '"schema_version":3')
    store.write(Container.JOBS, "drop-1/job.json", data.encode())
    with pytest.raises(ConfigurationError, match="cannot be read by this version of the app"):
        desk.read(store, job.id)


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
    watched.before = _first_time(lambda: desk.move(store, job.work, Event.RUN, LATER))
    assert desk.request_cancel(watched, job.id).status == JobStatus.CANCEL_REQUESTED
    watched.before = _first_time(lambda: desk.close_canceled(store, job.id, NOW))
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
    watched.before = _first_time(lambda: desk.retry(store, failed.id, LATER))
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
    watched.before = _first_time(lambda: desk.retry(store, failed.id, LATER))
    assert desk.mark_swept(watched, Mark.of(failed)) is None
    assert desk.read(store, failed.id).run == 1


def test_a_job_knows_the_last_few_capabilities(store: MemoryBlobs, job: Job) -> None:
    made = [Capability(sha256=f"{number:064x}", expires_at=LATER) for number in range(40)]
    for each in made:
        desk.add_capability(store, job.id, each)
    assert desk.read(store, job.id).capabilities == tuple(made[-32:])
    watched = WatchedStore(store)
    watched.before = _first_time(lambda: desk.request_cancel(store, job.id))
    assert desk.add_capability(watched, job.id, made[0]).status == JobStatus.CANCEL_REQUESTED


def test_a_job_is_on_its_endpoints_list_once_and_the_newest_first(store: MemoryBlobs) -> None:
    for minute in (0, 2, 1):
        job = new(f"drop-{minute}").model_copy(update={"created_at": NOW + timedelta(minutes=minute)})
        desk.submit(store, job)
        job_index.enlist(store, job)
    names = [item.name for item in store.list(Container.JOBS, job_index.prefix("flowers"))]
    assert [name.rpartition("-drop-")[2] for name in names] == ["2", "1", "0"]
