"""How a job ends: its document says so first, then the world is told, and what it staged is cleared away.

Every step may be repeated. Whoever dies in between leaves the job's mark in `active/`, by which the reconciler finds
it and goes on here.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import batched
from typing import Final

from shared.batch import desk
from shared.batch.desk import Mark
from shared.batch.events import job_event
from shared.batch.job import Event, Job, JobError, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.work import Work
from shared.errors import JobCanceled, SlipwayError, StaleAttempt
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)

_ENDED: Final = "ended/"
_AT_ONCE: Final = 8


def fail(ports: BatchPorts, work: Work, reason: JobError | SlipwayError, event: Event = Event.FAIL) -> None:
    """Closes the job with a reason. Does nothing when another attempt has it, or when it is closed."""
    now, error = ports.now(), JobError(code=reason.code, message=reason.message)
    try:
        job = desk.move(ports.store, work, event, now, finished_at=now, error=error)
    except JobCanceled:
        cancel(ports, work.job_id)
        return
    except StaleAttempt:
        return
    put_away(ports, job)


def cancel(ports: BatchPorts, job_id: str) -> None:
    """Closes a job whose cancellation was requested; does nothing to any other."""
    job = desk.close_canceled(ports.store, job_id, ports.now())
    if job.status == JobStatus.CANCELED:
        put_away(ports, job)


def put_away(ports: BatchPorts, job: Job) -> None:
    """Of a finished job. What a failed one has done is kept for a while: a retry goes on from there.

    It is announced last but one, so that a receiver that does not answer holds up nothing else.
    """
    failed = job.status == JobStatus.FAILED
    # Whoever has not noticed yet that the job is over may still stage something.
    until = ports.now() + (ports.retry_window if failed else ports.heartbeat_timeout)
    mark = f"{_ENDED}{Mark.of(job)}"
    ports.store.write(Container.JOBS, mark, b"", metadata={"until": until.isoformat()})
    if not failed:
        _clear(ports.store, Container.STAGING, job.work.folder)
    if job.status == JobStatus.CANCELED:
        _clear(ports.store, Container.JOBS, job.work.folder)
    ports.announcer.announce(job_event(job))
    desk.forget_active(ports.store, job)


def sweep(ports: BatchPorts, is_time_up: Callable[[], bool] = lambda: False) -> None:
    """Removes what finished jobs have left, once nobody can need it any more: all but their documents.

    What is not removed when the time is up, the next sweep removes.
    """
    for mark in _due(ports.store, ports.now()):
        if is_time_up():
            return
        try:
            _sweep(ports.store, mark)
        except SlipwayError as error:
            _log.warning("job %s is not swept yet: %s", mark.job_id, error.message)


def _due(store: BlobStore, now: datetime) -> Iterator[Mark]:
    for item in list(store.list(Container.JOBS, _ENDED)):
        mark = Mark.find(item.name)
        if mark is not None and _is_over(item.metadata.get("until", ""), now):
            yield mark


def _is_over(until: str, now: datetime) -> bool:
    try:
        return datetime.fromisoformat(until) <= now
    except (ValueError, TypeError):  # nobody's mark has such a time, or one without a zone
        return False


def _sweep(store: BlobStore, mark: Mark) -> None:
    job = desk.mark_swept(store, mark)
    for run in range(1, job.run + 1) if job is not None else ():
        folder = Work(mark.job_id, 0, run).folder
        _clear(store, Container.STAGING, folder)
        _clear(store, Container.JOBS, folder)
    store.delete(Container.JOBS, f"{_ENDED}{mark}")


def _clear(store: BlobStore, container: Container, prefix: str) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in batched(store.list(container, prefix), _AT_ONCE * _AT_ONCE, strict=False):
            list(pool.map(lambda item: store.delete(container, item.name), some))
