"""Batch jobs on a package of many models: rows that none answers for are set aside, and stop no other."""

import io
import json

import pyarrow.parquet as pq

from shared.adapters.memory import MemoryBlobs
from shared.batch.ledger import Entry
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.ports import Container
from tests.support import endpoint
from tests.support.batch import drop
from tests.unit.models import many

FILE = "inbox/flowers/month.csv"


def score(store: MemoryBlobs, ports: BatchPorts, *rows: str, fallback: tuple[str, ...] = ()) -> Entry:
    """All rows as one mini-batch, of models that take UA times 2 and AA times 10."""
    endpoint.publish(store, many.publish(store, {"UA": 2.0, "AA": 10.0}, fallback=fallback))
    job = drop(ports, "\n".join(["carrier,origin,x", *rows, ""]).encode())
    plan_job(job.work, ports)
    return score_mini_batch(job.work, 0, ports)


def predicted(store: MemoryBlobs) -> list[tuple[int, float]]:
    (part,) = (item.name for item in store.list(Container.STAGING) if "/ledger/" in item.name)
    blob = store.read(Container.STAGING, part)
    assert blob is not None
    return [(row["row"], row["y"]) for row in pq.read_table(io.BytesIO(blob.data)).to_pylist()]


def rejected(store: MemoryBlobs, entry: Entry) -> list[tuple[int, str]]:
    blob = store.read(Container.STAGING, entry.rejected_part)
    assert blob is not None
    lines = [json.loads(line) for line in blob.data.splitlines()]
    assert {line["file_name"] for line in lines} == {FILE}
    return [(line["row"], line["reason"]) for line in lines]


def unknown(segment: str) -> str:
    return f"there is no model for the segment '{segment}', and none that stands in"


def test_rows_of_unknown_segments_are_rejected_beside_those_that_cannot_be_read(
    store: MemoryBlobs, ports: BatchPorts
) -> None:
    rows = ["UA,EWR,1", "ZZ,EWR,2", "AA,JFK,junk", "AA,JFK,3", "YY,LGA,4", "UA,LGA,5"]
    entry = score(store, ports, *rows)
    assert (entry.predicted, entry.rejected) == (3, 3)
    assert predicted(store) == [(0, 2.0), (3, 30.0), (5, 10.0)]
    assert rejected(store, entry) == [
        (1, unknown("ZZ/EWR")),
        (2, "x: 'junk' is not a number"),
        (4, unknown("YY/LGA")),
    ]


def test_a_mini_batch_of_unknown_segments_only_has_no_part(store: MemoryBlobs, ports: BatchPorts) -> None:
    entry = score(store, ports, "ZZ,EWR,1", "YY,EWR,2")
    assert (entry.predicted, entry.rejected, entry.part_bytes) == (0, 2, 0)


def test_where_a_model_stands_in_no_segment_is_unknown(store: MemoryBlobs, ports: BatchPorts) -> None:
    entry = score(store, ports, "ZZ,EWR,1", "AA,EWR,2", fallback=("UA",))
    assert (entry.rejected, entry.rejected_part) == (0, "")
    assert predicted(store) == [(0, 2.0), (1, 20.0)]
