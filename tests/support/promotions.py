"""Promotions to a folder that a caller has named, which fail, die, or are given up."""

from typing import Final

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch.job import MAX_ATTEMPTS, Event, Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.ports import BlobItem, BlobStore, Container
from tests.support.batch import Killed, WatchedStore, make_ports

PARTNER: Final = "https://partner.blob.core.windows.net"
PLACE: Final = "results/may/"
ALLOWED: Final = ("results/", f"{PARTNER}/results/")
WHOLE: Final = ["_SUCCESS", "manifest.json", *(f"part-00000{number}.parquet" for number in range(3)), "rejected.jsonl"]


def send(ports: BatchPorts, job: Job, place: str = PLACE) -> Job:
    """The job, scored, writes there instead."""
    return desk.move(ports.store, job.work, Event.RUN, ports.now(), output_location=place)


def failing(ports: BatchPorts, operation: str, error: BaseException) -> BatchPorts:
    watched = WatchedStore(ports.store)

    def stop(told: str) -> None:
        if told.startswith(operation):
            raise error

    watched.before = stop
    return make_ports(watched, ports.now, ports.loader)


def break_off(ports: BatchPorts, job: Job, operation: str) -> Job:
    """The job's next attempt, after its promotion has died before `operation`."""
    with pytest.raises(Killed):
        promote_job(job.work, failing(ports, operation, Killed()))
    taken = desk.take_over(ports.store, desk.read(ports.store, job.id), ports.now())
    assert taken is not None
    assert taken.status == JobStatus.FINALIZING
    return taken


def tire(store: MemoryBlobs, job: Job) -> None:
    """It has come to its last attempt."""
    data = job.model_copy(update={"attempt": MAX_ATTEMPTS}).model_dump_json().encode()
    store.write(Container.JOBS, f"{job.id}/job.json", data)


def shown(store: BlobStore) -> list[BlobItem]:
    return list(store.list("results"))


def check_failed(store: BlobStore, job: Job, code: str, reason: str) -> None:
    """It says why, and nothing of it is left in its output."""
    failed = desk.read(store, job.id)
    assert (failed.status, shown(store), list(desk.active(store))) == (JobStatus.FAILED, [], [])
    assert failed.error is not None
    assert failed.error.code == code
    assert reason in failed.error.message
