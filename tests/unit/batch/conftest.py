"""Jobs that are ready for promotion."""

from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch.job import Job
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import (
    drop,
    make_ports,
)

ONE_BAD = iris.csv(10) + b"junk,1,1,1\n" + b"x,1,1,1\n"
type Scored = Callable[..., Job]


@pytest.fixture
def scored(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> Scored:
    """Makes a job whose mini-batches of 4 rows are all scored: rows 0-9 good, 10 and 11 bad, unless told else."""

    def make(data: bytes = ONE_BAD, name: str = "flowers/month.csv", threshold: int = -1) -> Job:
        if store.find(Container.ENDPOINTS, "flowers/head.json") is None:
            endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4, "error_threshold": threshold})
        job = drop(ports, data, name)
        for index in range(len(plan_job(job.id, 1, make_ports(store, ports.now, ports.loader)).mini_batches)):
            score_mini_batch(job.id, 1, index, ports)
        return job

    return make
