"""Around a call of the onnx flavor: params, providers, threads, how it is stopped, and how it ends."""

import threading
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from shared.errors import ModelNotReady, SchemaMismatch, ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.flavors import onnx
from shared.models.signature import Features, Param, Params, Signature
from tests.unit.models.graphs import BOOL, FLOAT, INT64, Shape, columns, graph, identity, lookup, node, value

ONE = onnx.OnnxOptions(threads=1)
X: Features = {"x": np.array([1.0, 2.0])}


def scaled(shape: Shape, kind: int = FLOAT) -> bytes:
    """`y = x * by`, `by` being a param."""
    nodes = [node("Cast", ["by"], ["by_f"], to=FLOAT), node("Mul", ["x", "by_f"], ["y"])]
    return graph(nodes, [value("x", FLOAT, [None]), value("by", kind, shape)], [value("y", FLOAT, [None])])


def with_param(**param: Any) -> Signature:
    return Signature(columns=columns("x").columns, params=(Param(**{"name": "by", "type": "double"} | param),))


def y(data: bytes, signature: Signature, params: Params) -> list[float]:
    found: list[float] = onnx.load(data, {}, signature, ONE).predict(X, params, None)["y"].tolist()
    return found


@pytest.mark.parametrize("shape", [[], [1], [None]])
def test_a_param_reaches_the_input_that_is_named_after_it(shape: Shape) -> None:
    assert y(scaled(shape), with_param(default=3.0), {"by": 10.0}) == [10.0, 20.0]
    assert y(scaled(shape), with_param(default=3.0), {}) == [3.0, 6.0]


def test_a_param_that_is_a_list_reaches_an_input_of_any_length() -> None:
    signature = with_param(default=[1.0], shape=(-1,))
    assert y(scaled([None]), signature, {"by": [2.0, 3.0]}) == [2.0, 6.0]


def test_a_param_without_a_value_is_the_callers_error() -> None:
    with pytest.raises(SchemaMismatch, match="param 'by' has no value: send one"):
        y(scaled([]), with_param(), {})


def test_a_param_out_of_range_is_the_callers_error() -> None:
    with pytest.raises(SchemaMismatch, match=r"param 'by': 1e\+300 is out of the range of the model's float32"):
        y(scaled([]), with_param(), {"by": 1e300})


@pytest.mark.parametrize(
    ("data", "signature", "message"),
    [
        (scaled([], INT64), with_param(), "takes int64, but param 'by' of the signature is double"),
        (scaled([None, 1]), with_param(), "takes float32[?, 1], but param 'by' is one value"),
        (scaled([1]), with_param(shape=(-1,)), "takes float32[1], but param 'by' is a list"),
    ],
)
def test_a_param_that_does_not_fit_its_input_is_refused(data: bytes, signature: Signature, message: str) -> None:
    with pytest.raises(ModelNotReady) as caught:
        onnx.load(data, {}, signature, ONE)
    assert message in caught.value.message


def test_a_param_that_no_input_is_named_after_is_ignored() -> None:
    """As MLflow's onnx flavor ignores all of them."""
    assert y(identity(FLOAT, [None]), with_param(), {"by": 10.0}) == [1.0, 2.0]


def test_a_graph_without_an_input_for_rows_is_refused() -> None:
    data = graph([node("Identity", ["by"], ["y"])], [value("by", FLOAT, [1])], [value("y", FLOAT, [1])])
    with pytest.raises(ModelNotReady, match="the graph has no input for the rows of a request"):
        onnx.load(data, {}, with_param(), ONE)


def test_an_input_with_a_value_of_its_own_is_given_only_where_the_signature_names_it() -> None:
    body = helper.make_graph(
        [node("Mul", ["x", "by"], ["y"])],
        "tiny",
        [value("x", FLOAT, [None]), value("by", FLOAT, [1])],
        [value("y", FLOAT, [None])],
        [numpy_helper.from_array(np.array([7], np.float32), "by")],
    )
    data = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    assert y(data, columns("x"), {}) == [7.0, 14.0]
    assert y(data, with_param(default=2.0), {}) == [2.0, 4.0]


def test_a_provider_that_is_not_installed_is_refused_with_those_that_are() -> None:
    options = onnx.OnnxOptions(threads=1, execution_providers=("CUDAExecutionProvider", "CPUExecutionProvider"))
    with pytest.raises(ModelNotReady) as caught:
        onnx.load(identity(FLOAT, [None]), {}, columns("x"), options)
    assert caught.value.message.startswith(
        "no execution provider CUDAExecutionProvider is installed: name one of AzureExecutionProvider, "
    )


@pytest.mark.parametrize("threads", [0, 1, 64])
def test_calls_at_once_leave_each_its_threads(threads: int) -> None:
    model = onnx.load(identity(FLOAT, [None]), {}, columns("x"), onnx.OnnxOptions(threads))
    assert model.lanes >= 1
    assert model.lanes == 1 or threads == 1
    assert model.predict(X, {}, None)["y"].tolist() == [1.0, 2.0]


def test_a_larger_graph_holds_more_memory_and_weights_in_files_count() -> None:
    def size(count: int, **weights: bytes) -> int:
        return onnx.load(lookup(count), weights, columns("index", type="long"), ONE).size_bytes

    assert size(1) < size(100_000)
    assert size(1, w=bytes(1_000_000)) - size(1) >= 2_000_000


def endless() -> bytes:
    """`y = x` after some two thousand million turns of a loop."""
    inner = helper.make_graph(
        [node("Identity", ["go"], ["go_on"]), node("Identity", ["v"], ["v_on"])],
        "turn",
        [value("turn", INT64, []), value("go", BOOL, []), value("v", FLOAT, [None])],
        [value("go_on", BOOL, []), value("v_on", FLOAT, [None])],
    )
    loop = node("Loop", ["turns", "", "x"], ["y"], body=inner)
    inputs = [value("x", FLOAT, [None]), value("turns", INT64, [])]
    return graph([loop], inputs, [value("y", FLOAT, [None])])


ENDLESS = Signature(columns=columns("x").columns, params=(Param(name="turns", type="long", default=1),))


def test_a_call_that_nobody_waits_for_is_stopped_and_the_next_one_answers() -> None:
    model = onnx.load(endless(), {}, ENDLESS, ONE)
    abort = Abort()
    stopped: list[BaseException] = []

    def call() -> None:
        try:
            model.predict(X, {"turns": 2**31}, abort)
        except ScoringTimeout as error:
            stopped.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    abort.fire()
    thread.join(60)
    assert [str(error) for error in stopped] == ["the model was stopped, as nobody waited for it any more"]
    assert model.predict(X, {"turns": 3}, Abort())["y"].tolist() == [1.0, 2.0]


def test_a_call_that_nobody_waits_for_is_not_begun() -> None:
    model = onnx.load(endless(), {}, ENDLESS, ONE)
    abort = Abort()
    abort.fire()
    with pytest.raises(ScoringTimeout):
        model.predict(X, {"turns": 2**31}, abort)


def test_a_model_that_raises_in_a_call_that_may_be_stopped_has_failed() -> None:
    with pytest.raises(ScoringFailed, match="out of data bounds"):
        onnx.load(lookup(3), {}, columns("index", type="long"), ONE).predict({"index": np.array([3])}, {}, Abort())


def test_a_closed_model_is_not_ready() -> None:
    model = onnx.load(identity(FLOAT, [None]), {}, columns("x"), ONE)
    model.close()
    with pytest.raises(ModelNotReady, match="the model was unloaded"):
        model.predict(X, {}, None)
