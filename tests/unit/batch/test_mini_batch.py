"""A mini-batch is scored once, however often and by however many it is tried."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow.parquet as pq
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, ledger
from shared.batch.job import Job
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.windows import list_pending
from shared.errors import InputChanged, InvalidTransition, ModelNotReady, ScoringFailed, StaleAttempt
from shared.models.package import ModelRef
from shared.ports import Blob, Container
from tests.support import endpoint, iris
from tests.support.batch import WatchedStore, drop, make_ports
from tests.support.loading import load

BAD_LAST = b"junk,1,1,1\n"


@pytest.fixture
def job(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> Job:
    """Planned: mini-batches of 4, 4, 4 and 2 rows, the last row a bad one."""
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4})
    job = drop(ports, iris.csv(13) + BAD_LAST)
    plan_job(job.work, ports)
    return job


def staged(store: MemoryBlobs) -> list[str]:
    return [item.name for item in store.list(Container.STAGING)]


def test_a_part_holds_the_rows_of_its_mini_batch_and_says_what_made_it(
    store: MemoryBlobs, ports: BatchPorts, job: Job
) -> None:
    entry = score_mini_batch(job.work, 1, ports)
    assert (entry.index, entry.predicted, entry.rejected, entry.rejected_part) == (1, 4, 0, "")
    assert entry == ledger.find(store, job.work, 1)
    blob = store.read(Container.STAGING, ledger.part_name(job.work, 1))
    assert blob is not None
    assert len(blob.data) == entry.part_bytes
    rows = pq.read_table(io.BytesIO(blob.data)).to_pylist()
    assert [row["row"] for row in rows] == [4, 5, 6, 7]
    assert set(rows[0]) == {
        "row", "label", "probabilities", "file_name", "endpoint", "deployment", "model_version",
    }  # fmt: skip
    assert {(row["endpoint"], row["deployment"], row["model_version"], row["file_name"]) for row in rows} == {
        ("flowers", "blue", "iris/1", "inbox/flowers/month.csv")
    }


def test_bad_rows_are_staged_beside_the_good_ones(store: MemoryBlobs, ports: BatchPorts, job: Job) -> None:
    entry = score_mini_batch(job.work, 3, ports)
    assert (entry.predicted, entry.rejected) == (1, 1)
    blob = store.read(Container.STAGING, entry.rejected_part)
    assert blob is not None
    assert json.loads(blob.data) == {
        "file_name": "inbox/flowers/month.csv",
        "row": 13,
        "reason": "sepal_length: 'junk' is not a number",
    }


def test_a_mini_batch_of_bad_rows_only_has_no_part(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref)
    job = drop(ports, iris.csv(0) + BAD_LAST * 3)
    plan_job(job.work, ports)
    entry = score_mini_batch(job.work, 0, ports)
    assert (entry.predicted, entry.rejected, entry.part_bytes) == (0, 3, 0)


def test_what_is_done_is_not_done_again(store: MemoryBlobs, ports: BatchPorts, job: Job) -> None:
    first = score_mini_batch(job.work, 0, ports)
    before = staged(store)
    store.delete(Container.INBOX, "flowers/month.csv")
    assert score_mini_batch(job.work, 0, ports) == first
    assert score_mini_batch(job.work, 0, make_ports(store, ports.now)) == first
    assert staged(store) == before


def test_what_is_pending_is_what_has_no_entry(ports: BatchPorts, job: Job) -> None:
    assert list_pending(job.work, 0, 4, ports) == [0, 1, 2, 3]
    for index in (1, 3):
        score_mini_batch(job.work, index, ports)
    assert list_pending(job.work, 0, 4, ports) == [0, 2]
    desk.take_over(ports.store, desk.read(ports.store, job.id), ports.now())
    with pytest.raises(StaleAttempt):
        list_pending(job.work, 0, 4, ports)


def test_two_tries_at_once_leave_one_entry_and_its_part(store: MemoryBlobs, ports: BatchPorts, job: Job) -> None:
    watched, gate = WatchedStore(store), threading.Barrier(2)

    def wait_for_both(operation: str) -> None:
        if operation.startswith("write staging/"):
            gate.wait(30)

    watched.before = wait_for_both
    both = make_ports(watched, ports.now, ports.loader)
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(score_mini_batch, job.work, 0, both) for _ in range(2))
        assert first.result() == second.result() == ledger.find(store, job.work, 0)
    assert staged(store) == [ledger.part_name(job.work, 0)]


def test_a_second_attempt_never_writes_over_what_the_first_has_staged(
    store: MemoryBlobs, ports: BatchPorts, job: Job
) -> None:
    watched, part = WatchedStore(store), ledger.part_name(job.work, 3)
    others: list[tuple[ledger.Entry, Blob | None]] = []

    def be_faster(operation: str) -> None:
        if operation == f"write staging/{part}":
            desk.take_over(store, desk.read(store, job.id), ports.now())
            done = score_mini_batch(job.work._replace(attempt=2), 3, make_ports(store, ports.now, ports.loader))
            others.append((done, store.read(Container.STAGING, part)))

    watched.before = be_faster
    with pytest.raises(StaleAttempt):
        score_mini_batch(job.work, 3, make_ports(watched, ports.now, ports.loader))
    assert others == [(ledger.find(store, job.work, 3), store.read(Container.STAGING, part))]
    assert [name.rpartition("-")[0] for name in staged(store) if name != part] == [
        f"{job.id}/1/rejected/00000003-{attempt}" for attempt in (1, 2)
    ]


@pytest.mark.parametrize("data", [None, b"other"])
def test_an_input_that_changed_is_not_scored(
    store: MemoryBlobs, ports: BatchPorts, job: Job, data: bytes | None
) -> None:
    if data is None:
        store.delete(Container.INBOX, "flowers/month.csv")
    else:
        store.write(Container.INBOX, "flowers/month.csv", data)
    with pytest.raises(InputChanged, match=r"inbox/flowers/month\.csv was changed or removed since its job began"):
        score_mini_batch(job.work, 0, ports)
    assert staged(store) == []


def test_a_job_that_is_not_planned_cannot_be_scored(ports: BatchPorts) -> None:
    job = drop(ports, iris.csv(1))
    with pytest.raises(InvalidTransition, match="is not planned yet"):
        score_mini_batch(job.work, 0, ports)


def fail_with(monkeypatch: pytest.MonkeyPatch, ports: BatchPorts, ref: ModelRef, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(load(ports.loader, ref).flavor, "predict", fail)


def test_a_model_that_fails_for_every_row_rejects_them(
    store: MemoryBlobs, ports: BatchPorts, job: Job, iris_ref: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, ports, iris_ref, ScoringFailed("the model failed: no"))
    entry = score_mini_batch(job.work, 0, ports)
    assert (entry.predicted, entry.rejected, entry.part_bytes) == (0, 4, 0)
    blob = store.read(Container.STAGING, entry.rejected_part)
    assert blob is not None
    assert [(line["row"], line["reason"]) for line in map(json.loads, blob.data.splitlines())] == [
        (row, "the model failed: no") for row in range(4)
    ]


def test_what_no_row_is_to_blame_for_leaves_nothing_behind(
    store: MemoryBlobs, ports: BatchPorts, job: Job, iris_ref: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4, "retry_settings": {"max_retries": 0}})
    impatient = drop(ports, iris.csv(4), "flowers/other.csv")
    plan_job(impatient.work, ports)
    fail_with(monkeypatch, ports, iris_ref, ModelNotReady("its process starts again"))
    with pytest.raises(ModelNotReady):
        score_mini_batch(impatient.work, 0, ports)
    assert staged(store) == []
    assert ledger.find(store, impatient.work, 0) is None


def test_the_same_job_leaves_the_same_parts_whoever_scores_it(store: MemoryBlobs, ports: BatchPorts, job: Job) -> None:
    first = score_mini_batch(job.work, 0, ports)
    part = store.read(Container.STAGING, ledger.part_name(job.work, 0))
    store.delete(Container.STAGING, ledger.part_name(job.work, 0))
    assert score_mini_batch(job.work, 0, make_ports(store, ports.now)) == first
    again = store.read(Container.STAGING, ledger.part_name(job.work, 0))
    assert part is not None
    assert again is not None
    assert part.data == again.data
