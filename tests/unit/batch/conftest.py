"""Jobs that are ready for promotion."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.adapters.memory import MemoryAnnouncer, MemoryBlobs
from shared.batch import ledger
from shared.batch.events import JobEvent
from shared.batch.job import Job
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import drop, make_ports

ONE_BAD = iris.csv(10) + b"junk,1,1,1\n" + b"x,1,1,1\n"
type Scored = Callable[..., Job]


@pytest.fixture
def scored(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> Scored:
    """Makes a job whose mini-batches of 4 rows are all scored: rows 0-9 good, 10 and 11 bad, unless told else.

    `batch`: further settings of the endpoint, which the first job publishes.
    """

    def make(data: bytes = ONE_BAD, name: str = "flowers/month.csv", **batch: Any) -> Job:
        if store.find(Container.ENDPOINTS, "flowers/head.json") is None:
            endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4, **batch})
        job = drop(ports, data, name)
        for index in range(plan_job(job.work, make_ports(store, ports.now, ports.loader)).mini_batches):
            score_mini_batch(job.work, index, ports)
        ledger.close_group(store, job.work, 0)
        return job

    return make


@pytest.fixture
def announcer(ports: BatchPorts) -> MemoryAnnouncer[JobEvent]:
    """Holds what the world was told of jobs."""
    assert isinstance(ports.announcer, MemoryAnnouncer)
    return ports.announcer
