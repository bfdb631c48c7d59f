"""What a schedule does about times that were missed, jobs that take long, and clocks that are wrong."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.intake.schedules import due
from shared.batch.job import Event, Job
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint
from tests.support.batch import Clock
from tests.support.endpoint import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def publish(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> Any:
    """Publishes an hourly schedule, which is first seen at 12:00."""

    def make(**changes: Any) -> None:
        schedule = {"name": "hourly", "cron": "0 0 * * * *", "input": "inbox/flowers/nightly/", **changes}
        endpoint.publish(store, iris_ref, batch={"schedules": [schedule]})
        assert list(due(ports)) == []

    return make


def ids(*times: datetime) -> list[str]:
    return [jobs.scheduled_id("flowers", "hourly", time) for time in times]


def submitted(ports: BatchPorts) -> list[str]:
    return [job.id for job in due(ports)]


def end(store: MemoryBlobs, job: Job) -> None:
    desk.move(store, job.work, Event.FAIL, job.created_at)


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [("run_once", ids(NOW + 3 * HOUR)), ("skip", []), ("run_all", ids(*[NOW + HOUR * hour for hour in (1, 2, 3)]))],
)
def test_after_a_pause_runs_what_the_schedule_says(
    ports: BatchPorts, clock: Clock, publish: Any, catch_up: str, expected: list[str]
) -> None:
    publish(catch_up=catch_up)
    clock.go_on(hours=3, minutes=30)
    assert submitted(ports) == expected
    assert submitted(ports) == []
    clock.go_on(minutes=31)
    assert submitted(ports) == ids(NOW + 4 * HOUR)


@pytest.mark.parametrize(("minutes", "is_run"), [(14, True), (16, False)])
def test_a_timer_that_ticks_rarely_misses_nothing_that_it_could_not_find_sooner(
    ports: BatchPorts, clock: Clock, publish: Any, minutes: int, is_run: bool
) -> None:
    publish(catch_up="skip")
    clock.go_on(hours=1, minutes=minutes)
    rarely = ports._replace(tick_schedule="0 */10 * * * *")
    assert submitted(rarely) == (ids(NOW + HOUR) if is_run else [])


def test_very_many_missed_times_are_made_up_for_tick_by_tick(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    publish(catch_up="run_all")
    clock.go_on(hours=120)
    assert submitted(ports) == ids(*[NOW + HOUR * hour for hour in range(1, 51)])
    assert submitted(ports) == ids(*[NOW + HOUR * hour for hour in range(51, 101)])
    assert submitted(ports) == ids(*[NOW + HOUR * hour for hour in range(101, 121)])
    assert submitted(ports) == []


def test_a_job_does_not_overlap_the_last_one_where_that_is_not_wanted(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, publish: Any, caplog: pytest.LogCaptureFixture
) -> None:
    publish(overlap="skip")
    clock.go_on(hours=1)
    (first,) = due(ports)
    clock.go_on(hours=1)
    assert submitted(ports) == []
    assert "schedule hourly of flowers is skipped: its last job is not over" in caplog.messages
    end(store, first)
    # What was skipped is not made up for.
    assert submitted(ports) == []
    clock.go_on(hours=1)
    assert submitted(ports) == ids(NOW + 3 * HOUR)


def test_of_several_missed_times_only_the_first_runs_where_jobs_may_not_overlap(
    ports: BatchPorts, clock: Clock, publish: Any
) -> None:
    publish(overlap="skip", catch_up="run_all")
    clock.go_on(hours=3)
    assert submitted(ports) == ids(NOW + HOUR)
    assert submitted(ports) == []


def test_jobs_overlap_unless_told_else(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    publish()
    clock.go_on(hours=1)
    assert submitted(ports) == ids(NOW + HOUR)
    clock.go_on(hours=1)
    assert submitted(ports) == ids(NOW + 2 * HOUR)


def test_a_last_job_that_is_gone_holds_nothing_up(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, publish: Any
) -> None:
    publish(overlap="skip")
    clock.go_on(hours=1)
    (first,) = due(ports)
    store.delete(Container.JOBS, jobs.job_path(first.id))
    clock.go_on(hours=1)
    assert submitted(ports) == ids(NOW + 2 * HOUR)


def test_a_clock_that_is_put_back_a_little_starts_nothing_twice(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    publish(catch_up="run_all")
    clock.go_on(hours=1)
    assert submitted(ports) == ids(NOW + HOUR)
    clock.go_on(minutes=-2)
    for _ in range(4):
        assert submitted(ports) == []
        clock.go_on(minutes=1)
    clock.go_on(minutes=58)
    assert submitted(ports) == ids(NOW + 2 * HOUR)


def test_a_clock_that_was_far_ahead_does_not_silence_a_schedule(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    publish()
    clock.go_on(days=400)
    assert len(submitted(ports)) == 1
    clock.go_on(days=-400)
    assert submitted(ports) == []
    clock.go_on(hours=1)
    assert submitted(ports) == ids(NOW + HOUR)


def test_a_clock_that_was_far_behind_makes_up_for_little(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    clock.go_on(days=-9000)
    publish(catch_up="run_all")
    clock.go_on(days=9000)
    (first, *others) = submitted(ports)
    assert [first] == ids(NOW - timedelta(days=32) + HOUR)
    assert len(others) == 49


def test_a_schedules_params_reach_its_job(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    publish(params={"threshold": 0.5})
    clock.go_on(hours=1)
    (job,) = due(ports)
    assert job.params == {"threshold": 0.5}


def test_a_changed_time_zone_starts_the_schedule_anew(ports: BatchPorts, clock: Clock, publish: Any) -> None:
    publish(cron="0 0 15 * * *")
    clock.go_on(hours=2, minutes=30)
    # 15:00 in Zurich has just passed; nobody asked for it while it came.
    publish(cron="0 0 15 * * *", time_zone="Europe/Zurich")
    clock.go_on(hours=23, minutes=30)
    assert submitted(ports) == ids(NOW + 26 * HOUR)
