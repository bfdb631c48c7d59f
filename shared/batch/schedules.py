"""Starts the jobs that the endpoints' schedules say are due."""

import logging
from datetime import datetime, timedelta
from typing import Final, Literal

from cronsim import CronSim
from pydantic import BaseModel, ConfigDict

from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.endpoints.spec import Endpoint, Schedule
from shared.errors import ConfigurationError, EndpointNotFound, StaleDocument
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)

# After a longer pause than this, the times that were missed are not looked up one by one.
_LONGEST_PAUSE: Final = timedelta(days=32)


class LastRun(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    schema_version: Literal[1] = 1
    cron: str
    due_at: datetime


def due(ports: BatchPorts) -> list[Job]:
    """Submits one job for each schedule that came due since it last ran; after a pause only the latest."""
    submitted: list[Job] = []
    for name in list(ports.catalog.names()):
        try:
            endpoint = ports.catalog.read(name)
        except (ConfigurationError, EndpointNotFound) as error:
            # One endpoint that cannot be read holds up neither the others nor what the tick does besides.
            _log.error("the schedules of endpoint %s are not run: %s", name, error.message)
            continue
        for schedule in endpoint.revision.batch.schedules:
            submitted += _run(ports, endpoint, schedule)
    return submitted


def _run(ports: BatchPorts, endpoint: Endpoint, schedule: Schedule) -> list[Job]:
    now = ports.now()
    path = f"{endpoint.name}/{schedule.name}.json"
    blob = ports.store.read(Container.SCHEDULES, path)
    last = LastRun.model_validate_json(blob.data) if blob else None
    etag = blob.etag if blob else None
    if last is None or last.cron != schedule.cron:
        # A new schedule starts now; what would have been due before it was published is not made up for.
        _save(ports.store, path, LastRun(cron=schedule.cron, due_at=now), etag)
        return []
    due_at = latest_due(schedule.cron, last.due_at, now)
    if due_at is None:
        return []
    job = jobs.new(
        jobs.scheduled_id(endpoint.name, schedule.name, due_at),
        endpoint.name,
        JobInput(path=schedule.input, etag=None),
        f"schedule/{schedule.name}",
        now,
    )
    # First the job, then the note: dying in between submits the same job again, which is the same job.
    submitted = jobs.submit(ports.store, job)
    _save(ports.store, path, LastRun(cron=schedule.cron, due_at=due_at), etag)
    return [submitted]


def latest_due(cron: str, after: datetime, now: datetime) -> datetime | None:
    """The newest time in (after, now] that the schedule names."""
    latest = None
    for time in CronSim(cron, max(after, now - _LONGEST_PAUSE)):
        if time > now:
            break
        latest = time
    return latest


def _save(store: BlobStore, path: str, run: LastRun, etag: str | None) -> None:
    try:
        store.write(Container.SCHEDULES, path, run.model_dump_json().encode(), if_match=etag, create=etag is None)
    except StaleDocument:
        return  # another tick was faster, with the same job
