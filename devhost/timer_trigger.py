"""Timer triggers: NCRONTAB schedules in UTC, remembered across restarts."""

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from cronsim import CronSim, CronSimError

from devhost.bound_data import BoundData
from devhost.errors import HostError
from devhost.functions import Function
from devhost.settings import resolve
from devhost.storage import HOST_CONNECTION, HOST_CONTAINER, Storage
from devhost.trigger_loop import TriggerLoop
from devhost.worker import Datum

_log = logging.getLogger("devhost.timers")
_ANY = ("*", "?")
_RETRY_S = 1.0
# A longer wait is cut into pieces of this length: the clock may be put forward meanwhile.
_LOOK_AGAIN_S = 60.0
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class Schedule:
    """`{second} {minute} {hour} {day} {month} {day of week}`; five fields mean second 0."""

    def __init__(self, expression: str, wanted_by: str) -> None:
        fields = expression.split()
        if len(fields) not in (5, 6):
            raise HostError(f"{wanted_by}: the schedule '{expression}' needs six fields")
        self._by_day, self._by_weekday = " ".join(fields), None
        if fields[-1] not in _ANY and fields[-3] not in _ANY:
            # cron takes either of the two days, NCRONTAB wants both.
            self._by_day = " ".join([*fields[:-1], "*"])
            self._by_weekday = " ".join([*fields[:-3], "*", *fields[-2:]])
        try:
            self.after(datetime.now(UTC))
        except CronSimError as exc:
            raise HostError(f"{wanted_by}: the schedule '{expression}' cannot be read: {exc}") from exc
        except LookupError:
            raise HostError(f"{wanted_by}: the schedule '{expression}' never comes round") from None

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than this moment; LookupError if there is none."""
        for candidate in CronSim(self._by_day, moment):
            just_before = candidate - timedelta(seconds=1)
            if self._by_weekday is None or next(CronSim(self._by_weekday, just_before)) == candidate:
                return candidate
        raise LookupError(self._by_day)

    def is_minutely_or_slower(self, now: datetime) -> bool:
        first = self.after(now)
        return self.after(first) - first >= timedelta(minutes=1)


class Status(NamedTuple):
    """What is remembered of a timer: its last run, the next one that was expected, when that was noted."""

    last: datetime
    next: datetime
    updated: datetime

    def as_json(self) -> str:
        names = ("Last", "Next", "LastUpdated")
        return json.dumps({name: moment.isoformat() for name, moment in zip(names, self, strict=True)})

    @classmethod
    def from_json(cls, text: bytes) -> "Status":
        document = json.loads(text)
        return cls(*(datetime.fromisoformat(document[name]) for name in ("Last", "Next", "LastUpdated")))


class TimerTrigger(TriggerLoop):
    """One timer function; its runs follow each other and never overlap.

    Unlike in the real host this holds within one host only: of two hosts on one storage each runs it.
    """

    def __init__(self, function: Function, bound_data: BoundData, storage: Storage, host_id: str) -> None:
        super().__init__(function.name, _RETRY_S)
        self._function = function
        self._bound_data = bound_data
        self._schedule = Schedule(resolve(function.trigger.text("schedule"), function.label), function.label)
        now = datetime.now(UTC)
        monitored = function.trigger.settings.get("useMonitor")
        self._is_monitored = self._schedule.is_minutely_or_slower(now) if monitored is None else bool(monitored)
        self._service = storage.blobs(HOST_CONNECTION, function.label)
        self._path = f"timers/{host_id}/Host.Functions.{function.name}/status"
        self._status = Status(_NEVER, self._schedule.after(now), now)
        self._starting = True

    async def poll(self) -> bool:
        """Wait for the next occurrence and run it."""
        if self._starting:
            await self._begin()
            self._starting = False
            return True
        now = datetime.now(UTC)
        # A clock that was put back must not hold the timer up until it is that late again.
        self._status = self._status._replace(next=min(self._status.next, self._schedule.after(now)))
        wait_s = (self._status.next - now).total_seconds()
        if wait_s > 0:
            await self.pause(min(wait_s, _LOOK_AGAIN_S))
        elif not self.stopping:
            await self._run(past_due=False)
        return True

    async def _begin(self) -> None:
        """Compare with what is remembered: an occurrence missed while the host was down runs now."""
        now = datetime.now(UTC)
        remembered = await asyncio.to_thread(self._read) if self._is_monitored else None
        if remembered is None:
            await self._remember()
        else:
            known_at = remembered.updated if remembered.last == _NEVER else remembered.last
            self._status = remembered._replace(next=self._schedule.after(known_at))
        if self._status.next < now:
            await self._run(past_due=True)
        elif self._function.trigger.settings.get("runOnStartup"):
            await self._run(past_due=False)

    async def _run(self, past_due: bool) -> None:
        due = datetime.now(UTC)
        request = {
            "IsPastDue": past_due,
            "ScheduleStatus": json.loads(self._status.as_json()),
            "Schedule": {"AdjustForDST": True},
        }
        datum = Datum(json.dumps(request), "json")
        await self._bound_data.invoke(self._function, [(self._function.trigger.name, datum)])
        # Occurrences that fell into the run are passed over.
        now = datetime.now(UTC)
        self._status = Status(due, self._schedule.after(now), now)
        await self._remember()

    def _read(self) -> Status | None:
        try:
            blob = self._service.get_blob_client(HOST_CONTAINER, self._path)
            return Status.from_json(blob.download_blob().readall())
        except ResourceNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            _log.warning("%s: the timer's status cannot be read and starts anew", self._function.label)
            return None

    async def _remember(self) -> None:
        if self._is_monitored:
            try:
                await asyncio.to_thread(self._write, self._status.as_json().encode())
            except AzureError as exc:
                _log.warning("%s: the timer's status was not saved: %s", self._function.label, exc)

    def _write(self, content: bytes) -> None:
        blob = self._service.get_blob_client(HOST_CONTAINER, self._path)
        try:
            blob.upload_blob(content, overwrite=True)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._service.create_container(HOST_CONTAINER)
            blob.upload_blob(content, overwrite=True)
