"""Orchestrations answer how far they came, whatever becomes of their steps."""

from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, orchestrator
from shared.batch.job import JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.reconciler import forsaken
from shared.errors import StorageUnavailable
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import Clock, WatchedStore, drop, not_running, predicted_rows
from tests.support.durable import run_at_once

type Use = Callable[[BatchPorts], None]


@pytest.mark.parametrize("windows", [1, 2, 3])
def test_a_job_goes_through_generations_without_losing_its_place(
    store: MemoryBlobs,
    iris_ref: ModelRef,
    ports: BatchPorts,
    app: Use,
    monkeypatch: pytest.MonkeyPatch,
    windows: int,
) -> None:
    monkeypatch.setattr(orchestrator, "WINDOW_SIZE", 200)
    monkeypatch.setattr(orchestrator, "WINDOWS_A_GENERATION", windows)
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 1})
    job = drop(ports, iris.csv(601))
    assert run_at_once(job) == {"status": "Completed"}
    assert predicted_rows(store, job) == list(range(601))


@pytest.mark.parametrize("step", ["list staging/{}/1/ledger/000000/", "write jobs/{}/1/tally/000000"])
def test_a_window_that_storage_fails_is_left_for_later(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore, step: str
) -> None:
    endpoint.publish(store, iris_ref)
    job = drop(ports, iris.csv(3))

    def refuse(operation: str) -> None:
        if operation == step.format(job.id):
            raise StorageUnavailable("storage did not answer")

    watched.before = refuse
    assert run_at_once(job) == {"left": "StorageUnavailable", "reason": "storage did not answer"}
    assert desk.read(store, job.id).status == JobStatus.RUNNING


@pytest.mark.parametrize(
    ("step", "answer", "status"),
    [
        ("write jobs/{}/job.json", {"left": "StorageUnavailable"}, JobStatus.RUNNING),
        # Its document says how it ended; what is left to do, the reconciler does.
        ("write jobs/ended/{}.0", {"closed": "Failed"}, JobStatus.FAILED),
    ],
)
def test_a_job_that_cannot_be_closed_is_closed_later(
    store: MemoryBlobs,
    iris_ref: ModelRef,
    ports: BatchPorts,
    watched: WatchedStore,
    clock: Clock,
    step: str,
    answer: dict[str, str],
    status: JobStatus,
) -> None:
    endpoint.publish(store, iris_ref, batch={"error_threshold": 0})
    job = drop(ports, iris.csv(3) + b"x,1,1,1\n")

    def refuse(operation: str) -> None:
        if operation == step.format(job.id) and store.find(Container.JOBS, job.work.path("tally/000000")):
            raise StorageUnavailable("storage did not answer")

    watched.before = refuse
    assert run_at_once(job) == answer
    assert desk.read(store, job.id).status == status
    assert [mark.job_id for mark in desk.active(store)] == [job.id]

    watched.before = lambda _: None
    clock.go_on(minutes=6)
    for again in forsaken(ports, not_running):
        assert run_at_once(again) == {"closed": "Failed"}
    assert desk.read(store, job.id).status == JobStatus.FAILED
    assert list(desk.active(store)) == []


def test_a_cancellation_between_two_steps_ends_the_orchestration_and_the_job(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore
) -> None:
    endpoint.publish(store, iris_ref)
    job = drop(ports, iris.csv(3))

    def cancel(operation: str) -> None:
        if operation.startswith("write jobs/") and operation.endswith("manifest.json"):
            desk.request_cancel(store, job.id)

    watched.after = cancel
    assert run_at_once(job) == {"closed": "Canceled"}
    assert list(desk.active(store)) == []
