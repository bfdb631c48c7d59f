"""What monitoring keeps of mini-batches, and that no job is another one for it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch.ledger import Entry
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.endpoints import watched
from shared.errors import StorageUnavailable
from shared.models.package import ModelRef
from shared.monitoring import results
from shared.monitoring.watch import Watcher
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import Clock, drop

WATCHED: dict[str, Any] = {"sources": ["batch"], "window_hours": 1, "min_rows": 100}
BAD = b"junk,1,1,1\n"


def score(ports: BatchPorts, ref: ModelRef, data: bytes, monitoring: dict[str, Any] | None, rows: int = 100) -> Entry:
    """The first mini-batch of a job."""
    endpoint.publish(ports.store, ref, monitoring=monitoring, batch={"mini_batch_size": rows})
    job = drop(ports, data)
    plan_job(job.work, ports)
    return score_mini_batch(job.work, 0, ports)


def kept(ports: BatchPorts) -> list[dict[str, Any]]:
    ports.capture.flush()
    blobs = [ports.store.read(Container.CAPTURE, item.name) for item in ports.store.list(Container.CAPTURE)]
    return [orjson.loads(line) for blob in blobs if blob is not None for line in blob.data.splitlines()]


def test_rows_that_were_predicted_are_kept_with_their_predictions(ports: BatchPorts, iris_ref: ModelRef) -> None:
    score(ports, iris_ref, iris.csv(20) + BAD, WATCHED)
    (record,) = kept(ports)
    assert record["inputs"]["sepal_length"] == [row[0] for row in iris.rows(20)]
    assert record["outputs"] == {"label": [0] * 20}
    assert record["model"] == "iris/1"


@pytest.mark.parametrize("monitoring", [None, {}, {**WATCHED, "sources": ["online"]}])
def test_nothing_is_kept_that_was_not_asked_for(
    ports: BatchPorts, iris_ref: ModelRef, monitoring: dict[str, Any] | None
) -> None:
    score(ports, iris_ref, iris.csv(20), monitoring)
    assert kept(ports) == []


def test_a_mini_batch_without_rows_that_can_be_predicted_is_not_kept(ports: BatchPorts, iris_ref: ModelRef) -> None:
    score(ports, iris_ref, iris.csv(0) + BAD * 3, WATCHED)
    assert kept(ports) == []


def test_entries_are_the_same_where_nothing_can_be_kept(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*named: object) -> None:
        raise StorageUnavailable("storage does not answer")

    endpoint.publish(store, iris_ref, monitoring=WATCHED)
    job = drop(ports, iris.csv(20))
    plan_job(job.work, ports)
    monkeypatch.setattr("shared.monitoring.captured.keep", fail)
    entry = score_mini_batch(job.work, 0, ports)
    assert (entry.predicted, kept(ports)) == (20, [])
    again = drop(ports, iris.csv(21), "flowers/other.csv")
    plan_job(again.work, ports)
    monkeypatch.setattr(ports.catalog, "read", fail)
    assert score_mini_batch(again.work, 0, ports).predicted == 21


def test_a_job_of_other_rows_is_found_to_have_moved(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef
) -> None:
    watcher = Watcher(store, clock, ports.metrics)
    header, *lines = iris.csv(150).splitlines(keepends=True)
    for rows in (lines, lines, lines[100:] * 3):  # at last one species of three
        score(ports, iris_ref, header + b"".join(rows), WATCHED, rows=150)
        ports.capture.flush()
        clock.now = datetime(clock.now.year, clock.now.month, clock.now.day, clock.now.hour, 6, tzinfo=UTC)
        clock.go_on(hours=1)
        watcher.look(watched.targets(ports.catalog), lambda: False)
    newest = results.page(store, "flowers", "blue", 3).results
    assert [each.status for each in newest] == ["Violated", "Ok", "Baseline"]
    assert {each.feature for each in newest[0].prediction_drift if each.is_violated} == {"label"}
