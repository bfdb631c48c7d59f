"""What is told of jobs to those who ask, in Azure ML's words."""

import re
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from shared.batch import desk, job_index, ledger
from shared.batch.job import ID_PATTERN, Job, JobStatus
from shared.batch.ledger import Tally
from shared.batch.ports import BatchPorts
from shared.errors import ConfigurationError, InvalidTransition, JobNotFound, MalformedRequest
from shared.ports import BlobStore, Container

MAX_LISTED: Final = 100
# Jobs that one page looks through for those that are asked for.
_MAX_SEARCHED: Final = 500
_KEPT_BACK: Final = {"schema_version", "attempt", "run", "swept", "heartbeat_at", "capabilities"}
_MARKER: Final = re.compile(r"[\x20-\x7e]{0,1024}")


def find(ports: BatchPorts, endpoint: str, job_id: str) -> Job:
    """Raises JobNotFound, also for a job of another endpoint."""
    # What comes from a caller's address may be anything, and is made into a blob's path.
    if not ID_PATTERN.fullmatch(job_id):
        raise JobNotFound("there is no job of this id")
    job = desk.read(ports.store, job_id)
    if job.endpoint != endpoint:
        raise JobNotFound(f"endpoint '{endpoint}' has no job '{job_id}'")
    return job


def describe(ports: BatchPorts, job: Job) -> dict[str, Any]:
    """The job document without what only the app needs, how far it is, and where its output lies."""
    return {**summary(job), "progress": _progress(ports, job), "links": _links(ports, job)}


def summary(job: Job) -> dict[str, Any]:
    """`id`, `name`, `type` and `properties` are what clients of Azure ML look for."""
    told = job.model_dump(mode="json", exclude=_KEPT_BACK)
    error = told["error"]
    properties = {
        "status": told["status"],
        "inputData": {each.name: {"uri": each.location} for each in job.inputs},
        "outputData": {"score": {"uri": job.output_location}},
        **({"error": error} if error else {}),
    }
    return {**told, "name": job.id, "type": "slipway/endpoints/jobs", "properties": properties}


def is_working(store: BlobStore, endpoint: str) -> bool:
    """Whether a job of the endpoint has not ended yet."""
    for mark in desk.active(store):
        with suppress(JobNotFound):
            job = desk.read(store, mark.job_id)
            if job.endpoint == endpoint and not job.status.finished:
                return True
    return False


def listed(
    ports: BatchPorts, endpoint: str, most: int, marker: str, statuses: frozenset[str], submitted_by: str | None
) -> tuple[list[dict[str, Any]], str]:
    """Jobs of an endpoint, newest first, and what the next page is asked for with: "" after the last.

    A page may hold fewer than `most` jobs, even none, and still not be the last. Raises MalformedRequest.
    """
    if unknown := statuses - set(JobStatus):
        raise MalformedRequest(f"'{min(unknown)}' is no status: use {', '.join(JobStatus)}")
    if not _MARKER.fullmatch(marker):
        raise MalformedRequest("this page does not exist: begin at the first one")
    found: list[dict[str, Any]] = []
    searched = 0
    while True:
        page = ports.store.list_page(Container.JOBS, job_index.prefix(endpoint), most - len(found), marker)
        for item in page.items:
            job = _indexed(ports, item.name)
            if job is not None and _is_asked_for(job, statuses, submitted_by):
                found.append(summary(job))
        marker, searched = page.marker, searched + len(page.items)
        if not marker or len(found) == most or searched >= _MAX_SEARCHED:
            return found, marker


def _is_asked_for(job: Job, statuses: frozenset[str], submitted_by: str | None) -> bool:
    return (not statuses or job.status in statuses) and submitted_by in (None, job.submitted_by)


def _indexed(ports: BatchPorts, name: str) -> Job | None:
    try:
        return desk.read(ports.store, name.rpartition("/")[2].partition("-")[2])
    except (JobNotFound, ConfigurationError):
        return None


def _progress(ports: BatchPorts, job: Job) -> dict[str, Any]:
    if job.status.finished:
        counts = job.counts
        done = Tally() if counts is None else Tally(**counts.model_dump(exclude={"rows"}))
        planned = (done.mini_batches, done.rows) if counts is not None else (0, 0)
    else:
        try:
            plan = ports.manifests.read(job.work)
            planned, done = (plan.mini_batches, plan.rows), ledger.tally(ports.store, job.work)
        except InvalidTransition:
            planned, done = (0, 0), Tally()
    mini_batches, rows = planned
    return {
        "mini_batches": mini_batches,
        "mini_batches_done": done.mini_batches,
        "rows": rows,
        "rows_done": done.rows,
        "rejected": done.rejected,
        "percent": _percent(job, done, mini_batches),
        **_pace(job, done.rows, rows, ports.now()),
    }


def _percent(job: Job, done: Tally, mini_batches: int) -> float:
    if job.status == JobStatus.COMPLETED:
        return 100.0
    return round(100 * done.mini_batches / mini_batches, 1) if mini_batches else 0.0


def _pace(job: Job, done: int, rows: int, now: datetime) -> dict[str, Any]:
    """`rows_per_s` since the job began; `eta`: when it will be done at this pace, None where nobody knows."""
    if job.started_at is None or not done:
        return {"rows_per_s": None, "eta": None}
    seconds = max(((job.finished_at or now) - job.started_at).total_seconds(), 0.001)
    pace = done / seconds
    left = None if job.status.finished else now + timedelta(seconds=(rows - done) / pace)
    return {"rows_per_s": round(pace, 1), "eta": left.isoformat(timespec="seconds") if left else None}


def _links(ports: BatchPorts, job: Job) -> dict[str, str]:
    """Where the output lies, for those whom storage lets read it; empty while there is none."""
    if job.output is None:
        return {}
    base = job.output if job.output.startswith("http") else f"{ports.known.own[0]}/{job.output}"
    links = {"output": base, "manifest": f"{base}manifest.json"}
    if job.counts is not None and job.counts.rejected:
        links["rejected"] = f"{base}rejected.jsonl"
    return links
