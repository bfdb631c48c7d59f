"""The job document: made once, moved along one table, and listed."""

from datetime import timedelta
from itertools import product

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, job_index
from shared.batch import job as jobs
from shared.batch.desk import Mark
from shared.batch.job import TRANSITIONS, Capability, Event, Job, JobStatus
from shared.errors import ConfigurationError, InvalidTransition, JobNotFound
from shared.ports import Container
from tests.support.batch import Breaking, Killed, WatchedStore
from tests.support.endpoint import NOW
from tests.unit.batch.submitted import LATER, at, first_time, new


@pytest.fixture
def job(store: MemoryBlobs) -> Job:
    return desk.submit(store, new())


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


def test_a_job_that_is_not_there_is_told(store: MemoryBlobs) -> None:
    with pytest.raises(JobNotFound, match="there is no job 'drop-9'"):
        desk.read(store, "drop-9")


def test_a_document_of_a_later_schema_is_not_guessed_at(store: MemoryBlobs, job: Job) -> None:
    data = job.model_dump_json().replace('"schema_version":2', '"schema_version":3')
    store.write(Container.JOBS, "drop-1/job.json", data.encode())
    with pytest.raises(ConfigurationError, match="cannot be read by this version of the app"):
        desk.read(store, job.id)


def test_a_job_knows_the_last_few_capabilities(store: MemoryBlobs, job: Job) -> None:
    made = [Capability(sha256=f"{number:064x}", expires_at=LATER) for number in range(40)]
    for each in made:
        desk.add_capability(store, job.id, each)
    assert desk.read(store, job.id).capabilities == tuple(made[-32:])
    watched = WatchedStore(store)
    watched.before = first_time(lambda: desk.request_cancel(store, job.id))
    assert desk.add_capability(watched, job.id, made[0]).status == JobStatus.CANCEL_REQUESTED


def test_a_job_is_on_its_endpoints_list_once_and_the_newest_first(store: MemoryBlobs) -> None:
    for minute in (0, 2, 1):
        job = new(f"drop-{minute}").model_copy(update={"created_at": NOW + timedelta(minutes=minute)})
        desk.submit(store, job)
        job_index.enlist(store, job)
    names = [item.name for item in store.list(Container.JOBS, job_index.prefix("flowers"))]
    assert [name.rpartition("-drop-")[2] for name in names] == ["2", "1", "0"]
