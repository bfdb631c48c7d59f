"""Which times a schedule names: by the clock on the wall of its time zone, also where that clock is changed."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from shared.batch.intake import cron
from shared.batch.intake.schedules import due_times, times_to_run
from shared.endpoints.batch_settings import CatchUp, Schedule

HOURLY = "0 0 * * * *"
NIGHTLY = "0 30 2 * * *"
# Clocks go from 02:00 to 03:00 at 01:00 UTC on 29 March, and from 03:00 back to 02:00 at 01:00 UTC on 25 October.
ZURICH = "Europe/Zurich"
PUNCTUAL = timedelta(minutes=5)


def schedule(cron: str = HOURLY, **changes: Any) -> Schedule:
    return Schedule(name="nightly", cron=cron, input="inbox/flowers/nightly/", **changes)


def at(hour: int, minute: int = 0, second: int = 0, day: int = 1, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "after", "now", "expected"),
    [
        (HOURLY, at(12), at(12, 59, 59), []),
        (HOURLY, at(12), at(13), [at(13)]),
        (HOURLY, at(12), at(15, 30), [at(15)]),
        (HOURLY, at(13), at(13), []),
        ("*/10 * * * * *", at(12), at(12, 0, 35), [at(12, 0, 30)]),
        ("0 0 2 * * *", at(3), at(1, day=2), []),
        ("0 0 2 * * *", at(3), at(5, day=4), [at(2, day=4)]),
        ("0 0 0 * * MON", at(0), at(12, day=8), [at(0, day=2)]),
        (HOURLY, at(12), at(11), []),
        (HOURLY, at(12) - timedelta(days=900), at(12, 30), [at(12)]),
        ("0 0 0 1 1 *", at(12) - timedelta(days=900), at(12), [datetime(2026, 1, 1, tzinfo=UTC)]),
    ],
)
@pytest.mark.parametrize("catch_up", [CatchUp.RUN_ONCE, CatchUp.SKIP])
def test_only_the_newest_time_that_is_due_counts(
    cron: str, after: datetime, now: datetime, expected: list[datetime], catch_up: CatchUp
) -> None:
    assert due_times(schedule(cron, catch_up=catch_up), after, now) == expected


def test_every_time_that_was_missed_counts_where_all_are_run() -> None:
    run_all = schedule(catch_up=CatchUp.RUN_ALL)
    assert due_times(run_all, at(12), at(15, 30)) == [at(13), at(14), at(15)]
    assert due_times(run_all, at(12), at(12, 59)) == []


def test_of_very_many_times_the_first_ones_come_first() -> None:
    run_all = schedule(catch_up=CatchUp.RUN_ALL)
    assert due_times(run_all, at(0), at(12, day=20)) == [at(0) + timedelta(hours=hour) for hour in range(1, 51)]


def test_times_of_a_very_long_pause_are_not_all_looked_up() -> None:
    run_all, now = schedule(catch_up=CatchUp.RUN_ALL), at(12, month=12)
    assert due_times(run_all, at(0), now)[0] == now - timedelta(days=32) + timedelta(hours=1)


@pytest.mark.parametrize("catch_up", list(CatchUp))
@pytest.mark.parametrize(
    ("cron", "zone", "now", "expected"),
    [
        # Winter and summer; half hours; days of the week by the local date.
        (NIGHTLY, ZURICH, at(1, 30), at(1, 30)),
        (NIGHTLY, ZURICH, at(0, 30, day=30), at(0, 30, day=30)),
        (NIGHTLY, "Asia/Kolkata", at(21, 0), at(21, 0)),
        ("0 30 0 * * MON", "Pacific/Auckland", at(11, 30), at(11, 30)),
        # 02:30 does not exist on this day: it moves behind the gap, to 03:00.
        (NIGHTLY, ZURICH, at(1, 0, day=29), at(1, 0, day=29)),
        # 02:30 exists twice: only the first of them counts.
        (NIGHTLY, ZURICH, at(0, 30, day=25, month=10), at(0, 30, day=25, month=10)),
    ],
)
def test_times_are_those_on_the_wall_of_the_time_zone(
    cron: str, zone: str, now: datetime, expected: datetime, catch_up: CatchUp
) -> None:
    zoned = schedule(cron, time_zone=zone, catch_up=catch_up)
    assert due_times(zoned, now - timedelta(minutes=1), now) == [expected]
    assert due_times(zoned, expected, now + timedelta(hours=12)) == []
    assert due_times(zoned, expected - timedelta(hours=12), expected - timedelta(seconds=1)) == []


def ticked(zoned: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """What a tick every five minutes finds."""
    last = now = start
    seen: list[datetime] = []
    while now < end:
        now += timedelta(minutes=5)
        for time in due_times(zoned, last, now):
            seen.append(time)
            last = time
    return seen


@pytest.mark.parametrize("catch_up", list(CatchUp))
@pytest.mark.parametrize(("day", "month"), [(29, 3), (25, 10)])
@pytest.mark.parametrize("cron", [NIGHTLY, "0 0 2 * * *", "10 59 1 * * *", "0 0 3 * * *", "30 59 2 * * *"])
def test_a_nightly_schedule_runs_once_a_night_where_clocks_change(
    cron: str, day: int, month: int, catch_up: CatchUp
) -> None:
    zoned = schedule(cron, time_zone=ZURICH, catch_up=catch_up)
    seen = ticked(zoned, at(12, day=day - 2, month=month), at(12, day=day + 1, month=month))
    nights = [time.astimezone(ZoneInfo(ZURICH)).day for time in seen]
    assert nights == [day - 1, day, day + 1]


@pytest.mark.parametrize("catch_up", list(CatchUp))
@pytest.mark.parametrize(("day", "month"), [(29, 3), (25, 10)])
@pytest.mark.parametrize(("cron", "every"), [(HOURLY, 60), ("0 30 * * * *", 60), ("0 */20 * * * *", 20)])
def test_where_every_hour_is_meant_time_goes_on_as_it_passes(
    cron: str, every: int, day: int, month: int, catch_up: CatchUp
) -> None:
    start, end = at(20, day=day - 1, month=month), at(6, day=day, month=month)
    seen = ticked(schedule(cron, time_zone=ZURICH, catch_up=catch_up), start, end)
    assert len(seen) == 10 * 60 // every
    assert {later - earlier for earlier, later in pairwise(seen)} == {timedelta(minutes=every)}


@pytest.mark.parametrize("catch_up", list(CatchUp))
def test_times_of_a_night_stay_in_their_order_where_clocks_change(catch_up: CatchUp) -> None:
    zoned = schedule("0 15,45 1-3 * * *", time_zone=ZURICH, catch_up=catch_up)
    seen = ticked(zoned, at(20, day=28), at(6, day=29))
    # 02:15 and 02:45 both come at 03:00.
    assert seen == [at(0, minute, day=29) for minute in (15, 45)] + [at(1, minute, day=29) for minute in (0, 15, 45)]


@pytest.mark.parametrize("spelled", ["0 0 0 LW 2 */7", "0 0 * */30 2 MON#5"])
def test_what_never_comes_is_never_due(spelled: str) -> None:
    assert cron.newest_until(spelled, ZoneInfo(ZURICH), at(12)) is None
    assert list(cron.times_after(spelled, ZoneInfo(ZURICH), at(12))) == []
    with pytest.raises(ValidationError):
        schedule(spelled)
    never = schedule().model_copy(update={"cron": spelled})
    assert due_times(never, at(12), at(13)) == []


@pytest.mark.parametrize(
    ("catch_up", "expected"),
    [
        (CatchUp.RUN_ONCE, [at(14)]),
        (CatchUp.RUN_ALL, [at(12), at(13), at(14)]),
        (CatchUp.SKIP, []),
    ],
)
def test_what_becomes_of_missed_times_is_as_the_schedule_says(catch_up: CatchUp, expected: list[datetime]) -> None:
    assert times_to_run([at(12), at(13), at(14)], catch_up, at(14, 6), PUNCTUAL) == expected


@pytest.mark.parametrize(
    ("spelled", "minutes"),
    [("0 * * * * *", 1), ("0 */10 * * * *", 10), ("0 0 * * * *", 60), ("0 0 0 30 2 *", 0), ("00:05:00", 0)],
)
def test_ticks_are_so_far_apart(spelled: str, minutes: int) -> None:
    assert cron.newest_interval(spelled, ZoneInfo("UTC"), at(12, 3)) == timedelta(minutes=minutes)


def test_a_time_that_is_hardly_late_was_not_missed() -> None:
    assert times_to_run([at(12), at(13), at(14)], CatchUp.SKIP, at(14, 5), PUNCTUAL) == [at(14)]
    assert times_to_run([], CatchUp.SKIP, at(14, 5), PUNCTUAL) == []
