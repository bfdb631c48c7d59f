"""The dimensions of a graph: which fit a signature, which are refused at load, and a graph of one row a call."""

from typing import Any

import numpy as np
import pytest

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.flavors import onnx
from shared.models.signature import Param, Signature
from tests.unit.models.graphs import FLOAT, INT64, STRING, Shape, columns, graph, identity, node, tensors, value

ONE = onnx.OnnxOptions(threads=1)
FITS = "log it with a signature that fits its graph"


def not_ready(data: bytes, signature: Signature) -> str:
    with pytest.raises(ModelNotReady) as caught:
        onnx.load(data, {}, signature, ONE)
    return caught.value.message


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ([None, 4], 13, "takes float32[?, 4], but the signature has 13 columns"),
        ([None], 2, "takes float32[?], but the signature has 2 columns"),
        ([None, 1, 2], 2, "takes float32[?, 1, 2], but the signature has 2 columns"),
    ],
)
def test_another_number_of_columns_is_refused(shape: Shape, names: int, message: str) -> None:
    signature = columns(*(f"c{at}" for at in range(names)))
    assert not_ready(identity(FLOAT, shape), signature) == f"the graph's input x {message}: {FITS}"


@pytest.mark.parametrize("shape", [[None, 2], [None, 1, 1]])
def test_an_input_named_after_a_column_takes_one_value_a_row(shape: Shape) -> None:
    data = graph(
        [node("Add", ["a", "b"], ["y"])],
        [value("a", FLOAT, shape), value("b", FLOAT, shape)],
        [value("y", FLOAT, None)],
    )
    assert "but column 'a' is one value a row" in not_ready(data, columns("a", "b"))


def test_the_only_input_takes_all_columns_though_it_is_named_after_one() -> None:
    model = onnx.load(identity(FLOAT, [None, 2], "a"), {}, columns("a", "b"), ONE)
    outputs = model.predict({"a": np.array([1.0]), "b": np.array([2.0])}, {}, None)
    assert outputs["y"].tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("shape", [[None], [None, 1], [], None])
def test_one_column_reaches_an_input_of_any_rank(shape: Shape) -> None:
    model = onnx.load(identity(FLOAT, shape), {}, columns("x"), ONE)
    assert model.predict({"x": np.array([1.0, 2.0])}, {}, None)["y"].tolist() == [1.0, 2.0]
    assert [(output.name, output.type, output.shape) for output in model.outputs] == [("y", "float32", (-1,))]


@pytest.mark.parametrize("shape", [["rows", "columns"], [None, 2], None])
def test_all_columns_reach_an_input_of_any_width(shape: Shape) -> None:
    model = onnx.load(identity(FLOAT, shape), {}, columns("a", "b"), ONE)
    features = {"a": np.array([1.0, 3.0]), "b": np.array([2.0, 4.0])}
    assert model.predict(features, {}, None)["y"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("graph_shape", "shape", "told"),
    [
        ([None, 4], (-1, 3), "float32[?, 4]"),
        ([None, 4], (-1, 4, 1), "float32[?, 4]"),
        ([2, 4], (3, 4), "float32[2, 4]"),
        ([None], (-1, 1), "float32[?]"),
    ],
)
def test_a_tensor_of_another_shape_is_refused(graph_shape: Shape, shape: tuple[int, ...], told: str) -> None:
    assert not_ready(identity(FLOAT, graph_shape), tensors(t=("float32", shape))) == (
        f"the graph's input x takes {told}, but tensor 't' of the signature has the shape {list(shape)}: {FITS}"
    )


@pytest.mark.parametrize(
    ("graph_shape", "shape"),
    [([None, 2, 3], (-1, 2, 3)), (["n", None, 3], (-1, 2, 3)), ([None, 2, 3], (-1, -1, 3)), ([2, 2, 3], (2, 2, 3))],
)
def test_tensors_of_any_rank_fit_where_sizes_are_the_same_or_open(graph_shape: Shape, shape: tuple[int, ...]) -> None:
    given = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    model = onnx.load(identity(FLOAT, graph_shape), {}, tensors(t=("float32", shape)), ONE)
    assert model.predict({"t": given}, {}, None)["y"].tolist() == given.tolist()


def test_a_size_that_only_the_caller_gives_wrong_fails_as_the_model() -> None:
    model = onnx.load(identity(FLOAT, [None, 2]), {}, tensors(t=("float32", (-1, -1))), ONE)
    with pytest.raises(ScoringFailed, match="Got: 3 Expected: 2"):
        model.predict({"t": np.ones((1, 3), np.float32)}, {}, None)


def test_a_graph_of_a_fixed_number_of_rows_is_refused() -> None:
    message = (
        "the graph's input x is float32[8, 2], which fixes the number of rows: "
        "export it with a first dimension of any size, or of 1"
    )
    assert not_ready(identity(FLOAT, [8, 2]), columns("a", "b")) == message
    assert not_ready(identity(FLOAT, [8, 2]), tensors(t=("float32", (-1, 2)))) == message


@pytest.mark.parametrize("rows", [1, 3])
def test_a_graph_of_one_row_is_run_row_by_row(rows: int) -> None:
    features = {"a": np.arange(rows, dtype=np.float64), "b": np.ones(rows)}
    outputs = onnx.load(identity(FLOAT, [1, 2]), {}, columns("a", "b"), ONE).predict(features, {}, None)
    assert outputs["y"].tolist() == [[float(row), 1.0] for row in range(rows)]


@pytest.mark.parametrize("output", [[1, 1], [1], []])
def test_what_a_graph_of_one_row_answers_is_put_together(output: Shape) -> None:
    """`y = sum of the row`, as a matrix, a list or a scalar."""
    total = node("ReduceSum", ["x"], ["total"], keepdims=1)
    shaped = node("Reshape", ["total", "shape"], ["y"])
    shape = np.array(output or (), np.int64)
    data = graph([total, shaped], [value("x", FLOAT, [1, 2])], [value("y", FLOAT, output)], shape=shape)
    model = onnx.load(data, {}, tensors(t=("float32", (-1, 2))), ONE)
    given: Any = np.array([[1, 2], [3, 4], [5, 6]], np.float32)
    assert model.predict({"t": given}, {}, None)["y"].tolist() == [3.0, 7.0, 11.0]
    assert [output.shape for output in model.outputs] == [(-1,)]


def test_a_graph_of_one_row_takes_texts_and_numbers_and_params() -> None:
    inputs = [value("n", FLOAT, [1, 1]), value("s", STRING, [1, 1]), value("plus", INT64, [1])]
    nodes = [
        node("Cast", ["plus"], ["plus_f"], to=FLOAT),
        node("Add", ["n", "plus_f"], ["y"]),
        node("Identity", ["s"], ["t"]),
    ]
    data = graph(nodes, inputs, [value("y", FLOAT, [1, 1]), value("t", STRING, [1, 1])])
    signature = Signature(
        columns=(*columns("n").columns, *columns("s", type="string").columns),
        params=(Param(name="plus", type="long", default=10),),
    )
    features = {"n": np.array([1.0, 2.0]), "s": np.array(["a", "b"], dtype=object)}
    outputs = onnx.load(data, {}, signature, ONE).predict(features, {"plus": 20}, None)
    assert {name: array.tolist() for name, array in outputs.items()} == {"y": [21.0, 22.0], "t": ["a", "b"]}
