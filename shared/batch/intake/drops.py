"""A blob was dropped into the inbox: which job is that?"""

import logging
from typing import Final

from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.batch.sources import is_data
from shared.endpoints import locations
from shared.endpoints.batch_settings import BatchSettings
from shared.endpoints.catalog import Catalog
from shared.endpoints.locations import Known
from shared.endpoints.patterns import split_pattern
from shared.errors import ConfigurationError, EndpointNotFound, MalformedRequest
from shared.ports import Container

_log = logging.getLogger(__name__)

READY: Final = "_READY"


def drop(name: str, etag: str, ports: BatchPorts) -> Job | None:
    """The job of a blob `{endpoint}/…`, new or already known; None when a drop of this blob starts none.

    Where an endpoint takes folders, that is the marker `_READY`, and the job reads all that lies beside and below it.
    A blob for an endpoint that does not exist becomes a job too, which then fails and says so.
    """
    endpoint, slash, rest = name.partition("/")
    if not slash or not rest:
        _log.error(
            "%s/%s belongs to no endpoint: drop files into %s/<endpoint>/",
            Container.INBOX,
            name,
            Container.INBOX,
        )
        return None
    settings = _settings(endpoint, ports.catalog)
    read = _read(name, settings)
    if read is None or _waits_for_schedule(read, settings, ports.known):
        return None
    path = f"{Container.INBOX}/{name}"
    source = JobInput(location=f"{Container.INBOX}/{read}", etag=etag if read == name else None)
    job = jobs.new(jobs.dropped_id(path, etag), endpoint, (source,), "drop", ports.now())
    submitted = desk.submit(ports.store, job)
    return None if submitted.status.finished else submitted


def _read(name: str, settings: BatchSettings) -> str | None:
    """What the job of this blob reads: the blob, or its folder; None when it has none."""
    folder, _, last = name.rpartition("/")
    if settings.drop == "folder":
        return f"{folder}/" if last == READY else None
    return name if last and is_data(name) else None


def _settings(endpoint: str, catalog: Catalog) -> BatchSettings:
    try:
        return catalog.read(endpoint).revision.batch
    except (EndpointNotFound, ConfigurationError):
        return BatchSettings()  # the job will say so


def _waits_for_schedule(name: str, settings: BatchSettings, known: Known) -> bool:
    """What lies where a schedule reads is scored when that schedule is due, and not also when it is dropped."""
    return any(_reads(schedule.input, name, known) for schedule in settings.schedules)


def _reads(location: str, name: str, known: Known) -> bool:
    """Whether a schedule's input is, or holds, this blob or folder of the inbox, however it is written."""
    try:
        place = locations.parse(location, known)
    except MalformedRequest:
        return False  # of an account that is not known to this app: the schedule's job will say so
    if place.account or place.container != Container.INBOX:
        return False
    prefix, pattern = split_pattern(place.name)
    if pattern is not None:
        return pattern.fullmatch(name) is not None
    return name == prefix or (locations.is_folder(place) and name.startswith(prefix))
