"""Batch jobs on a stack: submitted, waited for, and what they took."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import requests
from azure.core.exceptions import ResourceExistsError

from bench.load import cpu_s
from devhost.stack import Stack
from samples.flights.local import storage, token
from shared.auth.access import Role
from shared.batch.job import Counts, job_path
from shared.batch.job import Job as Document
from shared.ports import Container

_POLL_S = 0.2
_DEADLINE_S = 600.0


class Took(NamedTuple):
    """What one job took. `seconds`: from its submission, which comes before its planning, to its end, which comes right
    after the commit marker; CPU seconds of the app with its host, and of storage.
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
    """Into the inbox; gives back the location that jobs are submitted with."""
    inbox = storage(stack).get_container_client(Container.INBOX.value)
    with contextmanager_exists():
        inbox.create_container()
    with file.open("rb") as data:
        inbox.upload_blob(name, data, overwrite=True, max_concurrency=1)
    return f"{Container.INBOX}/{name}"


@contextmanager
def contextmanager_exists() -> Iterator[None]:
    try:
        yield
    except ResourceExistsError:
        return


def submit(stack: Stack, endpoint: str, location: str, **properties: Any) -> str:
    """By REST; gives back the job's id. `properties`: as Azure ML writes them."""
    reply = requests.post(
        f"{stack.url}/endpoints/{endpoint}/jobs",
        json={"properties": {"InputData": {"data": {"JobInputType": "UriFile", "Uri": location}}, **properties}},
        headers={"Authorization": f"Bearer {token(stack, [Role.BATCH])}"},
        timeout=30,
    )
    reply.raise_for_status()
    return str(reply.json()["id"])


def finished(stack: Stack, job_id: str, poll_s: float = _POLL_S) -> Document:
    """Looks at the job's document in storage, which costs the app nothing. Raises RuntimeError when it has failed."""
    blob = storage(stack).get_blob_client(Container.JOBS.value, job_path(job_id))
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        job = Document.model_validate(json.loads(blob.download_blob().readall()))
        if job.finished_at is not None:
            if job.counts is None:
                raise RuntimeError(f"the job is {job.status}: {job.error}")
            return job
        time.sleep(poll_s)
    raise RuntimeError(f"job '{job_id}' did not end")


def run(stack: Stack, endpoint: str, location: str, **properties: Any) -> Took:
    app, azurite = host_pid(stack), storage_pid(stack)
    before = cpu_s(app), cpu_s(azurite)
    job = finished(stack, submit(stack, endpoint, location, **properties))
    after = cpu_s(app), cpu_s(azurite)
    assert job.counts is not None and job.finished_at is not None
    return Took(
        seconds(job.created_at, job.finished_at),
        seconds(job.created_at, job.started_at),
        job.counts,
        after[0] - before[0],
        after[1] - before[1],
    )


def seconds(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds()


def host_pid(stack: Stack) -> int:
    pid = stack.host_pid
    assert pid is not None  # noqa: S101 - the stack runs
    return pid


def storage_pid(stack: Stack) -> int:
    pid = stack.azurite.child.pid
    assert pid is not None  # noqa: S101 - the stack runs
    return pid
