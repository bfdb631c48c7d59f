"""The job document: what a job is, which state it is in, and which attempt may write for it.

`jobs/{job_id}/job.json` is the truth. `jobs/active/{job_id}` only marks that the job is not yet put away, so that the
reconciler need not read every job there ever was.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

from shared.documents import Document
from shared.errors import InvalidTransition, JobNotFound, SlipwayError, StaleAttempt, StaleDocument
from shared.ports import BlobStore, Container

_ACTIVE: Final = "active/"
ID_PATTERN: Final = re.compile(r"(drop|schedule)-[0-9a-f]{24}")
MAX_ATTEMPTS: Final = 100


class JobStatus(StrEnum):
    """Azure ML's words."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"

    @property
    def finished(self) -> bool:
        return self in (JobStatus.COMPLETED, JobStatus.FAILED)


class Event(StrEnum):
    RUN = "run"
    FINALIZE = "finalize"
    COMPLETE = "complete"
    FAIL = "fail"


TRANSITIONS: Final[Mapping[tuple[Event, JobStatus], JobStatus]] = {
    (Event.RUN, JobStatus.NOT_STARTED): JobStatus.RUNNING,
    (Event.RUN, JobStatus.RUNNING): JobStatus.RUNNING,
    (Event.RUN, JobStatus.FINALIZING): JobStatus.RUNNING,
    (Event.FINALIZE, JobStatus.RUNNING): JobStatus.FINALIZING,
    (Event.FINALIZE, JobStatus.FINALIZING): JobStatus.FINALIZING,
    (Event.COMPLETE, JobStatus.FINALIZING): JobStatus.COMPLETED,
    (Event.FAIL, JobStatus.NOT_STARTED): JobStatus.FAILED,
    (Event.FAIL, JobStatus.RUNNING): JobStatus.FAILED,
    (Event.FAIL, JobStatus.FINALIZING): JobStatus.FAILED,
}


class JobInput(Document):
    """A blob of the inbox, pinned by its ETag; or, without one, every blob below a prefix."""

    path: str
    etag: str | None


class JobError(Document):
    code: str
    message: str


class Counts(Document):
    """Rows of the input: all, those with a prediction, those rejected."""

    rows: int
    predicted: int
    rejected: int


class Job(Document):
    schema_version: Literal[1] = 1
    id: str
    endpoint: str
    input: JobInput
    submitted_by: str
    created_at: datetime
    status: JobStatus = JobStatus.NOT_STARTED
    attempt: int = 1
    heartbeat_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    counts: Counts | None = None
    output: str | None = None
    error: JobError | None = None


class _Stored(NamedTuple):
    job: Job
    etag: str


def new(job_id: str, endpoint: str, source: JobInput, submitted_by: str, now: datetime) -> Job:
    return Job(
        id=job_id,
        endpoint=endpoint,
        input=source,
        submitted_by=submitted_by,
        created_at=now,
        heartbeat_at=now,
    )


def dropped_id(path: str, etag: str) -> str:
    """One version of one blob is one job, however often it is delivered."""
    return _id("drop", path, etag)


def scheduled_id(endpoint: str, schedule: str, due_at: datetime) -> str:
    return _id("schedule", endpoint, schedule, due_at.isoformat())


def _id(*parts: str) -> str:
    return f"{parts[0]}-{hashlib.sha256('\n'.join(parts).encode()).hexdigest()[:24]}"


def instance_id(job: Job) -> str:
    """The durable instance that works on this attempt."""
    return f"{job.id}-{job.attempt}"


def job_path(job_id: str, name: str = "job.json") -> str:
    return f"{job_id}/{name}"


def submit(store: BlobStore, job: Job) -> Job:
    """Creates the job unless it is there already; returns what is there. Safe to repeat after a crash anywhere."""
    store.write(Container.JOBS, _ACTIVE + job.id, b"")
    try:
        store.write(Container.JOBS, job_path(job.id), _bytes(job), create=True)
    except StaleDocument:
        return read(store, job.id)
    return job


def active(store: BlobStore) -> Iterator[str]:
    """Ids of the jobs that are not yet put away."""
    for item in store.list(Container.JOBS, _ACTIVE):
        yield item.name.removeprefix(_ACTIVE)


def read(store: BlobStore, job_id: str) -> Job:
    """Raises JobNotFound."""
    return _read(store, job_id).job


def _read(store: BlobStore, job_id: str) -> _Stored:
    blob = store.read(Container.JOBS, job_path(job_id))
    if blob is None:
        raise JobNotFound(f"there is no job '{job_id}'")
    return _Stored(Job.model_validate_json(blob.data), blob.etag)


def check(store: BlobStore, job_id: str, attempt: int, now: datetime, beat_every: timedelta) -> Job:
    """The job, if this attempt may still write for it; shows a sign of life now and then. Raises StaleAttempt."""
    stored = _read(store, job_id)
    _check_attempt(stored.job, attempt)
    if now - stored.job.heartbeat_at > beat_every:
        try:
            _save(store, stored, stored.job.model_copy(update={"heartbeat_at": now}))
        except StaleDocument:
            return check(store, job_id, attempt, now, beat_every)
    return stored.job


def move(store: BlobStore, job_id: str, attempt: int, event: Event, now: datetime, **fields: Any) -> Job:
    """Raises StaleAttempt, or InvalidTransition when the job is not in a state that allows the event."""
    stored = _read(store, job_id)
    _check_attempt(stored.job, attempt)
    status = TRANSITIONS.get((event, stored.job.status))
    if status is None:
        raise InvalidTransition(f"job '{job_id}' is {stored.job.status}: it cannot {event}")
    try:
        return _save(store, stored, stored.job.model_copy(update={"status": status, "heartbeat_at": now, **fields}))
    except StaleDocument:
        return move(store, job_id, attempt, event, now, **fields)


def fail(store: BlobStore, job_id: str, attempt: int, error: SlipwayError, now: datetime) -> None:
    """Closes the job with a reason. Does nothing when another attempt has it, or when it is closed."""
    try:
        move(
            store, job_id, attempt, Event.FAIL, now,
            finished_at=now, error=JobError(code=error.code, message=error.message),
        )  # fmt: skip
    except StaleAttempt:
        return
    put_away(store, job_id)


def take_over(store: BlobStore, job: Job, now: datetime) -> Job | None:
    """The next attempt of a job that nobody works on; None when somebody was faster."""
    stored = _read(store, job.id)
    if stored.job != job:
        return None
    mine = job.model_copy(update={"attempt": job.attempt + 1, "heartbeat_at": now})
    try:
        return _save(store, stored, mine)
    except StaleDocument:
        return None


def put_away(store: BlobStore, job_id: str) -> None:
    """Removes what a finished job does not need: what was staged, and then its mark."""
    for item in store.list(Container.STAGING, f"{job_id}/"):
        store.delete(Container.STAGING, item.name)
    store.delete(Container.JOBS, _ACTIVE + job_id)


def _check_attempt(job: Job, attempt: int) -> None:
    if job.attempt != attempt or job.status.finished:
        raise StaleAttempt(f"job '{job.id}' is {job.status} in attempt {job.attempt}: attempt {attempt} has to stop")


def _save(store: BlobStore, stored: _Stored, job: Job) -> Job:
    store.write(Container.JOBS, job_path(job.id), _bytes(job), if_match=stored.etag)
    return job


def _bytes(job: Job) -> bytes:
    return job.model_dump_json(indent=2).encode()
