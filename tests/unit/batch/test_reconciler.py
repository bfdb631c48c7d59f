"""Jobs that nobody works on are found and taken over, by one process only, and not for ever."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch.job import MAX_ATTEMPTS, Event, Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.reconciler import forsaken
from shared.batch.work import Work
from shared.ports import Container
from tests.support.batch import HEARTBEAT_TIMEOUT, Clock, WatchedStore, make_ports, not_running
from tests.unit.batch.submitted import submit

WORK = Work("drop-1", 1)


@pytest.mark.parametrize("status", [JobStatus.NOT_STARTED, JobStatus.RUNNING, JobStatus.FINALIZING])
def test_a_job_without_a_sign_of_life_gets_its_next_attempt(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, status: JobStatus
) -> None:
    submit(ports)
    for event in {JobStatus.RUNNING: [Event.RUN], JobStatus.FINALIZING: [Event.RUN, Event.FINALIZE]}.get(status, []):
        desk.move(store, WORK, event, clock())
    clock.now += HEARTBEAT_TIMEOUT
    assert list(forsaken(ports, not_running)) == []
    clock.go_on(seconds=1)
    (taken,) = list(forsaken(ports, not_running))
    assert (taken.attempt, taken.status, taken.heartbeat_at) == (2, status, clock())
    assert desk.read(store, "drop-1") == taken
    assert list(forsaken(ports, not_running)) == []


def test_a_job_that_beats_is_left_alone(ports: BatchPorts, clock: Clock) -> None:
    submit(ports)
    for _ in range(10):
        clock.now += HEARTBEAT_TIMEOUT / 2
        ports.check(WORK)
        assert list(forsaken(ports, not_running)) == []


def test_of_two_reconcilers_one_takes_a_job_over(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    submit(ports)
    clock.go_on(minutes=6)
    watched = WatchedStore(store)
    others: list[Job] = []

    def be_faster(operation: str) -> None:
        if operation == "write jobs/drop-1/job.json" and not others:
            others.extend(list(forsaken(make_ports(store, clock, ports.loader), not_running)))

    watched.before = be_faster
    assert list(forsaken(make_ports(watched, clock, ports.loader), not_running)) == []
    assert [job.attempt for job in others] == [2]
    assert desk.read(store, "drop-1").attempt == 2


def test_several_jobs_are_taken_over_in_one_go(ports: BatchPorts, clock: Clock) -> None:
    for number in range(5):
        submit(ports, f"drop-{number}")
    clock.go_on(minutes=6)
    submit(ports, "drop-fresh")
    assert [(job.id, job.attempt) for job in forsaken(ports, not_running)] == [
        (f"drop-{number}", 2) for number in range(5)
    ]


def test_a_sign_of_life_from_the_future_is_none(clock: Clock) -> None:
    """A host's clock was ahead by hours, and was put right; storage's own went on."""
    storage = Clock()
    ports = make_ports(MemoryBlobs(storage), clock)
    clock.go_on(hours=3)
    submit(ports)
    clock.go_on(hours=-3)
    assert list(forsaken(ports, not_running)) == []
    storage.go_on(minutes=6)
    assert [job.attempt for job in forsaken(ports, not_running)] == [2]


@pytest.mark.parametrize("hours", [-3, 3])
def test_a_host_with_a_wrong_clock_takes_nothing_from_those_who_work(clock: Clock, hours: int) -> None:
    storage, wrong = Clock(), Clock()
    store = MemoryBlobs(storage)
    mine, others = make_ports(store, clock), make_ports(store, wrong)
    wrong.go_on(hours=hours)
    submit(mine)
    for _ in range(10):
        for each in (storage, clock, wrong):
            each.go_on(minutes=2)
        mine.check(WORK)
        assert list(forsaken(others, not_running)) == list(forsaken(mine, not_running)) == []


def test_a_job_is_given_up_after_many_attempts(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    submit(ports, attempt=MAX_ATTEMPTS - 1)
    clock.go_on(minutes=6)
    assert [job.attempt for job in forsaken(ports, not_running)] == [MAX_ATTEMPTS]
    clock.go_on(minutes=6)
    assert list(forsaken(ports, not_running)) == []
    job = desk.read(store, "drop-1")
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert job.error.message == "the job was given up after 100 attempts: see the log for what stopped them"
    assert list(desk.active(store)) == []


def test_a_document_that_cannot_be_read_does_not_hold_up_the_other_jobs(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock
) -> None:
    submit(ports)
    store.write(Container.JOBS, "active/drop-0.0", b"")
    store.write(Container.JOBS, "drop-0/job.json", b'{"schema_version": 3}')
    clock.go_on(minutes=6)
    assert [job.id for job in forsaken(ports, not_running)] == ["drop-1"]


def test_an_attempt_that_the_engine_has_in_hand_is_not_taken_over_until_it_counts_as_stuck(
    ports: BatchPorts, clock: Clock
) -> None:
    """Steps that wait for their turn give no sign of life."""
    submit(ports)
    clock.go_on(minutes=59)
    assert not list(forsaken(ports, lambda job: True))
    clock.go_on(minutes=2)
    assert [job.attempt for job in forsaken(ports, lambda job: True)] == [2]
