"""Batch jobs on a stack: submitted by REST, waited for, and what they took."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from bench.endpoints import host_pid
from bench.load import cpu_s
from devhost.stack import Stack
from samples.flights.local import storage, token
from shared.auth.access import Role
from shared.batch import desk
from shared.batch.job import Counts, Job, job_path
from shared.ports import Container

_DEADLINE_S = 600.0
# Azurite shares the cores: each look costs it some milliseconds.
_LOOK_EVERY_S = 0.5


class Took(NamedTuple):
    """`seconds`: from the job's submission, shortly before its planning, to its end, shortly after the commit marker.
    `app_cpu_s`, `storage_cpu_s`: until all is put away.
    """

    seconds: float
    planning_s: float
    counts: Counts
    app_cpu_s: float
    storage_cpu_s: float

    @property
    def rows_s(self) -> float:
        return self.counts.rows / self.seconds


def upload(stack: Stack, name: str, file: Path) -> str:
    """Into the inbox; returns the location that a job reads."""
    inbox = storage(stack).get_container_client(Container.INBOX.value)
    with suppress(ResourceExistsError):
        inbox.create_container()
    with file.open("rb") as data:
        inbox.upload_blob(name, data, overwrite=True)
    return f"{Container.INBOX}/{name}"


def etag(stack: Stack, location: str) -> str:
    container, _, name = location.partition("/")
    return str(storage(stack).get_blob_client(container, name).get_blob_properties().etag)


def run(stack: Stack, endpoint: str, location: str, **properties: Any) -> Took:
    """`properties`: of the request, as Azure ML writes them."""
    pids = host_pid(stack), storage_pid(stack)
    before = [cpu_s(pid) for pid in pids]
    job = put_away(stack, submit(stack, endpoint, location, **properties))
    app, azurite = (cpu_s(pid) - spent for pid, spent in zip(pids, before, strict=True))
    if job.counts is None or job.started_at is None or job.finished_at is None:
        raise RuntimeError(f"the job is {job.status}: {job.error.message if job.error else 'it has no counts'}")
    created, started, finished = job.created_at, job.started_at, job.finished_at
    return Took(_between(created, finished), _between(created, started), job.counts, app, azurite)


def submit(stack: Stack, endpoint: str, location: str, url: str = "", **properties: Any) -> str:
    """Returns the job's id. `url`: of another host than the stack's own."""
    reply = requests.post(
        f"{url or stack.url}/endpoints/{endpoint}/jobs",
        json={"properties": {"InputData": {"data": {"JobInputType": "UriFile", "Uri": location}}, **properties}},
        headers={"Authorization": f"Bearer {token(stack, [Role.BATCH])}"},
        timeout=30,
    )
    reply.raise_for_status()
    return str(reply.json()["id"])


def finished(stack: Stack, job_id: str, look_every_s: float = _LOOK_EVERY_S) -> Job:
    """Looks at its document in storage: asking the app would cost the app something."""
    blob = storage(stack).get_blob_client(Container.JOBS.value, job_path(job_id))

    def look() -> Job | None:
        try:
            job = Job.model_validate_json(blob.download_blob().readall())
        except ResourceNotFoundError:  # of a dropped file it comes when the host has polled
            return None
        return job if job.finished_at else None

    return _until(look, look_every_s)


def put_away(stack: Stack, job_id: str) -> Job:
    """When the job has ended, and what it staged is gone."""
    job = finished(stack, job_id)
    mark = storage(stack).get_blob_client(Container.JOBS.value, f"active/{desk.Mark.of(job)}")
    return _until(lambda: None if mark.exists() else job, _LOOK_EVERY_S)


def storage_pid(stack: Stack) -> int:
    pid = stack.azurite.child.pid
    assert pid is not None  # noqa: S101 - the stack runs
    return pid


def _until(look: Callable[[], Job | None], every_s: float) -> Job:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        if (found := look()) is not None:
            return found
        time.sleep(every_s)
    raise RuntimeError(f"the job did not end within {_DEADLINE_S:.0f} s")


def _between(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds()
