"""Job documents in storage: created once, changed by ETag, and written for by one attempt at a time.

Beside a job's document lie marks, which carry no meaning of their own. `active/{job}.{retries}`: not yet put away, so
that the reconciler need not read every job there ever was; and those of `job_index`.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from shared.batch import job_index
from shared.batch.job import TRANSITIONS, Capability, Event, Job, JobStatus, job_path
from shared.batch.work import Work
from shared.errors import ConfigurationError, InvalidTransition, JobCanceled, JobNotFound, StaleAttempt, StaleDocument
from shared.ports import BlobStore, Container

_ACTIVE: Final = "active/"
# Whatever else lies there is nobody's mark.
_MARK: Final = re.compile(r"[a-z]+/([^./]+)\.([0-9]{1,9})")
_MAX_CAPABILITIES: Final = 32


class _Stored(NamedTuple):
    job: Job
    etag: str


class Mark(NamedTuple):
    """Of a job, as it was after so many retries: a mark that is left from before says nothing of it."""

    job_id: str
    retries: int

    @classmethod
    def of(cls, job: Job) -> "Mark":
        return cls(job.id, job.retries)

    @classmethod
    def find(cls, name: str) -> "Mark | None":
        """That a blob is called after."""
        found = _MARK.fullmatch(name)
        return None if found is None else cls(found[1], int(found[2]))

    def __str__(self) -> str:
        return f"{self.job_id}.{self.retries}"


def submit(store: BlobStore, job: Job) -> Job:
    """Creates the job unless it is there already; returns what is there. Safe to repeat after a crash anywhere."""
    _mark_active(store, job)
    try:
        store.write(Container.JOBS, job_path(job.id), _bytes(job), create=True)
    except StaleDocument:
        job = read(store, job.id)
    job_index.enlist(store, job)
    return job


def active(store: BlobStore) -> Iterator[Mark]:
    """The jobs that are not yet put away."""
    for item in store.list(Container.JOBS, _ACTIVE):
        if mark := Mark.find(item.name):
            yield mark


def _mark_active(store: BlobStore, job: Job) -> None:
    """Before its document is written, and with all of it: whoever dies in between has asked for it all the same."""
    store.write(Container.JOBS, f"{_ACTIVE}{Mark.of(job)}", _bytes(job))


def marked(store: BlobStore, mark: Mark, patience: timedelta) -> Job | None:
    """The job that a mark holds; None where the mark is gone, or not older than `patience`."""
    name = f"{_ACTIVE}{mark}"
    times = store.times(Container.JOBS, name)
    if times is None or times.age < patience:
        return None
    blob = store.read(Container.JOBS, name)
    return _parsed(blob.data, mark.job_id) if blob is not None and blob.data else None


def silence(store: BlobStore, job: Job) -> timedelta:
    """How long ago the job's document was written, by the clock of storage."""
    times = store.times(Container.JOBS, job_path(job.id))
    return timedelta() if times is None else times.age


def forget_active(store: BlobStore, job: Job) -> None:
    store.delete(Container.JOBS, f"{_ACTIVE}{Mark.of(job)}")


def read(store: BlobStore, job_id: str) -> Job:
    """Raises JobNotFound."""
    return _read(store, job_id).job


def _read(store: BlobStore, job_id: str) -> _Stored:
    blob = store.read(Container.JOBS, job_path(job_id))
    if blob is None:
        raise JobNotFound(f"there is no job '{job_id}'")
    return _Stored(_parsed(blob.data, job_id), blob.etag)


def _parsed(data: bytes, job_id: str) -> Job:
    """Raises ConfigurationError: another version of the app may have written it."""
    try:
        return Job.model_validate_json(data)
    except ValidationError:
        raise ConfigurationError(
            f"the document of job '{job_id}' cannot be read by this version of the app: deploy the one that wrote it"
        ) from None


def check(store: BlobStore, work: Work, now: datetime, beat_every: timedelta) -> Job:
    """The job, if this attempt may still write for it; shows a sign of life now and then.

    Raises StaleAttempt, JobCanceled.
    """
    stored = _read(store, work.job_id)
    _check_attempt(stored.job, work)
    # A clock may jump, or another host's be wrong: a sign of life from the future is none.
    if abs(now - stored.job.heartbeat_at) > beat_every:
        try:
            return _save(store, stored, {"heartbeat_at": now})
        except StaleDocument:
            return check(store, work, now, beat_every)
    return stored.job


def move(store: BlobStore, work: Work, event: Event, now: datetime, **fields: Any) -> Job:
    """Raises StaleAttempt, JobCanceled, or InvalidTransition when the job is not in a state that allows the event."""
    stored = _read(store, work.job_id)
    _check_attempt(stored.job, work)
    status = _next(stored.job, event)
    try:
        return _save(store, stored, {"status": status, "heartbeat_at": now, **fields})
    except StaleDocument:
        return move(store, work, event, now, **fields)


def request_cancel(store: BlobStore, job_id: str) -> Job:
    """A job that is canceled already stays so. Raises JobNotFound, InvalidTransition when it is too late."""
    stored = _read(store, job_id)
    if stored.job.status == JobStatus.CANCELED:
        return stored.job
    try:
        return _save(store, stored, {"status": _next(stored.job, Event.REQUEST_CANCEL)})
    except StaleDocument:
        return request_cancel(store, job_id)


def close_canceled(store: BlobStore, job_id: str, now: datetime) -> Job:
    """Whoever comes first closes a job whose cancellation was requested; the others find it closed.

    Its run counts as swept from this moment: a retry starts from nothing.
    """
    stored = _read(store, job_id)
    if stored.job.status != JobStatus.CANCEL_REQUESTED:
        return stored.job
    changes = {"status": _next(stored.job, Event.CANCEL), "finished_at": now, "swept": True}
    try:
        return _save(store, stored, changes)
    except StaleDocument:
        return close_canceled(store, job_id, now)


def retry(store: BlobStore, job_id: str, now: datetime, **fields: Any) -> Job:
    """The next attempt of a job that has failed or was canceled, on top of what it had done, if that is still there.

    Raises JobNotFound, InvalidTransition.
    """
    stored = _read(store, job_id)
    job = stored.job
    changes = {
        "status": _next(job, Event.RETRY),
        "attempt": job.attempt + 1,
        "run": job.run + job.swept,
        "retries": job.retries + 1,
    }
    blank = {"error": None, "started_at": None, "finished_at": None, "counts": None, "swept": False}
    again = {**changes, **blank, "heartbeat_at": now, **fields}
    _mark_active(store, job.model_copy(update=again))
    try:
        return _save(store, stored, again)
    except StaleDocument:
        return retry(store, job_id, now, **fields)


def take_over(store: BlobStore, job: Job, now: datetime) -> Job | None:
    """The next attempt of a job that nobody works on; None when somebody was faster."""
    stored = _read(store, job.id)
    if stored.job != job:
        return None
    try:
        return _save(store, stored, {"attempt": job.attempt + 1, "heartbeat_at": now})
    except StaleDocument:
        return None


def mark_swept(store: BlobStore, mark: Mark) -> Job | None:
    """The job, if what its run left may be removed now: no retry can build on it any more. None when it went on."""
    stored = _read(store, mark.job_id)
    if not stored.job.status.finished or stored.job.retries != mark.retries:
        return None
    if stored.job.swept:
        return stored.job
    try:
        return _save(store, stored, {"swept": True})
    except StaleDocument:
        return mark_swept(store, mark)


def add_capability(store: BlobStore, job_id: str, capability: Capability) -> Job:
    """The oldest of too many make room. Raises JobNotFound."""
    stored = _read(store, job_id)
    kept = (*stored.job.capabilities, capability)[-_MAX_CAPABILITIES:]
    try:
        return _save(store, stored, {"capabilities": kept})
    except StaleDocument:
        return add_capability(store, job_id, capability)


def _next(job: Job, event: Event) -> JobStatus:
    status = TRANSITIONS.get((event, job.status))
    if status is None:
        raise InvalidTransition(f"job '{job.id}' is {job.status}: it cannot {event}")
    return status


def _check_attempt(job: Job, work: Work) -> None:
    if job.attempt != work.attempt or job.status.finished:
        raise StaleAttempt(
            f"job '{job.id}' is {job.status} in attempt {job.attempt}: attempt {work.attempt} has to stop"
        )
    if job.status == JobStatus.CANCEL_REQUESTED:
        raise JobCanceled(f"job '{job.id}' was canceled: retry it to run it after all")


def _save(store: BlobStore, stored: _Stored, changes: dict[str, Any]) -> Job:
    job = stored.job.model_copy(update=changes)
    store.write(Container.JOBS, job_path(job.id), _bytes(job), if_match=stored.etag)
    return job


def _bytes(job: Job) -> bytes:
    return job.model_dump_json(indent=2).encode()
