"""What is told of a job to those who ask."""

from typing import Any

from shared.batch import job as jobs
from shared.batch import ledger
from shared.batch.job import Job
from shared.batch.ports import BatchPorts
from shared.errors import InvalidTransition, JobNotFound


def describe(ports: BatchPorts, endpoint: str, job_id: str) -> dict[str, Any]:
    """The job document without what only the app needs, and how far it is. Raises JobNotFound."""
    # What comes from a caller's address may be anything, and is made into a blob's path.
    if not jobs.ID_PATTERN.fullmatch(job_id):
        raise JobNotFound("there is no job of this id")
    job = jobs.read(ports.store, job_id)
    if job.endpoint != endpoint:
        raise JobNotFound(f"endpoint '{endpoint}' has no job '{job_id}'")
    document = job.model_dump(mode="json", exclude={"schema_version", "attempt", "heartbeat_at"})
    return {**document, "progress": _progress(ports, job)}


def _progress(ports: BatchPorts, job: Job) -> dict[str, int]:
    try:
        plan = ports.manifests.read(job.id)
    except InvalidTransition:
        return {"mini_batches": 0, "mini_batches_done": 0, "rows": 0, "rows_done": 0, "rejected": 0}
    entries = list(ledger.entries(ports.store, job.id))
    return {
        "mini_batches": len(plan.mini_batches),
        "mini_batches_done": len(entries),
        "rows": sum(work.rows for work in plan.mini_batches),
        "rows_done": sum(entry.predicted + entry.rejected for entry in entries),
        "rejected": sum(entry.rejected for entry in entries),
    }
