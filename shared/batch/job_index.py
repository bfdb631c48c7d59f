"""The jobs of an endpoint by their age: marks in storage whose names say all that a list needs, newest first."""

from typing import Final

from shared.batch.job import Job
from shared.ports import BlobStore, Container

# Names are listed in ascending order: what is counted down from here comes newest first.
_END_OF_TIME_MS: Final = 10**14


def enlist(store: BlobStore, job: Job) -> None:
    """Puts the job on its endpoint's list, under one name however often."""
    age = _END_OF_TIME_MS - int(job.created_at.timestamp() * 1000)
    store.write(Container.JOBS, f"{prefix(job.endpoint)}{age:014d}-{job.id}", b"")


def prefix(endpoint: str) -> str:
    return f"index/{endpoint}/"
