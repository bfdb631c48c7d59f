"""Timer triggers: schedules, the status blob, what was missed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from devhost.errors import HostError
from devhost.stack import Stack
from devhost.timer_trigger import Schedule
from tests.host.foreign import eventually, read_blob, records, upload


def _status(stack: Stack, name: str) -> dict[str, datetime]:
    path = f"timers/devhost-foreign-app/Host.Functions.{name}/status"
    content = read_blob(stack, "azure-webjobs-hosts", path) or b"{}"
    return {key: datetime.fromisoformat(value) for key, value in json.loads(content).items()}


def test_a_timer_runs_on_its_seconds_and_notes_its_status(stack: Stack) -> None:
    ticks = eventually(lambda: records(stack, "ticks")[1:], "two runs")
    status = eventually(lambda: _status(stack, "tick"), "the status blob")
    assert set(status) == {"Last", "Next", "LastUpdated"}
    assert status["Last"] <= status["LastUpdated"] < status["Next"]
    assert (status["Next"].second % 2, status["Next"].microsecond) == (0, 0)
    assert not any(tick["past_due"] for tick in ticks)


def test_a_timer_that_never_ran_waits_for_its_first_time(stack: Stack) -> None:
    status = eventually(lambda: _status(stack, "yearly"), "the status blob")
    assert status["Last"].year == 1
    assert status["Next"] == datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)
    assert not records(stack, "years")


def test_a_run_that_was_missed_is_made_up_for_once(new_stack: Callable[[], Stack]) -> None:
    stack = new_stack()
    remembered = {"Last": "2020-01-01T00:00:00Z", "Next": "2021-01-01T00:00:00Z"}
    path = "timers/devhost-foreign-app/Host.Functions.yearly/status"
    status: dict[str, Any] = {**remembered, "LastUpdated": remembered["Last"]}
    upload(stack, "azure-webjobs-hosts", path, json.dumps(status))
    stack.start_host()
    (run,) = eventually(lambda: records(stack, "years"), "the run that was missed")
    assert run["past_due"]
    assert run["status"]["Last"].startswith("2020-01-01")
    eventually(lambda: _status(stack, "yearly")["Last"].year > 2020, "the new status")
    stack.stop_host()
    stack.start_host()
    before = len(records(stack, "ticks"))
    eventually(lambda: len(records(stack, "ticks")) > before, "a run of the other timer")
    assert len(records(stack, "years")) == 1


@pytest.mark.parametrize(
    ("expression", "moment", "following"),
    [
        ("*/15 * * * * *", "2026-03-01T10:00:01", "2026-03-01T10:00:15"),
        ("0 */5 * * * *", "2026-03-01T10:00:00", "2026-03-01T10:05:00"),
        ("30 0 2 * * *", "2026-03-01T10:00:00", "2026-03-02T02:00:30"),
        ("0 2 * * *", "2026-03-01T10:00:00", "2026-03-02T02:00:00"),
        ("0 0 9 * * MON-FRI", "2026-02-27T10:00:00", "2026-03-02T09:00:00"),
        ("0 0 0 13 * FRI", "2026-03-14T00:00:00", "2026-11-13T00:00:00"),
    ],
)
def test_a_schedule_has_six_fields_seconds_first(expression: str, moment: str, following: str) -> None:
    found = Schedule(expression, "f").after(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize("expression", ["* * *", "61 * * * * *", "x * * * * *", "0 0 0 30 2 *"])
def test_a_schedule_that_cannot_be_is_refused(expression: str) -> None:
    with pytest.raises(HostError, match="the schedule"):
        Schedule(expression, "f")


def test_only_schedules_of_a_minute_and_more_are_remembered_by_themselves() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert not Schedule("*/30 * * * * *", "f").is_minutely_or_slower(now)
    assert Schedule("0 * * * * *", "f").is_minutely_or_slower(now)
