"""`make chaos`: a job over all flights of the year, its host killed again and again, against its undisturbed twin.

The host dies by SIGKILL at ten random moments of unfinished work, and once in every named gap. The run fails when
a gap was not hit, when the output is not exactly the undisturbed one, or when a reader ever saw half of it.
"""

import random
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient
from rich.console import Console

from devhost.processes import free_port
from devhost.stack import Stack
from samples.flights import data
from samples.flights.local import ENDPOINT, ENDPOINT_FILE, make_stack, publish, storage
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.batch.job import Job, dropped_id
from shared.ports import Container
from tests.chaos.proxy import StorageProxy, Trap
from tests.chaos.reader import Output, Reader

_WORK_DIR: Final = Path("build/chaos")
_RANDOM_KILLS: Final = 10
_MINI_BATCH_SIZE: Final = 500
_DEADLINE_S: Final = 900
# What has just reached storage when the host dies.
_GAPS: Final = {
    "part staged, no ledger entry": (r"^PUT /[^/]+/staging/[^/]+/parts/", 40),
    "in the middle of copying": (r"^PUT /[^/]+/predictions/.*/part-", 300),
    "manifest written, no _SUCCESS": (r"^PUT /[^/]+/predictions/.*/manifest\.json", 1),
    "_SUCCESS written, job not closed": (r"^PUT /[^/]+/predictions/.*/_SUCCESS", 1),
}


class Run:
    """One stack, its storage seen directly, and a log that a person can follow."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.account = storage(stack)
        self.kills: list[str] = []
        self._started = time.monotonic()

    def log(self, line: str) -> None:
        print(f"{time.monotonic() - self._started:7.1f} s  {line}", flush=True)

    def container(self, container: Container) -> ContainerClient:
        return self.account.get_container_client(container.value)

    def drop(self, name: str, content: bytes) -> str:
        """Drops a file; returns the id of the job that it will be."""
        inbox = self.container(Container.INBOX)
        if not inbox.exists():
            inbox.create_container()
        etag = inbox.upload_blob(f"{ENDPOINT}/{name}", content).get_blob_properties().etag
        return dropped_id(f"{Container.INBOX}/{ENDPOINT}/{name}", etag)

    def job(self, job_id: str) -> Job | None:
        try:
            blob = self.container(Container.JOBS).get_blob_client(f"{job_id}/job.json")
            return Job.model_validate_json(blob.download_blob().readall())
        except ResourceNotFoundError:
            return None

    def done(self, job_id: str) -> int:
        """Mini-batches in the ledger."""
        return sum(1 for _ in self.container(Container.JOBS).list_blobs(name_starts_with=f"{job_id}/ledger/"))

    def kill(self, moment: str) -> None:
        self.stack.kill_host()
        self.kills.append(moment)
        self.log(f"SIGKILL: {moment}")

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come about within {_DEADLINE_S} s")
            time.sleep(0.05)

    def finish(self, job_id: str) -> Job:
        self.until("the end of the job", lambda: (job := self.job(job_id)) is not None and job.status.finished)
        job = self.job(job_id)
        assert job is not None
        self.log(f"job {job.id} is {job.status} in attempt {job.attempt}: {job.counts}")
        return job


def _kill_at_random(run: Run, job_id: str, random_: random.Random) -> None:
    while len(run.kills) < _RANDOM_KILLS:
        before = run.done(job_id)
        run.until("progress", lambda seen=before: run.done(job_id) > seen)  # type: ignore[misc]
        time.sleep(random_.uniform(0.0, 1.0))
        job = run.job(job_id)
        if job is None or job.status.finished:
            raise AssertionError("the job ended before it was killed often enough: make its mini-batches smaller")
        run.kill(f"at random, {job.status} in attempt {job.attempt}, {run.done(job_id)} mini-batches done")
        run.stack.start_host()


def _kill_in_gaps(run: Run, proxy: StorageProxy, job_id: str) -> None:
    for gap, (pattern, count) in _GAPS.items():
        trap = Trap(gap, pattern, lambda line, name=gap: run.kill(f"{name}, after {_path(line)}"), count)  # type: ignore[misc]
        proxy.traps.append(trap)
        run.until(f"the gap '{gap}'", trap.sprung.is_set)
        job = run.job(job_id)
        assert job is not None
        assert not job.status.finished, f"the job was closed already in the gap '{gap}'"
        run.until("the host's death", lambda: not run.stack.host_running)
        run.stack.start_host()


def _path(line: str) -> str:
    return re.sub(r"^PUT /[^/]+/|\?.*$", "", line)


def main() -> int:
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else time.time_ns() % 100_000
    print(f"seed {seed}: repeat with 'python -m tests.chaos {seed}'")
    ensure_trained(DEFAULT_OUT, Console())
    stack = make_stack(_WORK_DIR, SLIPWAY_HEARTBEAT_TIMEOUT_S="3", SLIPWAY_TICK_SCHEDULE="* * * * * *")
    year = _WORK_DIR / "2013.csv"
    year.parent.mkdir(parents=True, exist_ok=True)
    data.write_csv(year, data.load())
    content = year.read_bytes()
    proxy_port = free_port()
    stack.settings["SLIPWAY_DATA"] = stack.connection_string.replace(f":{stack.azurite.ports.blob}/", f":{proxy_port}/")
    with StorageProxy(proxy_port, stack.azurite.ports.blob) as proxy, stack:
        run = Run(stack)
        _publish(stack)
        twin = run.finish(run.drop("undisturbed.csv", content))
        job_id = run.drop("disturbed.csv", content)
        prefix = f"{ENDPOINT}/{job_id}/"
        with Reader(run.container(Container.PREDICTIONS), prefix) as reader:
            _kill_at_random(run, job_id, random.Random(seed))  # noqa: S311 - it only has to be repeatable
            _kill_in_gaps(run, proxy, job_id)
            job = run.finish(job_id)
            seen = reader.complete_looks
            run.until("a look at the whole output", lambda: reader.complete_looks > seen or reader.broken is not None)
        return _judge(run, reader, twin, job)


def _publish(stack: Stack) -> None:
    text = ENDPOINT_FILE.read_text()
    smaller = re.sub(r"mini_batch_size: \d+", f"mini_batch_size: {_MINI_BATCH_SIZE}", text)
    endpoint_file = _WORK_DIR / "endpoint.yaml"
    endpoint_file.write_text(smaller)
    publish(stack, DEFAULT_OUT / "models", endpoint_file)


def _judge(run: Run, reader: Reader, twin: Job, job: Job) -> int:
    container = run.container(Container.PREDICTIONS)
    outputs = [Output(container, f"{ENDPOINT}/{each.id}/") for each in (twin, job)]
    problems = outputs[1].differences(outputs[0])
    if reader.broken is not None:
        problems.append(f"the reader: {reader.broken}")
    problems += [f"the gap '{gap}' was not hit" for gap in _GAPS if not any(kill.startswith(gap) for kill in run.kills)]
    left = [item.name for item in run.container(Container.STAGING).list_blobs(name_starts_with=job.id)]
    if left:
        problems.append(f"{len(left)} blobs were left in staging")
    run.log(
        f"{len(run.kills)} kills; the reader looked {reader.looks} times, {reader.complete_looks} times at the whole"
    )
    run.log(f"{len(outputs[1].table)} rows with predictions, {len(outputs[1].rejected)} rejected")
    for problem in problems:
        run.log(f"FAILED: {problem}")
    if not problems:
        run.log("the output is exactly that of the undisturbed run")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
