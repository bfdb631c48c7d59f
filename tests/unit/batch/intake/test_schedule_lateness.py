"""How late a schedule is: since when its first run is due that no successful one has made up for."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk
from shared.batch.intake.schedules import due
from shared.batch.job import Event, Job
from shared.batch.ports import BatchPorts
from shared.errors import ScoringFailed, StorageUnavailable
from shared.models.package import ModelRef
from shared.monitoring.metrics import INTERVAL, LATENESS
from tests.support import endpoint
from tests.support.batch import Clock, WatchedStore, make_ports

HOUR = 3600


@pytest.fixture
def hourly(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    """An endpoint with an hourly schedule that was first seen at 12:00."""
    schedule = {"name": "hourly", "cron": "0 0 * * * *", "input": "inbox/flowers/hourly/"}
    endpoint.publish(store, iris_ref, name="flowers", batch={"schedules": [schedule]})
    assert list(due(ports)) == []


def tick(ports: BatchPorts) -> tuple[list[Job], float]:
    """The jobs that a tick starts, and how late it finds the schedule, s."""
    (late,) = [recorder for recorder in ports.metrics.histograms if recorder.instrument is LATENESS]
    late.points(new_window=True)
    jobs = list(due(ports))
    (point,) = late.points()
    assert point.attributes == {"endpoint": "flowers", "schedule": "hourly"}
    return jobs, point.most


def complete(ports: BatchPorts, job: Job) -> None:
    for event in (Event.RUN, Event.FINALIZE, Event.COMPLETE):
        desk.move(ports.store, job.work, event, ports.now())


@pytest.mark.usefixtures("hourly")
def test_a_schedule_is_late_from_its_due_time_until_its_job_completes(ports: BatchPorts, clock: Clock) -> None:
    clock.go_on(minutes=59)
    assert tick(ports) == ([], 0)
    clock.go_on(minutes=2)
    (job,), late_s = tick(ports)
    assert late_s == 60
    clock.go_on(minutes=10)
    assert tick(ports) == ([], 660)
    complete(ports, job)
    assert tick(ports) == ([], 0)


@pytest.mark.usefixtures("hourly")
def test_failing_runs_add_up_until_one_completes(ports: BatchPorts, clock: Clock) -> None:
    for hours in range(5):
        clock.go_on(hours=1)
        (job,), late_s = tick(ports)
        assert late_s == hours * HOUR
        closing.fail(ports, job.work, ScoringFailed("the model raised"))
    clock.go_on(hours=1)
    (job,), _ = tick(ports)
    complete(ports, job)
    clock.go_on(hours=1)
    assert tick(ports)[1] == 0


@pytest.mark.usefixtures("hourly")
def test_a_schedule_whose_job_cannot_be_started_is_late_too(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock
) -> None:
    watched = WatchedStore(store)

    def refuse(operation: str) -> None:
        if operation.startswith("write jobs/"):
            raise StorageUnavailable("try again")

    watched.before = refuse
    clock.go_on(hours=1, minutes=30)
    assert tick(make_ports(watched, clock, ports.loader)) == ([], HOUR / 2)


@pytest.mark.usefixtures("hourly")
def test_once_it_is_on_time_no_job_is_looked_up(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    clock.go_on(hours=1)
    (job,), _ = tick(ports)
    complete(ports, job)
    tick(ports)
    asked: list[str] = []
    watched = WatchedStore(store)
    watched.before = asked.append
    tick(make_ports(watched, clock, ports.loader))
    assert not [operation for operation in asked if "jobs/" in operation or operation.startswith("write")]


@pytest.mark.usefixtures("hourly")
def test_a_late_schedule_tells_when_its_next_run_makes_the_last_one_stale(ports: BatchPorts, clock: Clock) -> None:
    clock.go_on(hours=3, minutes=1)
    tick(ports)
    (interval,) = [recorder for recorder in ports.metrics.histograms if recorder.instrument is INTERVAL]
    assert [point.most for point in interval.points()] == [HOUR]
