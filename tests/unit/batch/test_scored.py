"""What a model of any kind says of a mini-batch of any kind."""

import io
import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.scored import Scored, score_files, score_table
from shared.errors import InputChanged, SchemaMismatch
from shared.models.package import ModelRef
from shared.models.signature import Column, Param, Signature
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import drop
from tests.unit.models import many
from tests.unit.models.graphs import FLOAT, UINT8, columns, graph, identity, lookup, node, tensors, upload, value

type Score = Callable[..., Scored]


@pytest.fixture
def score(store: MemoryBlobs, ports: BatchPorts) -> Score:
    """Scores the first mini-batch of a job on this model that reads these files."""

    def run(ref: ModelRef, files: dict[str, bytes], fields: dict[str, Any] | None = None, **batch: Any) -> Scored:
        endpoint.publish(store, ref, batch=batch)
        for name, data in files.items():
            store.write(Container.INBOX, f"flowers/in/{name}", data)
        inputs = (JobInput(location="inbox/flowers/in/"),)
        job = jobs.new(f"rest-{uuid4().hex[:24]}", "flowers", inputs, "me", ports.now(), **(fields or {}))
        plan = plan_job(desk.submit(store, job).work, ports)
        page, mini_batch = ports.manifests.page(job.work, 0)
        is_file = page.files[mini_batch.spans[0].file].format == "file"
        return (score_files if is_file else score_table)(plan, page, mini_batch, ports)

    return run


def rows(scored: Scored, *names: str) -> list[tuple[Any, ...]]:
    assert scored.table is not None
    assert scored.predicted == scored.table.num_rows
    return [tuple(row[name] for name in names) for row in scored.table.select(list(names)).to_pylist()]


def rejected(scored: Scored) -> list[tuple[str, int, str]]:
    return [(each.path.removeprefix("inbox/flowers/in/"), each.row, each.reason) for each in scored.rejected]


def jsonl(*records: Any) -> bytes:
    return "\n".join(map(json.dumps, records)).encode()


def test_a_table_is_scored_by_columns(iris_ref: ModelRef, score: Score) -> None:
    found = score(iris_ref, {"a.csv": iris.csv(3) + b"junk,1,1,1\n"})
    assert [row for row, _ in rows(found, "row", "label")] == [0, 1, 2]
    assert rejected(found) == [("a.csv", 3, "sepal_length: 'junk' is not a number")]


def test_rows_of_jsonl_are_scored_by_a_model_of_tensors(store: MemoryBlobs, score: Score) -> None:
    ref = upload(store, identity(FLOAT, [None, 2]), tensors(x=("float32", (-1, 2))))
    found = score(ref, {"a.jsonl": jsonl([1, 2], [3, 4], "junk", [5])})
    assert rows(found, "row", "y") == [(0, [1.0, 2.0]), (1, [3.0, 4.0])]
    assert [row for _, row, _ in rejected(found)] == [2, 3]


def test_chosen_columns_of_the_input_go_along(store: MemoryBlobs, score: Score) -> None:
    ref = upload(store, identity(FLOAT, [None, 1]), columns("x"))
    data = b"id,x,note\n7,1.5,a\n8,2.5,b\n"
    found = score(ref, {"a.csv": data}, output_columns=["note", "id"])
    assert rows(found, "note", "row", "y", "file_name") == [
        ("a", 0, 1.5, "inbox/flowers/in/a.csv"),
        ("b", 1, 2.5, "inbox/flowers/in/a.csv"),
    ]


def test_a_row_that_a_graph_fails_for_costs_that_row(store: MemoryBlobs, score: Score) -> None:
    ref = upload(store, lookup(10), columns("index", type="long"))
    data = b"index\n" + b"".join(b"%d\n" % (99 if row == 13 else row % 10) for row in range(100))
    found = score(ref, {"a.csv": data})
    assert rows(found, "row", "y") == [(row, row % 10 * 10.0) for row in range(100) if row != 13]
    ((path, row, reason),) = rejected(found)
    assert (path, row) == ("a.csv", 13)
    assert reason


def test_only_the_summary_is_kept_where_no_more_is_wanted(iris_ref: ModelRef, score: Score) -> None:
    found = score(iris_ref, {"a.csv": iris.csv(3) + b"junk,1,1,1\n"}, output_action="summary_only")
    assert (found.table, found.predicted, len(found.rejected)) == (None, 3, 1)


def test_a_table_of_bad_rows_only_has_no_predictions(iris_ref: ModelRef, score: Score) -> None:
    found = score(iris_ref, {"a.csv": iris.csv(0) + b"junk,1,1,1\n" * 2})
    assert (found.table, found.predicted, len(found.rejected)) == (None, 0, 2)


def test_params_reach_the_model_and_are_checked_when_the_job_is_planned(store: MemoryBlobs, score: Score) -> None:
    data = graph(
        [node("Mul", ["x", "factor"], ["y"])],
        [value("x", FLOAT, [None, 1]), value("factor", FLOAT, [])],
        [value("y", FLOAT, [None, 1])],
    )
    signature = Signature(
        columns=(Column(name="x", type="double"),), params=(Param(name="factor", type="float", default=1.0),)
    )
    ref = upload(store, data, signature)
    found = score(ref, {"a.csv": b"x\n2\n3\n"}, {"params": {"factor": 10.0}})
    assert rows(found, "row", "y") == [(0, 20.0), (1, 30.0)]
    with pytest.raises(SchemaMismatch):
        score(ref, {}, {"params": {"factor": "many"}})


def test_one_of_many_models_is_asked_by_name(store: MemoryBlobs, score: Score) -> None:
    ref = many.publish(store, {"UA": 2.0, "AA": 10.0})
    data = b"carrier,origin,x\nUA,EWR,1\nZZ,JFK,2\n"
    by_columns, by_name = score(ref, {"a.csv": data}), score(ref, {"a.csv": data}, {"model": "AA"})
    assert rows(by_columns, "row", "y") == [(0, 2.0)]
    assert len(by_columns.rejected) == 1
    # Asked for by name, it takes rows of every segment.
    assert rows(by_name, "row", "y") == [(0, 10.0), (1, 20.0)]


def picture(height: int, width: int, shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (shade, shade, shade)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def brightness(store: MemoryBlobs) -> ModelRef:
    """The mean over the pixels of images of any size."""
    data = graph(
        [node("Cast", ["x"], ["f"], to=FLOAT), node("ReduceMean", ["f", "axes"], ["y"], keepdims=0)],
        [value("x", UINT8, [None, None, None, 3])],
        [value("y", FLOAT, [None])],
        axes=np.array([1, 2, 3], np.int64),
    )
    return upload(store, data, tensors(x=("uint8", (-1, -1, -1, 3))))


def test_images_are_a_row_each_and_a_broken_one_costs_itself(brightness: ModelRef, score: Score) -> None:
    files = {"a.png": picture(2, 2, 10), "b.png": b"broken", "c.png": picture(3, 2, 20), "d.png": picture(2, 2, 30)}
    found = score(brightness, files)
    told = {path.rpartition("/")[2]: shade for path, shade in rows(found, "file_name", "y")}
    assert told == {"a.png": 10.0, "c.png": 20.0, "d.png": 30.0}
    assert [(path, row) for path, row, _ in rejected(found)] == [("b.png", 0)]


def test_images_that_are_all_broken_have_no_predictions(brightness: ModelRef, score: Score) -> None:
    found = score(brightness, {"a.png": b"broken", "b.png": b""} | {"c.png": b"too"})
    assert (found.table, found.predicted) == (None, 0)
    assert [path for path, _, _ in rejected(found)] == ["a.png", "c.png"]


def test_so_many_files_make_a_mini_batch(brightness: ModelRef, score: Score) -> None:
    files = {f"{number}.png": picture(1, 1, number) for number in range(5)}
    assert score(brightness, files, mini_batch_size=2).predicted == 2


def test_an_image_that_was_changed_since_the_job_began_is_told(
    store: MemoryBlobs, ports: BatchPorts, brightness: ModelRef
) -> None:
    endpoint.publish(store, brightness)
    job: Job = drop(ports, picture(1, 1, 1), "flowers/a.png")
    plan = plan_job(job.work, ports)
    store.write(Container.INBOX, "flowers/a.png", picture(1, 1, 2))
    with pytest.raises(InputChanged):
        score_files(plan, *ports.manifests.page(job.work, 0), ports)
