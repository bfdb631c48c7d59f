"""A timer goes on when the machine's clock is put forward or back."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import pytest

from devhost.azurite import Ports, connection_string
from devhost.functions import TIMER, Binding, Function
from devhost.storage import Storage
from devhost.timer_trigger import TimerTrigger


class _Clock(datetime):
    """The wall clock, as the timer sees it."""

    at = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.at  # type: ignore[return-value]


class _Runs:
    """Stands where a function would be invoked."""

    def __init__(self) -> None:
        self.at: list[datetime] = []

    async def invoke(self, *_: Any) -> None:
        self.at.append(_Clock.at)


class _Timer(TimerTrigger):
    """Waits in no time."""

    def __init__(self, schedule: str, runs: _Runs) -> None:
        trigger = Binding("timer", TIMER, False, False, {"schedule": schedule, "useMonitor": False})
        storage = Storage({"AzureWebJobsStorage": connection_string(Ports(1, 2, 3))})
        super().__init__(Function("tick", "1", trigger, [], [], False), runs, storage, "host")  # type: ignore[arg-type]
        self.waits: list[float] = []

    async def pause(self, delay_s: float) -> None:
        self.waits.append(delay_s)
        _Clock.at += timedelta(seconds=delay_s)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> _Runs:
    monkeypatch.setattr("devhost.timer_trigger.datetime", _Clock)
    monkeypatch.setattr(_Clock, "at", datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC))
    return _Runs()


async def _poll(timer: _Timer, times: int) -> None:
    for _ in range(times):
        assert await timer.poll()


async def test_a_clock_that_is_put_back_does_not_hold_a_timer_up(runs: _Runs) -> None:
    timer = _Timer("0 * * * * *", runs)
    await _poll(timer, 3)
    assert [moment.minute for moment in runs.at] == [1]
    _Clock.at -= timedelta(hours=3)
    await _poll(timer, 2)
    assert [moment.hour for moment in runs.at] == [12, 9]
    assert max(timer.waits) <= 60


async def test_a_clock_that_is_put_forward_is_seen_within_a_minute(runs: _Runs) -> None:
    timer = _Timer("0 0 0 1 1 *", runs)
    await _poll(timer, 2)
    assert timer.waits == [60.0]
    _Clock.at += timedelta(days=366)
    await _poll(timer, 1)
    assert [moment.year for moment in runs.at] == [2027]
