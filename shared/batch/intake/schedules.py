"""Starts the jobs that the endpoints' schedules say are due."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.intake import cron
from shared.batch.job import Job, JobInput, JobStatus
from shared.batch.ports import BatchPorts
from shared.documents import Document
from shared.endpoints.batch_settings import CatchUp, Schedule
from shared.endpoints.spec import Endpoint
from shared.errors import ConfigurationError, JobNotFound, SlipwayError, StaleDocument
from shared.ports import Blob, BlobStore, Container

_log = logging.getLogger(__name__)

# After a longer pause than this, the times that were missed are not looked up one by one.
_LONGEST_PAUSE: Final = timedelta(days=32)
# Jobs that one tick makes up for; the next tick goes on.
_MOST_AT_ONCE: Final = 50
# A due time that is older than this, and than two ticks are apart, was missed.
_PUNCTUAL: Final = timedelta(minutes=5)
_UTC: Final = ZoneInfo("UTC")
# A clock that was wrong may have noted a time that is far from coming.
_AHEAD: Final = timedelta(hours=1)


class LastRun(Document):
    """`job_id`: of the job that was started last; "" before the first. `waiting_since`: when the first run was due that
    no successful one has made up for.
    """

    schema_version: Literal[1] = 1
    cron: str
    due_at: datetime
    job_id: str = ""
    waiting_since: datetime | None = None


def due(ports: BatchPorts) -> Iterator[Job]:
    """Submits the jobs of each schedule that came due since it last ran.

    Neither a document that cannot be read nor a schedule that cannot be run holds up the other schedules, or what the
    tick does besides.
    """
    try:
        names = ports.catalog.names()
    except SlipwayError as error:
        _log.error("the schedules are not looked at: %s", error.message)
        return
    punctual = _PUNCTUAL + cron.newest_interval(ports.tick_schedule, _UTC, ports.now())
    for name in names:
        try:
            endpoint = ports.catalog.read(name)
        except SlipwayError as error:
            _log.error("the schedules of endpoint %s are not run: %s", name, error.message)
            continue
        for schedule in endpoint.revision.batch.schedules:
            try:
                yield from _run(ports, endpoint, schedule, punctual)
            except SlipwayError as error:
                _log.error("schedule %s of endpoint %s is not run: %s", schedule.name, name, error.message)
            except Exception:
                _log.exception("schedule %s of endpoint %s is not run", schedule.name, name)


def _run(ports: BatchPorts, endpoint: Endpoint, schedule: Schedule, punctual: timedelta) -> Iterator[Job]:
    now = ports.now()
    path = f"{endpoint.name}/{schedule.name}.json"
    blob = ports.store.read(Container.SCHEDULES, path)
    last, etag = _last_run(blob), blob.etag if blob else None
    spelled = f"{schedule.cron} {schedule.time_zone}"
    if last is None or last.cron != spelled or last.due_at > now + _AHEAD:
        # A new schedule starts now; what would have been due before it was published is not made up for.
        _save(ports.store, path, LastRun(cron=spelled, due_at=now, job_id=last.job_id if last else ""), etag)
        return
    before, last = last, _settled(ports.store, last)
    times = due_times(schedule, last.due_at, now)
    to_run = times_to_run(times, schedule.catch_up, now, punctual)
    waiting_since = last.waiting_since or next(iter(to_run), None)
    late = now - (waiting_since or now)
    interval = _interval(schedule, waiting_since or last.due_at)
    ports.metrics.lateness(endpoint.name, schedule.name, late.total_seconds(), interval.total_seconds())
    for due_at in to_run:
        if schedule.overlap == "skip" and _is_running(ports.store, last.job_id):
            _log.warning("schedule %s of %s is skipped: its last job is not over", schedule.name, endpoint.name)
            break
        # First the job, then the note: dying in between submits the same job again, which is the same job.
        job = desk.submit(ports.store, _job(endpoint.name, schedule, due_at, now))
        last = last.model_copy(update={"job_id": job.id, "waiting_since": waiting_since})
        if not job.status.finished:
            yield job
    if times:
        last = last.model_copy(update={"due_at": times[-1]})
    if last != before:
        _save(ports.store, path, last, etag)


def _settled(store: BlobStore, last: LastRun) -> LastRun:
    """Nothing is waited for once the last job has completed; that is noted, so that it is looked up no more."""
    if last.waiting_since is None or _status(store, last.job_id) != JobStatus.COMPLETED:
        return last
    return last.model_copy(update={"waiting_since": None})


def _job(endpoint: str, schedule: Schedule, due_at: datetime, now: datetime) -> Job:
    return jobs.new(
        jobs.scheduled_id(endpoint, schedule.name, due_at),
        endpoint,
        (JobInput(location=schedule.input),),
        jobs.scheduled_by(schedule.name),
        now,
        params=schedule.params,
    )


def due_times(schedule: Schedule, after: datetime, now: datetime) -> list[datetime]:
    """The times in (after, now] that it names, in UTC: the newest, or the first of very many where all are run."""
    zone = ZoneInfo(schedule.time_zone)
    if schedule.catch_up != CatchUp.RUN_ALL:
        newest = cron.newest_until(schedule.cron, zone, now)
        return [newest] if newest is not None and newest > after else []
    times = cron.times_after(schedule.cron, zone, max(after, now - _LONGEST_PAUSE))
    return list(islice(takewhile(lambda time: time <= now, times), _MOST_AT_ONCE))


def _interval(schedule: Schedule, since: datetime) -> timedelta:
    """To the next time that it names."""
    return next(cron.times_after(schedule.cron, ZoneInfo(schedule.time_zone), since), since) - since


def times_to_run(times: list[datetime], catch_up: CatchUp, now: datetime, punctual: timedelta) -> list[datetime]:
    """Of the times that have come, in their order. `punctual`: one that is older was missed."""
    if catch_up == CatchUp.RUN_ALL:
        return times
    newest = times[-1:]
    if catch_up == CatchUp.SKIP:
        return [time for time in newest if now - time <= punctual]
    return newest


def _is_running(store: BlobStore, job_id: str) -> bool:
    status = _status(store, job_id)
    return status is not None and not status.finished


def _status(store: BlobStore, job_id: str) -> JobStatus | None:
    try:
        return desk.read(store, job_id).status if job_id else None
    except (JobNotFound, ConfigurationError):
        return None  # nobody here works on what this version cannot read


def _last_run(blob: Blob | None) -> LastRun | None:
    try:
        return None if blob is None else LastRun.model_validate_json(blob.data)
    except ValidationError:
        return None  # as if the schedule were new


def _save(store: BlobStore, path: str, run: LastRun, etag: str | None) -> None:
    try:
        store.write(Container.SCHEDULES, path, run.model_dump_json().encode(), if_match=etag, create=etag is None)
    except StaleDocument:
        return  # another tick was faster, with the same job
