"""An output that readers see is for good: its job can be late, and cannot fail."""

from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, ending, reconciler
from shared.batch.job import MAX_ATTEMPTS, Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.errors import StorageUnavailable
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint
from tests.support.batch import Clock, WatchedStore, make_ports, not_running
from tests.support.durable import run_at_once
from tests.support.promotions import ALLOWED, PLACE, break_off, failing, send, shown, tire

type Scored = Callable[..., Job]
type Use = Callable[[BatchPorts], None]


@pytest.fixture
def job(ports: BatchPorts, scored: Scored) -> Job:
    """Scored, and about to write to a folder that its caller has named."""
    return send(ports, scored(allowed_outputs=ALLOWED))


def nothing(store: MemoryBlobs, ref: ModelRef) -> None:
    """It died, and that is all."""


def staging_is_gone(store: MemoryBlobs, ref: ModelRef) -> None:
    for item in list(store.list(Container.STAGING)):
        store.delete(Container.STAGING, item.name)


def place_is_forbidden(store: MemoryBlobs, ref: ModelRef) -> None:
    endpoint.publish(store, ref, batch={"mini_batch_size": 4})


def manifest_is_gone(store: MemoryBlobs, ref: ModelRef) -> None:
    store.delete("results", "may/manifest.json")


def manifest_is_written_over(store: MemoryBlobs, ref: ModelRef) -> None:
    store.write("results", "may/manifest.json", b"mine")


@pytest.mark.parametrize(
    "happens", [nothing, staging_is_gone, place_is_forbidden, manifest_is_gone, manifest_is_written_over]
)
def test_what_readers_see_is_not_touched_and_its_job_completes(
    store: MemoryBlobs,
    ports: BatchPorts,
    app: Use,
    job: Job,
    iris_ref: ModelRef,
    happens: Callable[[MemoryBlobs, ModelRef], None],
) -> None:
    job = break_off(ports, job, "write predictions/flowers/latest.json")
    happens(store, iris_ref)
    before = shown(store)
    app(make_ports(store, ports.now, ports.loader))
    assert run_at_once(job) == {"status": JobStatus.COMPLETED}
    assert shown(store) == before
    finished = desk.read(store, job.id)
    assert finished.counts is not None
    assert (finished.error, finished.output, finished.counts.predicted) == (None, PLACE, 10)
    assert store.find(Container.PREDICTIONS, "flowers/latest.json") is not None
    assert list(desk.active(store)) == []


def test_an_end_that_comes_when_the_output_is_whole_is_refused(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job
) -> None:
    job = break_off(ports, job, "write predictions/flowers/latest.json")
    before = shown(store)
    with pytest.raises(StorageUnavailable, match="the output is whole, but the job is not closed yet"):
        ending.end(ports, job.work, "ScoringFailed", "no")
    app(failing(ports, "write predictions/flowers/latest.json", RuntimeError("a defect")))
    assert run_at_once(job)["left"] == "StorageUnavailable"
    assert (desk.read(store, job.id).status, shown(store)) == (JobStatus.FINALIZING, before)


def test_a_promotion_that_readers_see_is_never_given_up(
    store: MemoryBlobs, ports: BatchPorts, app: Use, clock: Clock, job: Job
) -> None:
    tire(store, break_off(ports, job, "write predictions/flowers/latest.json"))
    clock.go_on(minutes=6)
    (again,) = reconciler.forsaken(ports, not_running)
    assert (again.attempt, again.status) == (MAX_ATTEMPTS + 1, JobStatus.FINALIZING)
    assert run_at_once(again) == {"status": JobStatus.COMPLETED}


def test_of_two_who_do_not_give_a_promotion_up_one_goes_on_with_it(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, job: Job
) -> None:
    tire(store, break_off(ports, job, "write predictions/flowers/latest.json"))
    clock.go_on(minutes=6)
    watched = WatchedStore(store)

    def be_faster(operation: str) -> None:
        if operation == "find results/may/_SUCCESS":
            assert desk.take_over(store, desk.read(store, job.id), clock())

    watched.after = be_faster
    assert list(reconciler.forsaken(make_ports(watched, clock, ports.loader), not_running)) == []
    assert desk.read(store, job.id).attempt == MAX_ATTEMPTS + 1
