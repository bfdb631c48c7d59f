"""The world is told that a job is over: at least once, and by an id that lets a receiver drop what it knows already."""

from datetime import datetime
from typing import Literal, Protocol, Self

from shared.batch.job import Counts, Job, JobError
from shared.documents import Document


class JobEvent(Document):
    """A finished job's summary. `id` says which end of which job it is: a retry ends the job once more."""

    schema_version: Literal[1] = 1
    id: str
    job_id: str
    endpoint: str
    status: str
    deployment: str | None
    model_version: str | None
    counts: Counts | None
    output: str | None
    error: JobError | None
    submitted_by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        shown = (set(cls.model_fields) & set(Job.model_fields)) - {"schema_version"}
        told = {name: getattr(job, name) for name in shown}
        return cls.model_validate({**told, "id": f"{job.id}-{job.attempt}-{job.status}", "job_id": job.id})


class Announcer(Protocol):
    def announce(self, event: JobEvent) -> None:
        """Raises StorageUnavailable; whoever calls then tries again."""
        ...
