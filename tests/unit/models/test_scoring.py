"""The one scoring path: counts held, and the event loop not held up."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.loader import LoadedModel, Loader
from shared.models.package import ModelRef
from shared.models.scoring import predict, predict_online
from shared.models.signature import Array, Features, Output, Params
from tests.unit.models.graphs import FLOAT, columns, graph, lookup, node, tensors, upload, value

REF = ModelRef("tiny", "1", "sha256:" + "0" * 64)
type Run = Callable[[list[str], dict[str, Any]], list[Any]]


class Stub:
    """A model that is a function."""

    size_bytes = 0
    lanes = 1

    def __init__(self, run: Run, names: tuple[str, ...]) -> None:
        self.outputs = tuple(Output(name=name, type="float64") for name in names)
        self._run = run

    def predict(self, features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        names = [output.name for output in self.outputs]
        try:
            return dict(zip(names, self._run(names, features), strict=True))
        except TimeoutError as error:
            raise ScoringFailed(f"the model failed: {error}") from error

    def close(self) -> None: ...


def model_that(run: Run, *outputs: str, row_s: float = 0.0) -> LoadedModel:
    """A model of one column `x` that answers as `run` does."""
    model = LoadedModel(REF, columns("x"), Stub(run, outputs or ("y",)))
    model.row_s = row_s
    return model


def rows(count: int) -> Features:
    return {"x": np.arange(count, dtype=np.float64)}


def test_outputs_come_under_their_names() -> None:
    model = model_that(lambda names, feeds: [feeds["x"] + 1, np.stack([feeds["x"]] * 2, axis=1)], "a", "b")
    predictions = predict(model, rows(2))
    assert predictions.rows == 2
    assert {name: array.tolist() for name, array in predictions.outputs.items()} == {
        "a": [1.0, 2.0],
        "b": [[0.0, 0.0], [1.0, 1.0]],
    }


@pytest.mark.parametrize("array", [np.zeros(1), np.zeros(3), np.zeros((1, 2)), np.float64(1).reshape(()), np.zeros(0)])
def test_another_number_of_rows_than_were_given_is_the_models_failure(array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ScoringFailed, match="the output y does not have one entry for each of the 2 rows"):
        predict(model_that(lambda names, feeds: [array]), rows(2))


def test_a_graph_that_sums_its_rows_up_is_found(store: MemoryBlobs) -> None:
    """On one row, as in the warm-up, it looks right."""
    data = graph(
        [node("ReduceSum", ["x"], ["y"], keepdims=1)], [value("x", FLOAT, [None, 2])], [value("y", FLOAT, None)]
    )
    model = Loader(store, 1).get(upload(store, data, columns("a", "b")))
    with pytest.raises(ScoringFailed, match="for each of the 3 rows"):
        predict(model, {"a": np.ones(3), "b": np.ones(3)})


def test_no_rows_are_answered_without_the_model() -> None:
    def never(names: list[str], feeds: dict[str, Any]) -> list[Any]:
        raise AssertionError("called")

    predictions = predict(model_that(never, "a", "b"), rows(0))
    assert predictions.rows == 0
    assert {name: len(array) for name, array in predictions.outputs.items()} == {"a": 0, "b": 0}


def test_a_model_that_raises_counts_for_nothing_in_its_measured_cost(store: MemoryBlobs) -> None:
    model = Loader(store, 1).get(upload(store, lookup(2), columns("index", type="long")))
    before = model.row_s
    with pytest.raises(ScoringFailed, match="out of data bounds"):
        predict(model, {"index": np.array([5])})
    assert model.row_s == before


def test_what_a_call_took_is_measured() -> None:
    model = model_that(lambda names, feeds: [feeds["x"]], row_s=100.0)
    predict(model, rows(4))
    assert 0 < model.row_s < 100.0


@pytest.mark.parametrize(
    ("row_s", "count", "inline"),
    [(0.0, 1, True), (0.0004, 2, True), (0.0004, 3, False), (0.001, 1, False), (1.0, 1, False), (1.0, 0, True)],
)
async def test_only_what_is_predicted_to_take_under_a_millisecond_runs_on_the_event_loop(
    row_s: float, count: int, inline: bool
) -> None:
    threads: list[threading.Thread] = [threading.current_thread()]

    def run(names: list[str], feeds: dict[str, Any]) -> list[Any]:
        threads.append(threading.current_thread())
        return [feeds["x"]]

    predictions = await predict_online(model_that(run, row_s=row_s), rows(count), 10)
    assert predictions.rows == count
    assert (threads[-1] is threads[0]) is inline


async def test_a_model_that_takes_too_long_times_out() -> None:
    release, done = threading.Event(), threading.Event()

    def run(names: list[str], feeds: dict[str, Any]) -> list[Any]:
        release.wait(10)
        done.set()
        return [feeds["x"]]

    with pytest.raises(ScoringTimeout, match=r"did not answer within 0\.01 s: .*request_timeout_ms"):
        await predict_online(model_that(run, row_s=1.0), rows(1), 0.01)
    assert not done.is_set()
    release.set()
    assert done.wait(10)


async def test_a_timeout_inside_the_model_is_the_models_failure() -> None:
    def run(names: list[str], feeds: dict[str, Any]) -> list[Any]:
        raise TimeoutError("the feature store did not answer")

    for row_s in (0.0, 1.0):
        with pytest.raises(ScoringFailed, match="the feature store did not answer"):
            await predict_online(model_that(run, row_s=row_s), rows(1), 10)


async def test_a_tensor_of_many_numbers_counts_its_rows(store: MemoryBlobs) -> None:
    data = graph([node("Identity", ["t"], ["y"])], [value("t", FLOAT, [None, 2])], [value("y", FLOAT, [None, 2])])
    model = Loader(store, 1).get(upload(store, data, tensors(t=("float32", (-1, 2)))))
    features = {"t": np.ones((3, 2), np.float32)}
    assert (await predict_online(model, features, 10)).rows == predict(model, features).rows == 3
