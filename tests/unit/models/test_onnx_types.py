"""Which types reach a graph, which are refused at load, and what becomes of a number that does not fit."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from shared.errors import ModelNotReady, SchemaMismatch
from shared.models.flavors import onnx
from shared.models.matrix import columns_of
from shared.models.signature import Column, Features, Signature, Tensor
from tests.unit.models.graphs import BOOL, FLOAT, FLOAT16, INT64, STRING, columns, graph, identity, node, tensors, value

ONE = onnx.OnnxOptions(threads=1)
NUMBERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]


def kind_of(name: str) -> int:
    onnx_name = {"float32": "FLOAT", "float64": "DOUBLE"}.get(name, name.upper())
    return int(TensorProto.DataType.Value(onnx_name))


def predict(data: bytes, signature: Signature, features: Features) -> dict[str, Any]:
    return onnx.load(data, {}, signature, ONE).predict(features, {}, None)


def not_ready(data: bytes, signature: Signature) -> str:
    with pytest.raises(ModelNotReady) as caught:
        onnx.load(data, {}, signature, ONE)
    return caught.value.message


def mismatch(data: bytes, signature: Signature, features: Features) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        predict(data, signature, features)
    return caught.value.message


@pytest.mark.parametrize("name", [*NUMBERS, "bool", "string"])
def test_a_tensor_of_any_type_passes_through(name: str) -> None:
    dtype = np.dtype("O" if name == "string" else name)
    given = np.array([["a", "ü"]] if name == "string" else [[0, 1]], dtype)
    data = identity(kind_of(name), [None, 2])
    model = onnx.load(data, {}, tensors(t=(name, (-1, 2))), ONE)
    y = model.predict({"t": given}, {}, None)["y"]
    assert (y.dtype, y.tolist()) == (dtype, given.tolist())
    assert [(output.name, output.type, output.shape) for output in model.outputs] == [("y", name, (-1, 2))]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("rows", [1, 3])
def test_whole_numbers_of_two_columns_reach_a_graph_of_any_number_type(name: str, rows: int) -> None:
    features = {"a": np.array([5, 6, 7][:rows]), "b": np.array([100, 101, 102][:rows])}
    y = predict(identity(kind_of(name), [None, 2]), columns("a", "b", type="long"), features)["y"]
    assert y.dtype == np.dtype(name)
    assert y.tolist() == [[5, 100], [6, 101], [7, 102]][:rows]


@pytest.mark.parametrize(
    ("type_", "kind", "spelled"),
    [
        ("double", INT64, "int64"),
        ("double", BOOL, "bool"),
        ("long", BOOL, "bool"),
        ("string", FLOAT, "float32"),
        ("double", STRING, "string"),
        ("datetime", INT64, "int64"),
        ("binary", STRING, "string"),
        ("array", STRING, "string"),
        ("any", STRING, "string"),
    ],
)
def test_a_column_of_a_type_that_would_lose_its_meaning_is_refused(type_: Any, kind: int, spelled: str) -> None:
    assert not_ready(identity(kind, [None, 1]), columns("x", type=type_)) == (
        f"the graph's input x takes {spelled}[?, 1], but column 'x' of the signature is {type_}: "
        "log it with a signature that fits its graph"
    )


def test_one_column_of_many_that_does_not_fit_is_named() -> None:
    signature = Signature(columns=(Column(name="a", type="double"), Column(name="carrier", type="string")))
    assert "takes float32[?, 2], but column 'carrier' of the signature is string" in not_ready(
        identity(FLOAT, [None, 2]), signature
    )


def test_a_tensor_of_a_type_that_would_lose_its_meaning_is_refused() -> None:
    assert "takes int64[?, 2], but tensor 't' of the signature is float32" in not_ready(
        identity(INT64, [None, 2]), tensors(t=("float32", (-1, 2)))
    )


def test_a_graph_type_that_numpy_does_not_know_is_refused() -> None:
    bfloat16 = value("x", TensorProto.BFLOAT16, [None])
    cast = node("Cast", ["x"], ["y"], to=FLOAT)
    assert not_ready(graph([cast], [bfloat16], [value("y", FLOAT, [None])]), columns("x")) == (
        "the graph's input x is tensor(bfloat16), which is not supported"
    )


@pytest.mark.parametrize("is_matrix", [False, True])
@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(
    ("kind", "type_", "far", "spelled"),
    [
        (FLOAT, "double", 1e300, "1e+300 is out of the range of the model's float32"),
        (FLOAT, "double", -1e39, "-1e+39 is out of the range of the model's float32"),
        (FLOAT16, "double", 1e5, "100000.0 is out of the range of the model's float16"),
        (FLOAT16, "long", 10**6, "1000000 is out of the range of the model's float16"),
        (TensorProto.UINT8, "long", -1, "-1 is out of the range of the model's uint8"),
        (TensorProto.INT32, "long", 2**31, "2147483648 is out of the range of the model's int32"),
        (TensorProto.UINT64, "long", -1, "-1 is out of the range of the model's uint64"),
    ],
)
def test_a_number_that_the_graph_cannot_hold_is_the_callers_error(
    kind: int, type_: Any, far: float, spelled: str, rows: int, is_matrix: bool
) -> None:
    """It would become infinite, or another number."""
    matrix = np.array([[1, 1], [1, far]][2 - rows :], np.float64 if type_ == "double" else np.int64)
    features = columns_of(["a", "b"], matrix) if is_matrix else {"a": matrix[:, 0], "b": matrix[:, 1]}
    assert mismatch(identity(kind, [None, 2]), columns("a", "b", type=type_), features) == (
        f"column 'b', row {rows - 1}: {spelled}"
    )


def test_a_tensor_that_holds_such_a_number_is_told_with_its_row() -> None:
    features = {"t": np.array([[1.0, 1.0], [1.0, 1e300]])}
    message = "row 1: 1e+300 is out of the range of the model's float32"
    assert mismatch(identity(FLOAT, [None, 2]), tensors(t=("float64", (-1, 2))), features) == f"tensor 't', {message}"
    unnamed = Signature(tensors=(Tensor(dtype="float64", shape=(-1, 2)),))
    assert mismatch(identity(FLOAT, [None, 2]), unnamed, {"": features["t"]}) == f"the tensor, {message}"


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("rows", [1, 3])
def test_a_table_that_is_one_matrix_reaches_a_graph_as_any_other(name: str, rows: int) -> None:
    features = columns_of(["a", "b"], np.array([[5, 100], [6, 101], [7, 102]][:rows]))
    y = predict(identity(kind_of(name), [None, 2]), columns("a", "b", type="long"), features)["y"]
    assert (y.dtype, y.tolist()) == (np.dtype(name), features.matrix.tolist())


@pytest.mark.parametrize("rows", [1, 2])
def test_infinite_and_missing_numbers_stay_what_they_are(rows: int) -> None:
    features = {"a": np.array([np.inf, -np.inf][:rows]), "b": np.array([np.nan, np.nan][:rows])}
    y = predict(identity(FLOAT, [None, 2]), columns("a", "b"), features)["y"]
    np.testing.assert_array_equal(y, np.array([[np.inf, np.nan], [-np.inf, np.nan]], np.float32)[:rows])
