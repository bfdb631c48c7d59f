"""The job document: what a job is, and which state it is in.

`jobs/{job_id}/job.json` is the truth; `batch/desk.py` reads and changes it.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import Field

from shared.batch.work import Work
from shared.documents import Document
from shared.endpoints.batch_settings import Overrides

_DROP: Final = "drop"
_SCHEDULE: Final = "schedule"
ID_PATTERN: Final = re.compile(rf"({_DROP}|schedule|rest)-[0-9a-f]{{24}}")
MAX_ATTEMPTS: Final = 100


class JobStatus(StrEnum):
    """Azure ML's words."""

    NOT_STARTED = "NotStarted"
    RUNNING = "Running"
    FINALIZING = "Finalizing"
    CANCEL_REQUESTED = "CancelRequested"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELED = "Canceled"

    @property
    def finished(self) -> bool:
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED)


class Event(StrEnum):
    RUN = "run"
    FINALIZE = "finalize"
    COMPLETE = "complete"
    FAIL = "fail"
    REQUEST_CANCEL = "cancel"
    CANCEL = "end as canceled"
    ABANDON = "abandon"
    RETRY = "retry"


# From Finalizing on a job only goes forward: what is being made visible cannot be canceled, and is given up only where
# what it was to show is lost.
TRANSITIONS: Final[Mapping[tuple[Event, JobStatus], JobStatus]] = {
    (Event.RUN, JobStatus.NOT_STARTED): JobStatus.RUNNING,
    (Event.RUN, JobStatus.RUNNING): JobStatus.RUNNING,
    (Event.RUN, JobStatus.FINALIZING): JobStatus.FINALIZING,
    (Event.FINALIZE, JobStatus.RUNNING): JobStatus.FINALIZING,
    (Event.FINALIZE, JobStatus.FINALIZING): JobStatus.FINALIZING,
    (Event.COMPLETE, JobStatus.FINALIZING): JobStatus.COMPLETED,
    (Event.FAIL, JobStatus.NOT_STARTED): JobStatus.FAILED,
    (Event.FAIL, JobStatus.RUNNING): JobStatus.FAILED,
    (Event.ABANDON, JobStatus.FINALIZING): JobStatus.FAILED,
    (Event.REQUEST_CANCEL, JobStatus.NOT_STARTED): JobStatus.CANCEL_REQUESTED,
    (Event.REQUEST_CANCEL, JobStatus.RUNNING): JobStatus.CANCEL_REQUESTED,
    (Event.REQUEST_CANCEL, JobStatus.CANCEL_REQUESTED): JobStatus.CANCEL_REQUESTED,
    (Event.CANCEL, JobStatus.CANCEL_REQUESTED): JobStatus.CANCELED,
    (Event.RETRY, JobStatus.FAILED): JobStatus.NOT_STARTED,
    (Event.RETRY, JobStatus.CANCELED): JobStatus.NOT_STARTED,
}


class JobInput(Document):
    """`location`: `container/path` in the data account, else the blob's whole address. It names one blob, pinned by
    its ETag where one is given; or with a slash at its end all blobs below it, or those that its `*`, `**`, `?` match.
    In a job of a drop these stand for themselves.
    """

    name: str = "input"
    location: str
    etag: str | None = None


class JobError(Document):
    code: str
    message: str


class Counts(Document):
    """Rows of the input: all, those with a prediction, those rejected; and the mini-batches that they came in."""

    rows: int
    predicted: int
    rejected: int
    mini_batches: int = 0


class Capability(Document):
    """What is kept of a secret that lets its holder look at one job: enough to know it again."""

    sha256: str
    expires_at: datetime


class Job(Document):
    """`output_location`: where the output will be, as in `JobInput`; `output`: the same, once it is there.

    `deployment`: that its caller names, and once it is planned the one that scores it. `model`: which of a package of
    many models; `params` reach the model. `retries`: how often its caller had it tried
    again. `swept`: its run's documents are gone.
    """

    schema_version: Literal[2] = 2
    id: str
    endpoint: str
    inputs: tuple[JobInput, ...] = Field(min_length=1)
    output_location: str
    deployment: str | None = None
    model: str | None = None
    params: dict[str, Any] = {}
    overrides: Overrides = Overrides()
    submitted_by: str
    created_at: datetime
    status: JobStatus = JobStatus.NOT_STARTED
    attempt: int = 1
    run: int = 1
    retries: int = 0
    swept: bool = False
    heartbeat_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    model_version: str | None = None
    counts: Counts | None = None
    output: str | None = None
    error: JobError | None = None
    capabilities: tuple[Capability, ...] = ()

    @property
    def is_dropped(self) -> bool:
        return self.id.startswith(f"{_DROP}-")

    @property
    def schedule(self) -> str:
        """Which schedule of its endpoint started it; empty where none did."""
        kind, _, name = self.submitted_by.partition("/")
        return name if kind == _SCHEDULE else ""

    @property
    def work(self) -> Work:
        return Work(self.id, self.attempt, self.run)


def dropped_id(path: str, etag: str) -> str:
    """One version of one blob is one job, however often it is delivered."""
    return _id(_DROP, path, etag)


def scheduled_id(endpoint: str, schedule: str, due_at: datetime) -> str:
    return _id(_SCHEDULE, endpoint, schedule, due_at.isoformat())


def scheduled_by(schedule: str) -> str:
    """What `submitted_by` says of the jobs of a schedule."""
    return f"{_SCHEDULE}/{schedule}"


def requested_id(caller: str, endpoint: str, key: str, body: str) -> str:
    """One idempotency key of one caller is one job, as long as the caller asks for the same."""
    return _id("rest", caller, endpoint, key, body)


def _id(*parts: str) -> str:
    return f"{parts[0]}-{hashlib.sha256('\n'.join(parts).encode()).hexdigest()[:24]}"


def new(
    job_id: str, endpoint: str, inputs: tuple[JobInput, ...], submitted_by: str, now: datetime, **fields: Any
) -> Job:
    """`fields`: further ones of the document. Without `output_location` the output goes to a place of the job's own."""
    fields.setdefault("output_location", f"predictions/{endpoint}/{job_id}/")
    return Job(
        id=job_id, endpoint=endpoint, inputs=inputs, submitted_by=submitted_by,
        created_at=now, heartbeat_at=now, **fields,
    )  # fmt: skip


def job_path(job_id: str, name: str = "job.json") -> str:
    return f"{job_id}/{name}"
