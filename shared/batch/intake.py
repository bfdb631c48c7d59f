"""A blob was dropped into the inbox: which job is that?"""

import logging

from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.endpoints.catalog import Catalog
from shared.errors import ConfigurationError, EndpointNotFound
from shared.ports import Container

_log = logging.getLogger(__name__)


def drop(name: str, etag: str, ports: BatchPorts) -> Job | None:
    """The job of a blob `{endpoint}/…`, new or already known; None when a drop of this blob starts none.

    A blob for an endpoint that does not exist becomes a job too, which then fails and says so.
    """
    if name.endswith("/"):
        return None  # what some tools leave behind for a folder
    endpoint, slash, rest = name.partition("/")
    if not slash or not rest:
        _log.error(
            "%s/%s belongs to no endpoint: drop files into %s/<endpoint>/",
            Container.INBOX,
            name,
            Container.INBOX,
        )
        return None
    path = f"{Container.INBOX}/{name}"
    if _waits_for_schedule(path, endpoint, ports.catalog):
        return None
    job = jobs.new(jobs.dropped_id(path, etag), endpoint, JobInput(path=path, etag=etag), "drop", ports.now())
    submitted = jobs.submit(ports.store, job)
    return None if submitted.status.finished else submitted


def _waits_for_schedule(path: str, name: str, catalog: Catalog) -> bool:
    """What lies where a schedule reads is scored when that schedule is due, and not also when it is dropped."""
    try:
        schedules = catalog.read(name).revision.batch.schedules
    except (EndpointNotFound, ConfigurationError):
        return False  # the job will say so
    return any(
        path == schedule.input or (schedule.input.endswith("/") and path.startswith(schedule.input))
        for schedule in schedules
    )
