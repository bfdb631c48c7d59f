"""Telling others that a job is over: at least once, and each time by the same id."""

from datetime import datetime
from typing import Final, Literal, Protocol

from shared.batch.job import Counts, Job, JobError, JobStatus
from shared.documents import Document

# A message of a storage queue has 64 KiB, a third of which goes to Base64.
_LONGEST_MESSAGE: Final = 4096


class JobEvent(Document):
    """`id`: the same whenever the same end of the same attempt is told, so that receivers can drop repeats."""

    schema_version: Literal[1] = 1
    id: str
    job_id: str
    endpoint: str
    status: JobStatus
    deployment: str | None
    model_version: str | None
    counts: Counts | None
    output: str | None
    error: JobError | None
    submitted_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class Announcer(Protocol):
    def announce(self, event: JobEvent) -> None:
        """Once it returns, the event arrives, maybe more than once. Raises StorageUnavailable, ConfigurationError."""
        ...


def job_event(job: Job, deployment: str | None = None) -> JobEvent:
    """Of a job that is over. `deployment`: the one that scored it, where the job itself names none."""
    error = job.error and JobError(code=job.error.code, message=job.error.message[:_LONGEST_MESSAGE])
    return JobEvent(
        id=f"{job.id}-{job.attempt}-{job.status}",
        job_id=job.id,
        endpoint=job.endpoint,
        status=job.status,
        deployment=job.deployment or deployment,
        model_version=job.model_version,
        counts=job.counts,
        output=job.output,
        error=error,
        submitted_by=job.submitted_by,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )
