"""Jobs of a dropped file of which there is the document and nothing else."""

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.job import Job, JobInput, JobStatus
from shared.batch.ports import BatchPorts
from tests.support.endpoint import NOW

LATER = NOW + timedelta(minutes=1)
BEAT = timedelta(seconds=75)


def new(job_id: str = "drop-1", now: datetime = NOW) -> Job:
    return jobs.new(job_id, "flowers", (JobInput(location="inbox/flowers/a.csv", etag='"1"'),), "drop", now)


def submit(ports: BatchPorts, job_id: str = "drop-1", attempt: int = 1) -> Job:
    return desk.submit(ports.store, new(job_id, ports.now()).model_copy(update={"attempt": attempt}))


def at(store: MemoryBlobs, status: JobStatus) -> Job:
    """The job in this state."""
    job = desk.submit(store, new().model_copy(update={"status": status}))
    assert job.status == status
    return job


def first_time(act: Callable[[], object]) -> Callable[[str], None]:
    """Acts just before the first write of the job document."""
    done = False

    def before(operation: str) -> None:
        nonlocal done
        if operation == "write jobs/drop-1/job.json" and not done:
            done = True
            act()

    return before
