"""Schedules start one job for each time that is due, also across restarts, pauses and crashes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.intake import cron
from shared.batch.intake.schedules import due
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.errors import StorageUnavailable
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint
from tests.support.batch import Breaking, Clock, Killed, WatchedStore, make_ports
from tests.support.endpoint import NOW

HOURLY = "0 0 * * * *"
INPUT = "inbox/flowers/nightly/"


def at(hour: int, minute: int = 0, second: int = 0, day: int = 1) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=UTC)


def publish(store: MemoryBlobs, ref: ModelRef, *crons: str, name: str = "flowers") -> None:
    schedules = [
        {"name": f"run{number}", "cron": cron, "input": f"inbox/{name}/nightly/"} for number, cron in enumerate(crons)
    ]
    endpoint.publish(store, ref, name=name, batch={"schedules": schedules})


@pytest.fixture
def hourly(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    """An endpoint with an hourly schedule that was first seen at 12:00."""
    publish(store, iris_ref, HOURLY)
    assert list(due(ports)) == []


@pytest.mark.usefixtures("hourly")
def test_a_new_schedule_starts_now_and_then_at_every_time_once(ports: BatchPorts, clock: Clock) -> None:
    submitted: list[tuple[datetime, Job]] = []
    for _ in range(24 * 60):
        clock.go_on(seconds=150)
        submitted += [(clock(), job) for job in list(due(ports))]
    assert [time for time, _ in submitted] == [NOW + timedelta(hours=hour) for hour in range(1, 61)]
    assert len({job.id for _, job in submitted}) == 60
    job = submitted[0][1]
    assert (job.endpoint, job.inputs, job.submitted_by) == ("flowers", (JobInput(location=INPUT),), "schedule/run0")
    assert job.id == jobs.scheduled_id("flowers", "run0", at(13))
    assert desk.read(ports.store, job.id) == job


@pytest.mark.usefixtures("hourly")
def test_after_a_pause_there_is_one_job(ports: BatchPorts, clock: Clock) -> None:
    clock.go_on(days=100, minutes=30)
    (job,) = list(due(ports))
    assert job.id == jobs.scheduled_id("flowers", "run0", NOW + timedelta(days=100))
    assert list(due(ports)) == []


@pytest.mark.usefixtures("hourly")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_anywhere_makes_no_second_job_and_loses_none(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, when: str
) -> None:
    for number in range(20):
        clock.go_on(hours=1)
        watched = WatchedStore(store)
        breaking = Breaking(number, when, Killed())
        breaking.on(watched)
        crashed = make_ports(watched, clock, ports.loader)
        try:
            done = list(due(crashed))
        except Killed:
            done = list(due(make_ports(store, clock, ports.loader)))
        expected = jobs.scheduled_id("flowers", "run0", clock())
        assert [job.id for job in done] in ([expected], []), f"died {when} {breaking.broke}"
        assert desk.read(store, expected).attempt == 1
        assert len(list(desk.active(store))) == number + 1
        if not breaking.broke:
            return
    raise AssertionError("a tick has no end")


@pytest.mark.usefixtures("hourly")
def test_two_ticks_at_once_submit_the_same_job(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    clock.go_on(hours=1)
    watched = WatchedStore(store)
    others: list[Job] = []

    def be_faster(operation: str) -> None:
        if operation == "write schedules/flowers/run0.json" and not others:
            others.extend(list(due(make_ports(store, clock, ports.loader))))

    watched.before = be_faster
    assert list(due(make_ports(watched, clock, ports.loader))) == others
    assert len(others) == 1
    assert list(due(ports)) == []


@pytest.mark.usefixtures("hourly")
def test_a_changed_schedule_starts_anew(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef
) -> None:
    clock.go_on(minutes=30)
    publish(store, iris_ref, "0 15 * * * *")
    assert list(due(ports)) == []
    clock.go_on(minutes=44)
    assert list(due(ports)) == []
    clock.go_on(minutes=1)
    assert [job.id for job in list(due(ports))] == [jobs.scheduled_id("flowers", "run0", at(13, 15))]


def test_every_schedule_of_every_endpoint_is_run(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef
) -> None:
    publish(store, iris_ref, HOURLY, "0 30 * * * *", name="flowers")
    publish(store, iris_ref, HOURLY, name="trees")
    endpoint.publish(store, iris_ref, name="weeds")
    assert list(due(ports)) == []
    clock.go_on(hours=1)
    assert [(job.endpoint, job.submitted_by) for job in list(due(ports))] == [
        ("flowers", "schedule/run0"),
        ("flowers", "schedule/run1"),
        ("trees", "schedule/run0"),
    ]


@pytest.mark.usefixtures("hourly")
def test_an_endpoint_that_cannot_be_read_does_not_hold_up_the_others(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock
) -> None:
    store.write(Container.ENDPOINTS, "broken/head.json", b"{}")
    clock.go_on(hours=1)
    assert [job.endpoint for job in list(due(ports))] == ["flowers"]


def test_a_schedule_that_cannot_be_run_does_not_hold_up_the_others(
    store: MemoryBlobs,
    ports: BatchPorts,
    clock: Clock,
    iris_ref: ModelRef,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = cron.newest_until

    def newest_until(spelled: str, zone: ZoneInfo, now: datetime) -> datetime | None:
        return next(iter(())) if spelled == "0 0 5 * * *" else found(spelled, zone, now)

    monkeypatch.setattr(cron, "newest_until", newest_until)
    publish(store, iris_ref, "0 0 5 * * *", HOURLY)
    publish(store, iris_ref, HOURLY, name="trees")
    assert list(due(ports)) == []
    clock.go_on(hours=1)
    assert [(job.endpoint, job.submitted_by) for job in due(ports)] == [
        ("flowers", "schedule/run1"),
        ("trees", "schedule/run0"),
    ]
    assert "schedule run0 of endpoint flowers is not run" in caplog.text


@pytest.mark.usefixtures("hourly")
def test_an_endpoint_that_is_removed_meanwhile_is_left_out(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    clock.go_on(hours=1)
    watched = WatchedStore(store)

    def remove(operation: str) -> None:
        if operation == "list endpoints/":
            store.delete(Container.ENDPOINTS, "flowers/head.json")

    watched.after = remove
    assert list(due(make_ports(watched, clock, ports.loader))) == []


@pytest.mark.usefixtures("hourly")
def test_storage_that_does_not_answer_starts_nothing_and_loses_nothing(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.go_on(hours=1)
    watched = WatchedStore(store)
    Breaking(0, "before", StorageUnavailable("storage does not answer")).on(watched)
    assert list(due(make_ports(watched, clock, ports.loader))) == []
    assert "the schedules are not looked at: storage does not answer" in caplog.text
    assert [job.id for job in due(ports)] == [jobs.scheduled_id("flowers", "run0", at(13))]


@pytest.mark.usefixtures("hourly")
@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"])
def test_a_note_that_cannot_be_read_is_made_anew(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, data: bytes
) -> None:
    store.write(Container.SCHEDULES, "flowers/run0.json", data)
    clock.go_on(hours=1)
    assert list(due(ports)) == []
    clock.go_on(hours=1)
    assert [job.id for job in due(ports)] == [jobs.scheduled_id("flowers", "run0", at(14))]
