"""The one scoring path: counts held, and the event loop not held up."""

import asyncio
import threading
from collections.abc import Callable

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import ScoringFailed, ScoringTimeout
from shared.models.batching import Lanes, Limits
from shared.models.flavor import Abort
from shared.models.scoring import Predictions, predict, predict_online
from shared.models.served import ServedModel
from shared.models.signature import Array, Features, Inputs, Params
from tests.support.loading import FunctionModel, load, loaded_as, make_loader, serve, served_as
from tests.unit.models.graphs import FLOAT, columns, graph, lookup, node, tensors, upload, value

type Function = Callable[[Features], dict[str, Array]]


def model_that(function: Function, call_s: float = 0.0, *, in_process: bool = True) -> ServedModel:
    """A model of one column `x` that answers as the function does."""

    def call(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        return function(features)

    flavor = FunctionModel(call)
    flavor.in_process = in_process
    return served_as(loaded_as(flavor, columns("x"), call_s))


def rows(count: int) -> Inputs:
    return Inputs({"x": np.arange(count, dtype=np.float64)}, {})


async def online(model: ServedModel, inputs: Inputs, timeout_s: float = 10.0) -> Predictions:
    return await predict_online(model, "", inputs, Lanes(Limits()), asyncio.get_running_loop().time() + timeout_s)


def test_outputs_come_under_their_names() -> None:
    model = model_that(lambda features: {"a": features["x"] + 1, "b": np.stack([features["x"]] * 2, axis=1)})
    predictions = predict(model, rows(2))
    assert predictions.rows == 2
    assert {name: array.tolist() for name, array in predictions.outputs.items()} == {
        "a": [1.0, 2.0],
        "b": [[0.0, 0.0], [1.0, 1.0]],
    }


@pytest.mark.parametrize("array", [np.zeros(1), np.zeros(3), np.zeros((1, 2)), np.float64(1).reshape(()), np.zeros(0)])
async def test_another_number_of_rows_than_were_given_is_the_models_failure(array: Array) -> None:
    model = model_that(lambda features: {"y": array})
    with pytest.raises(ScoringFailed, match="the output y does not have one entry for each of the 2 rows"):
        predict(model, rows(2))
    with pytest.raises(ScoringFailed, match="for each of the 2 rows"):
        await online(model, rows(2))


def test_a_graph_that_sums_its_rows_up_is_found(store: MemoryBlobs) -> None:
    """On one row, as in the warm-up, it looks right."""
    data = graph(
        [node("ReduceSum", ["x"], ["y"], keepdims=1)], [value("x", FLOAT, [None, 2])], [value("y", FLOAT, None)]
    )
    model = serve(store, upload(store, data, columns("a", "b")))
    with pytest.raises(ScoringFailed, match="for each of the 3 rows"):
        predict(model, Inputs({"a": np.ones(3), "b": np.ones(3)}, {}))


def test_a_call_that_nobody_waits_for_is_not_begun() -> None:
    def never(features: Features) -> dict[str, Array]:
        raise AssertionError("called")

    abort = Abort()
    abort.fire()
    with pytest.raises(ScoringTimeout, match="nobody waits for this any more"):
        predict(model_that(never), rows(1), abort=abort)


def test_a_model_is_told_how_its_call_is_stopped() -> None:
    seen: list[Abort | None] = []

    def run(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        seen.append(abort)
        return {"y": features["x"]}

    model, abort = served_as(loaded_as(FunctionModel(run), columns("x"))), Abort()
    predict(model, rows(1), abort=abort)
    predict(model, rows(1))
    assert seen == [abort, None]


async def test_no_rows_are_answered_without_the_model() -> None:
    def never(features: Features) -> dict[str, Array]:
        raise AssertionError("called")

    for predictions in (predict(model_that(never), rows(0)), await online(model_that(never, 10.0), rows(0))):
        assert predictions.rows == 0
        assert {name: len(array) for name, array in predictions.outputs.items()} == {"y": 0}


def test_a_model_that_raises_counts_for_nothing_in_its_measured_cost(store: MemoryBlobs) -> None:
    model = load(make_loader(store), upload(store, lookup(2), columns("index", type="long")))
    before = model.cost_s(1)
    with pytest.raises(ScoringFailed, match="out of data bounds"):
        model.predict({"index": np.array([5])}, {})
    assert model.cost_s(1) == before


def test_what_a_call_took_is_measured() -> None:
    model = loaded_as(FunctionModel(lambda features, params, abort: {"y": features["x"]}), columns("x"), 100.0)
    model.predict(rows(4).features, {})
    assert 0 < model.cost_s(4) < 100.0


@pytest.mark.parametrize(
    ("call_s", "in_process", "count", "inline"),
    [
        (0.0, True, 1, True),
        (0.0009, True, 1, True),
        (0.001, True, 1, False),
        (0.0, False, 1, False),
        (1.0, False, 0, True),
    ],
)
async def test_only_what_is_predicted_to_take_under_a_millisecond_runs_on_the_event_loop(
    call_s: float, in_process: bool, count: int, inline: bool
) -> None:
    threads: list[threading.Thread] = [threading.current_thread()]

    def run(features: Features) -> dict[str, Array]:
        threads.append(threading.current_thread())
        return {"y": features["x"]}

    predictions = await online(model_that(run, call_s, in_process=in_process), rows(count))
    assert predictions.rows == count
    assert (threads[-1] is threads[0]) is inline


async def test_a_model_that_takes_too_long_times_out() -> None:
    release, done = threading.Event(), threading.Event()

    def run(features: Features) -> dict[str, Array]:
        release.wait(10)
        done.set()
        return {"y": features["x"]}

    with pytest.raises(ScoringTimeout, match=r"did not answer in time: .*request_timeout_ms"):
        await online(model_that(run, 1.0), rows(1), timeout_s=0.01)
    assert not done.is_set()
    release.set()
    assert done.wait(10)


async def test_a_tensor_of_many_numbers_counts_its_rows(store: MemoryBlobs) -> None:
    data = graph([node("Identity", ["t"], ["y"])], [value("t", FLOAT, [None, 2])], [value("y", FLOAT, [None, 2])])
    model = serve(store, upload(store, data, tensors(t=("float32", (-1, 2)))))
    inputs = Inputs({"t": np.ones((3, 2), np.float32)}, {})
    assert (await online(model, inputs)).rows == predict(model, inputs).rows == 3


@pytest.mark.parametrize(("width", "inline"), [(1, True), (32, True), (4000, False)])
async def test_a_row_that_is_much_longer_than_the_probe_runs_in_a_thread(width: int, inline: bool) -> None:
    threads: list[threading.Thread] = [threading.current_thread()]

    def run(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        threads.append(threading.current_thread())
        return {"y": np.zeros(len(features["t"]))}

    model = served_as(loaded_as(FunctionModel(run), tensors(t=("float64", (-1, -1)))))
    await online(model, Inputs({"t": np.zeros((2, width))}, {}))
    assert (threads[-1] is threads[0]) is inline


async def test_a_long_text_runs_in_a_thread() -> None:
    threads: list[threading.Thread] = []

    def run(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        threads.append(threading.current_thread())
        return {"y": np.zeros(len(features["x"]))}

    model = served_as(loaded_as(FunctionModel(run), columns("x", type="string")))
    for text in ("short", "long" * 10_000):
        await online(model, Inputs({"x": np.array([text], dtype=object)}, {}))
    assert [each is threading.current_thread() for each in threads] == [True, False]
