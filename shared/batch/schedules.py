"""Starts the jobs that the endpoints' schedules say are due."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal

from cronsim import CronSim
from pydantic import ValidationError

from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.documents import Document
from shared.endpoints.batch_settings import Schedule
from shared.endpoints.spec import Endpoint
from shared.errors import SlipwayError, StaleDocument
from shared.ports import Blob, BlobStore, Container

_log = logging.getLogger(__name__)

# After a longer pause than this, the times that were missed are not looked up one by one.
_LONGEST_PAUSE: Final = timedelta(days=32)


class LastRun(Document):
    schema_version: Literal[1] = 1
    cron: str
    due_at: datetime


def due(ports: BatchPorts) -> Iterator[Job]:
    """Submits one job for each schedule that came due since it last ran; after a pause only the latest.

    A document that cannot be read holds up neither the other schedules nor what the tick does besides.
    """
    try:
        names = list(ports.catalog.names())
    except SlipwayError as error:
        _log.error("the schedules are not looked at: %s", error.message)
        return
    for name in names:
        try:
            yield from _of_endpoint(ports, ports.catalog.read(name))
        except SlipwayError as error:
            _log.error("the schedules of endpoint %s are not run: %s", name, error.message)


def _of_endpoint(ports: BatchPorts, endpoint: Endpoint) -> Iterator[Job]:
    for schedule in endpoint.revision.batch.schedules:
        job = _run(ports, endpoint, schedule)
        if job is not None:
            yield job


def _run(ports: BatchPorts, endpoint: Endpoint, schedule: Schedule) -> Job | None:
    now = ports.now()
    path = f"{endpoint.name}/{schedule.name}.json"
    blob = ports.store.read(Container.SCHEDULES, path)
    last = _last_run(blob)
    etag = blob.etag if blob else None
    if last is None or last.cron != schedule.cron:
        # A new schedule starts now; what would have been due before it was published is not made up for.
        _save(ports.store, path, LastRun(cron=schedule.cron, due_at=now), etag)
        return None
    due_at = latest_due(schedule.cron, last.due_at, now)
    if due_at is None:
        return None
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
    return None if submitted.status.finished else submitted


def _last_run(blob: Blob | None) -> LastRun | None:
    try:
        return None if blob is None else LastRun.model_validate_json(blob.data)
    except ValidationError:
        return None  # as if the schedule were new


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
