"""A job's mini-batches cost the same however many there are, and large jobs do not hold up small ones.

`make scale` looks at 100,000 mini-batches and what each costs; here are as many as show that nothing grows.
"""

import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from coverage import Coverage

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, ledger, manifest, orchestrator
from shared.batch.job import Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from tests.support import endpoint, iris, scale
from tests.support.batch import Clock, drop, make_ports
from tests.support.durable import Hub

type Use = Callable[[BatchPorts], None]

WINDOWS = 6
# Mini-batches of a large job. A small one has five steps, for each of which it waits its turn once.
EACH = 30


@pytest.fixture
def store() -> scale.SampledBlobs:
    return scale.SampledBlobs()


@pytest.fixture
def traced() -> Iterator[None]:
    """Without coverage, which keeps something of every line in the memory that is looked at."""
    covering = Coverage.current()
    if covering is not None:
        covering.stop()
    tracemalloc.start()
    yield
    tracemalloc.stop()
    if covering is not None:
        covering.start()


@pytest.mark.usefixtures("traced")
def test_history_and_memory_do_not_grow_with_the_mini_batches_of_a_job(
    store: scale.SampledBlobs,
    iris_ref: ModelRef,
    clock: Clock,
    app: Use,
    hub: Hub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(orchestrator, "WINDOWS_A_GENERATION", 2)
    monkeypatch.setattr(manifest, "_KEPT_PAGES", 2)
    ports = make_ports(store, clock, max_input_bytes=2**30)
    app(ports)
    samples = scale.run(hub, store, ports, iris_ref, WINDOWS * manifest.GROUP_SIZE)
    assert len(samples) == WINDOWS
    # Events of a window's orchestration: two of each activity, and what its steps begin with.
    assert max(sample.history for sample in samples) < 5 * manifest.GROUP_SIZE
    # The job, the window at work, and those of its generation that have ended.
    assert max(sample.instances for sample in samples) <= 4
    begin, end = samples[WINDOWS // 3], samples[-1]
    # Bytes for each.
    assert (end.held_bytes - begin.held_bytes) / (end.mini_batches - begin.mini_batches) < 500


def test_a_small_job_ends_long_before_large_ones_that_came_first_and_all_of_200_end(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, app: Use, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 1, "max_concurrency": 2, "output_format": "csv"})
    large = [drop(ports, iris.csv(EACH), f"flowers/large-{number}.csv") for number in range(50)]
    running = [hub.start(job) for job in large]
    small = drop(ports, iris.csv(2), "flowers/small.csv")
    assert hub.wait(hub.start(small)) == {"status": "Completed"}
    assert [desk.read(store, job.id).status for job in large].count(JobStatus.COMPLETED) == 0
    done = sum(_done(store, job) for job in large)
    assert done < 0.5 * 50 * EACH

    others = [drop(ports, iris.csv(1), f"flowers/other-{number}.csv") for number in range(149)]
    running += [hub.start(job) for job in others]
    assert [hub.wait(instance, timeout_s=200) for instance in running] == [{"status": "Completed"}] * 199
    assert sum(_done(store, job) for job in large) == 50 * EACH
    assert list(desk.active(store)) == []


def _done(store: MemoryBlobs, job: Job) -> int:
    return ledger.tally(store, job.work).mini_batches
