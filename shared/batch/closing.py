"""How a job ends: its document says so first, then the world is told, and what it staged is cleared away.

Every step may be repeated. Whoever dies in between leaves the job's mark in `active/`, by which the reconciler finds
it and goes on here.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from shared.batch import desk
from shared.batch.desk import Mark
from shared.batch.events import job_event
from shared.batch.job import Event, Job, JobError, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.success import Success
from shared.batch.work import Work
from shared.errors import EndpointNotFound, JobCanceled, SlipwayError, StaleAttempt
from shared.ports import BlobItem, BlobStore, Container

_log = logging.getLogger(__name__)

_ENDED: Final = "ended/"


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
    kept = ports.retry_window if failed else ports.heartbeat_timeout
    told = {"until": (ports.now() + kept).isoformat(), "kept_s": str(kept.total_seconds())}
    ports.store.write(Container.JOBS, f"{_ENDED}{Mark.of(job)}", b"", metadata=told)
    if not failed:
        _clear(ports.store, Container.STAGING, job.work.folder)
    if job.status == JobStatus.CANCELED:
        _clear(ports.store, Container.JOBS, job.work.folder)
    ports.announcer.announce(job_event(job))
    desk.forget_active(ports.store, job)
    _count(ports, job)


def _count(ports: BatchPorts, job: Job) -> None:
    """Last: whoever dies before has somebody else go on here, and the job is counted once."""
    # A drop can be for a name that nobody has published.
    known = job.error is None or job.error.code != EndpointNotFound.code
    seconds = ((job.finished_at or ports.now()) - job.created_at).total_seconds()
    ports.metrics.job(job.endpoint if known else "", job.schedule, job.status, seconds)


def sweep(ports: BatchPorts, is_time_up: Callable[[], bool] = lambda: False) -> None:
    """Removes what finished jobs have left, once nobody can need it any more: all but their documents.

    What is not removed when the time is up, the next sweep removes.
    """
    for mark in _due(ports.store, ports.now()):
        if is_time_up():
            return
        try:
            _sweep(ports, mark)
        except SlipwayError as error:
            _log.warning("job %s is not swept yet: %s", mark.job_id, error.message)


def _due(store: BlobStore, now: datetime) -> Iterator[Mark]:
    for item in list(store.list(Container.JOBS, _ENDED)):
        mark = Mark.find(item.name)
        if mark is not None and _is_over(store, item, now):
            yield mark


def _is_over(store: BlobStore, item: BlobItem, now: datetime) -> bool:
    """By this machine's clock, which may be ahead, and then by that of storage, which costs a request."""
    try:
        until = datetime.fromisoformat(item.metadata["until"])
        kept = timedelta(seconds=float(item.metadata["kept_s"]))
        if until > now:
            return False
    except (KeyError, ValueError, TypeError, OverflowError):  # nobody's mark has such times, or one without a zone
        return False
    times = store.times(Container.JOBS, item.name)
    return times is not None and times.age >= kept


def _sweep(ports: BatchPorts, mark: Mark) -> None:
    store = ports.store
    # Found before the mark is set, and removed after it: a retry writes all anew, which is then not what was found.
    remove_late = _late_copies(ports, desk.read(store, mark.job_id))
    job = desk.mark_swept(store, mark)
    if job is not None:
        remove_late()
        _settle(ports, job)
    for run in range(1, job.run + 1) if job is not None else ():
        folder = Work(mark.job_id, 0, run).folder
        _clear(store, Container.STAGING, folder)
        _clear(store, Container.JOBS, folder)
    store.delete(Container.JOBS, f"{_ENDED}{mark}")


def _settle(ports: BatchPorts, job: Job) -> None:
    """Somebody who was late may have prepared to show an output, and died over it."""
    try:
        Success.of(job, ports.accounts).settle()
    except SlipwayError as error:
        if error.retryable:
            raise
        return  # the place is out of reach now


def _late_copies(ports: BatchPorts, job: Job) -> Callable[[], None]:
    """What somebody who was late may have copied after the job had failed; gives back what removes it."""
    plan = ports.manifests.find(job.work) if job.status == JobStatus.FAILED else None
    if plan is None:
        return lambda: None
    from shared.batch.output import Output  # brings pyarrow, which the tick does not need otherwise

    try:
        output = Output(ports, job, plan.settings)
        found = [] if output.is_whole else output.own()
    except SlipwayError as error:
        if error.retryable:
            raise
        return lambda: None  # the place is out of reach now
    return lambda: output.remove(found)


def _clear(store: BlobStore, container: Container, prefix: str) -> None:
    store.delete_all(container, (item.name for item in store.list(container, prefix)))
