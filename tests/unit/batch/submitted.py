"""Jobs of a dropped file of which there is the document, and no work yet."""

from datetime import datetime

from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from tests.support.endpoint import NOW


def new(job_id: str = "drop-1", now: datetime = NOW) -> Job:
    return jobs.new(job_id, "flowers", (JobInput(location="inbox/flowers/a.csv", etag='"1"'),), "drop", now)


def submit(ports: BatchPorts, job_id: str = "drop-1", attempt: int = 1) -> Job:
    return desk.submit(ports.store, new(job_id, ports.now()).model_copy(update={"attempt": attempt}))
