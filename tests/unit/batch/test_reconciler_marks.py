"""What somebody has begun and died over is found by its mark, and brought to its end."""

from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryAnnouncer, MemoryBlobs
from shared.batch import closing, desk
from shared.batch.desk import Mark
from shared.batch.events import JobEvent, job_event
from shared.batch.job import Event, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.reconciler import forsaken
from shared.batch.work import Work
from shared.endpoints.batch_settings import Overrides
from shared.errors import ScoringFailed, StorageUnavailable
from shared.ports import Container
from tests.support.batch import Breaking, Clock, Killed, WatchedStore, make_ports, not_running
from tests.unit.batch.submitted import submit

WORK = Work("drop-1", 1)


def retry_and_die(ports: BatchPorts) -> None:
    """Of a failed job: its mark is there, and its document is as it was."""
    closing.fail(ports, submit(ports).work, ScoringFailed("no"))
    watched = WatchedStore(ports.store)
    Breaking(2, "before", Killed()).on(watched)
    with pytest.raises(Killed):
        desk.retry(watched, "drop-1", ports.now(), overrides=Overrides(error_threshold=7))


def test_a_mark_without_a_job_waits_for_the_job(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    store.write(Container.JOBS, "active/drop-0.0", b"")
    submit(ports)
    clock.go_on(minutes=6)
    assert [job.id for job in forsaken(ports, not_running)] == ["drop-1"]
    assert list(desk.active(store)) == [Mark("drop-0", 0), Mark("drop-1", 0)]


def test_a_retry_that_died_after_its_mark_is_made_once_nobody_can_be_about_to(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock
) -> None:
    retry_and_die(ports)
    assert list(forsaken(ports, not_running)) == []
    assert list(desk.active(store)) == [Mark("drop-1", 1)]
    clock.go_on(minutes=6)
    (job,) = forsaken(ports, not_running)
    assert (job.status, job.attempt, job.retries) == (JobStatus.NOT_STARTED, 2, 1)
    assert job.overrides.error_threshold == 7
    assert list(desk.active(store)) == [Mark("drop-1", 1)]


def test_a_retry_that_its_caller_makes_meanwhile_is_not_made_again(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock
) -> None:
    retry_and_die(ports)
    clock.go_on(minutes=6)
    slow = WatchedStore(store)

    def be_faster(operation: str) -> None:
        if operation == "read jobs/active/drop-1.1":
            desk.retry(store, "drop-1", clock())

    slow.after = be_faster
    assert list(forsaken(make_ports(slow, clock, ports.loader), not_running)) == []
    assert desk.read(store, "drop-1").attempt == 2


def test_a_mark_from_before_a_retry_says_nothing_of_the_job(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock
) -> None:
    desk.move(store, submit(ports).work, Event.FAIL, clock())
    again = desk.retry(store, "drop-1", clock())
    assert list(forsaken(ports, not_running)) == []
    assert list(desk.active(store)) == [Mark.of(again)]


@pytest.mark.parametrize("event", [Event.FAIL, Event.COMPLETE])
def test_a_finished_job_is_put_away_and_announced(
    store: MemoryBlobs, ports: BatchPorts, announcer: MemoryAnnouncer[JobEvent], event: Event
) -> None:
    submit(ports)
    store.write(Container.STAGING, "drop-1/1/ledger/a", b"data")
    for step in ([Event.RUN, Event.FINALIZE] if event == Event.COMPLETE else []) + [event]:
        finished = desk.move(store, WORK, step, ports.now())
    assert list(forsaken(ports, not_running)) == []
    assert list(desk.active(store)) == []
    # A retry of a failed one goes on from what is there.
    assert bool(list(store.list(Container.STAGING))) is (event == Event.FAIL)
    assert desk.read(store, "drop-1") == finished
    assert announcer.events == [job_event(finished)]


@pytest.mark.parametrize("run", [True, False])
def test_a_cancellation_that_nobody_noticed_is_closed(
    store: MemoryBlobs, ports: BatchPorts, announcer: MemoryAnnouncer[JobEvent], clock: Clock, run: bool
) -> None:
    submit(ports)
    if run:
        desk.move(store, WORK, Event.RUN, clock())
    desk.request_cancel(store, "drop-1")
    assert list(forsaken(ports, not_running)) == []
    assert desk.read(store, "drop-1").status == JobStatus.CANCEL_REQUESTED
    clock.go_on(minutes=6)
    assert list(forsaken(ports, not_running)) == []
    closed = desk.read(store, "drop-1")
    assert (closed.status, closed.finished_at) == (JobStatus.CANCELED, clock())
    assert announcer.events == [job_event(closed)]
    assert list(desk.active(store)) == []


def test_a_job_whose_submission_died_after_its_mark_is_submitted_all_the_same(
    store: MemoryBlobs, ports: BatchPorts
) -> None:
    watched = WatchedStore(store)
    Breaking(0, "after", Killed()).on(watched)
    with pytest.raises(Killed):
        submit(make_ports(watched, ports.now))
    (job,) = forsaken(ports, not_running)
    assert job == desk.read(store, "drop-1")
    assert (job.attempt, job.status) == (1, JobStatus.NOT_STARTED)


def test_a_mark_that_is_gone_meanwhile_holds_nothing(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    assert desk.marked(store, Mark("drop-1", 0), timedelta()) is None
    store.write(Container.JOBS, "active/drop-1.0", b"")
    assert desk.marked(store, Mark("drop-1", 0), timedelta()) is None
    submit(ports)
    clock.go_on(minutes=1)
    assert desk.marked(store, Mark("drop-1", 0), timedelta(minutes=2)) is None


def test_a_job_that_cannot_be_put_away_does_not_hold_up_the_others(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    finished = submit(ports, "drop-a")
    submit(ports, "drop-b")
    desk.move(store, finished.work, Event.FAIL, clock())
    clock.go_on(minutes=6)
    watched = WatchedStore(store)

    def refuse(operation: str) -> None:
        if operation.startswith("write jobs/ended/drop-a"):
            raise StorageUnavailable("a lease is on it")

    watched.before = refuse
    taken = list(forsaken(make_ports(watched, clock, ports.loader), not_running))
    assert [job.id for job in taken] == ["drop-b"]
    assert "drop-a is left alone" in caplog.text
