"""The times that a cron expression names, by the clock on the wall of a time zone. Pure.

Where clocks change, a schedule that names its hours runs once all the same: a time that does not exist moves behind the
gap, and one that exists twice counts the first time. Where every hour is meant, time goes on as it passes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

# By how much clocks are changed at a time: what lies this near comes in another order on the wall.
_LONGEST_CHANGE: Final = timedelta(hours=3)
_MINUTE: Final = timedelta(minutes=1)
# What lets the search from behind find the very moment that it begins at.
_INCLUDED: Final = timedelta(microseconds=1)


def times_after(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """In UTC, without end where the expression ever comes."""
    if _names_hours(cron):
        found = (_real(time, zone) for time in CronSim(cron, _wall(after, zone) - _LONGEST_CHANGE))
    else:
        found = (time.astimezone(UTC) for time in CronSim(cron, after.astimezone(zone)))
    last = after
    for time in found:
        if time > last:
            last = time
            yield time


def newest_until(cron: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """In UTC, `now` included; None where it did not come for decades."""
    if not _names_hours(cron):
        newest = next(CronSim(cron, (now + _INCLUDED).astimezone(zone), reverse=True), None)
        return None if newest is None else newest.astimezone(UTC)
    found = (_real(time, zone) for time in CronSim(cron, _wall(now, zone) + _LONGEST_CHANGE, reverse=True))
    return next((time for time in found if time <= now), None)


def newest_interval(cron: str, zone: ZoneInfo, now: datetime) -> timedelta:
    """Between the newest two times; nothing where there are no two, or where this is no expression of six fields."""
    try:
        newest = newest_until(cron, zone, now)
        before = None if newest is None else newest_until(cron, zone, newest - _INCLUDED)
    except (CronSimError, IndexError):
        return timedelta()
    return timedelta() if newest is None or before is None else newest - before


def _names_hours(cron: str) -> bool:
    return not cron.split()[2].startswith("*")


def _wall(time: datetime, zone: ZoneInfo) -> datetime:
    return time.astimezone(zone).replace(tzinfo=None)


def _real(wall: datetime, zone: ZoneInfo) -> datetime:
    """In UTC. See PEP 495 for times that do not exist, or exist twice."""
    time = wall.replace(tzinfo=zone).astimezone(UTC)
    while _wall(time, zone) != wall:
        wall = wall.replace(second=0) + _MINUTE
        time = wall.replace(tzinfo=zone).astimezone(UTC)
    return time
