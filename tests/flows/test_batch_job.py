"""A batch job from the drop to `_SUCCESS`, by the app's orchestrators and activities on Microsoft's durable engine."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, mini_batch, reconciler
from shared.batch.job import Counts, Job, JobError, JobStatus
from shared.batch.mini_batch import score_mini_batch
from shared.batch.ports import BatchPorts
from shared.errors import ModelNotReady, StorageUnavailable
from shared.models.flavor import Runtime
from shared.models.package import ModelRef
from shared.models.scoring import predict
from shared.models.signature import Inputs
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import Clock, WatchedStore, drop, not_running, output, predicted_rows
from tests.support.durable import Hub

type Use = Callable[[BatchPorts], None]


class _Failing:
    """Raises when an operation begins with what it waits for, as often as it is told to."""

    def __init__(self, operation: str, times: int, error: Exception) -> None:
        self._operation = operation
        self._left = times
        self._error = error
        self.seen = 0

    def __call__(self, operation: str) -> None:
        if operation.startswith(self._operation):
            self.seen += 1
            if self._left:
                self._left -= 1
                raise self._error


def closed(store: MemoryBlobs, job: Job) -> Job:
    """The finished job; what is left of it is its documents, and of a failed one what a retry goes on from."""
    assert list(desk.active(store)) == []
    return desk.read(store, job.id)


def failed(store: MemoryBlobs, job: Job) -> JobError:
    """Why the job failed; no reader sees anything of it."""
    document = closed(store, job)
    assert document.status == JobStatus.FAILED
    assert list(store.list(Container.PREDICTIONS)) == []
    assert document.error is not None
    return document.error


def test_a_job_of_several_windows_scores_every_row_once(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, app: Use, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 1, "max_concurrency": 8})
    job = drop(ports, iris.csv(450))
    assert hub.run(job) == {"status": "Completed"}
    document = closed(store, job)
    assert document.status == JobStatus.COMPLETED
    assert document.counts == Counts(rows=450, predicted=450, rejected=0, mini_batches=450)
    model = ports.served(iris_ref, Runtime())
    expected = predict(model, Inputs(model.converter("").table(iris.COLUMNS, iris.rows(450)), {}))
    parts = output(store, job)
    rows = [row for name in sorted(parts) if name.startswith("part-") for row in parts[name]]
    assert [row["row"] for row in rows] == list(range(450))
    assert [row["label"] for row in rows] == expected.outputs["label"].tolist()


def test_a_mini_batch_that_storage_failed_twice_is_scored_once(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 5})
    job = drop(ports, iris.csv(20))
    watched.before = failing = _Failing(
        f"write staging/{job.id}/1/ledger/000000/00000002", 2, StorageUnavailable("try again")
    )
    assert hub.run(job) == {"status": "Completed"}
    assert failing.seen == 3
    assert closed(store, job).counts == Counts(rows=20, predicted=20, rejected=0, mini_batches=4)
    assert predicted_rows(store, job) == list(range(20))


@pytest.mark.parametrize(
    "operation",
    ["write jobs/{}/1/manifest.json", "write staging/{}/1/ledger/000000/00000002", "write predictions/flowers/{}/_"],
    ids=["planning", "scoring", "promoting"],
)
def test_a_job_that_storage_fails_again_and_again_is_left_and_taken_up_later(
    store: MemoryBlobs,
    iris_ref: ModelRef,
    ports: BatchPorts,
    watched: WatchedStore,
    clock: Clock,
    hub: Hub,
    operation: str,
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 5})
    job = drop(ports, iris.csv(20))
    watched.before = failing = _Failing(operation.format(job.id), 4, StorageUnavailable("storage did not answer"))
    assert hub.run(job) == {"left": "StorageUnavailable", "reason": "storage did not answer"}
    assert failing.seen == 4
    assert not desk.read(store, job.id).status.finished
    assert "_SUCCESS" not in output(store, job)

    clock.go_on(minutes=6)
    (again,) = list(reconciler.forsaken(ports, not_running))
    assert hub.run(again) == {"status": "Completed"}
    assert predicted_rows(store, job) == list(range(20))


def test_what_fails_again_and_again_closes_the_job_with_one_sentence(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 5})
    job = drop(ports, iris.csv(20))
    reading = f"read models/{iris_ref}"
    watched.before = failing = _Failing(reading, 99, ModelNotReady("the package cannot be read: publish it again"))
    assert hub.run(job) == {"closed": "Failed"}
    assert failing.seen == 4
    assert failed(store, job).message == (
        "a step of the job failed again and again: the package cannot be read: publish it again"
    )


def test_an_unexpected_error_is_told_without_its_stack(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref)
    job = drop(ports, iris.csv(20))
    watched.before = _Failing(f"write staging/{job.id}", 99, RuntimeError("in /home/site/wwwroot\nline 2"))
    assert hub.run(job) == {"closed": "Failed"}
    assert failed(store, job).message == (
        "a step of the job failed again and again: an unexpected error, which the log explains under the job's id"
    )


def test_a_window_stops_at_the_first_mini_batch_that_ends_the_job(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 1, "max_concurrency": 2})
    job = drop(ports, iris.csv(100))

    def change(operation: str) -> None:
        if operation.startswith(f"write staging/{job.id}/1/ledger/000000/00000003"):
            store.write(Container.INBOX, "flowers/month.csv", b"something else")

    watched.before = change
    assert hub.run(job) == {"closed": "Failed"}
    document = desk.read(store, job.id)
    assert document.status == JobStatus.FAILED
    assert document.error is not None
    assert document.error.code == "InputChanged"
    assert document.error.message.startswith("inbox/flowers/month.csv was changed or removed since its job began")
    assert len([*store.list(Container.STAGING, f"{job.id}/1/ledger/")]) < 20  # of a hundred; what was under way goes on


def test_too_many_bad_rows_fail_the_job_and_show_nothing(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, app: Use, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 5, "error_threshold": 1})
    job = drop(ports, iris.csv(10) + b"x,1,1,1\n1,,1,1\n")
    assert hub.run(job) == {"closed": "Failed"}
    assert failed(store, job) == JobError(
        code="ErrorThresholdExceeded",
        message="2 of 12 rows were rejected, more than error_threshold allows (1); nothing was promoted. The first: "
        '{"file_name":"inbox/flowers/month.csv","row":10,"reason":"sepal_length: \'x\' is not a number"}',
    )


def test_a_file_that_cannot_be_read_fails_its_job_and_not_the_next(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, app: Use, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref)
    broken, good = drop(ports, b"\x00\x01\x02", "flowers/broken"), drop(ports, iris.csv(3))
    running = [hub.start(broken), hub.start(good)]
    assert [hub.wait(instance) for instance in running] == [{"closed": "Failed"}, {"status": "Completed"}]
    error = desk.read(store, broken.id).error
    assert error is not None
    assert error.message.startswith("inbox/flowers/broken: the file holds binary data")
    assert closed(store, good).status == JobStatus.COMPLETED


def test_an_attempt_that_was_overtaken_stops_and_changes_nothing(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, watched: WatchedStore, hub: Hub
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 2})
    first = drop(ports, iris.csv(20))
    waits, may_go_on = threading.Event(), threading.Event()

    def hold(operation: str) -> None:
        if operation.startswith(f"read {Container.INBOX}/") and not waits.is_set() and ports.manifests.find(first.work):
            waits.set()
            assert may_go_on.wait(30)

    watched.before = hold
    instance = hub.start(first)
    assert waits.wait(30)
    second = desk.take_over(store, desk.read(store, first.id), ports.now())
    assert second is not None
    assert hub.run(second) == {"status": "Completed"}
    before = output(store, first)
    may_go_on.set()
    assert hub.wait(instance) == {"stopped": "StaleAttempt"}
    assert output(store, first) == before
    assert predicted_rows(store, first) == list(range(20))
    assert desk.read(store, first.id).attempt == 2


def test_as_many_mini_batches_run_at_once_as_the_endpoint_says_and_no_more(
    store: MemoryBlobs, iris_ref: ModelRef, ports: BatchPorts, app: Use, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 1, "max_concurrency": 3})
    # Nobody passes the gate before three are there; a fourth would be counted.
    gate, counted = threading.Barrier(3), threading.Lock()
    running, most = 0, 0

    def count(*arguments: Any) -> Any:
        nonlocal running, most
        with counted:
            running += 1
            most = max(most, running)
        gate.wait(30)
        try:
            return score_mini_batch(*arguments)
        finally:
            with counted:
                running -= 1

    monkeypatch.setattr(mini_batch, "score_mini_batch", count)
    assert hub.run(drop(ports, iris.csv(12))) == {"status": "Completed"}
    assert most == 3
