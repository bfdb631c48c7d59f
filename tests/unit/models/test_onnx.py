"""The onnx flavor: how columns and tensors reach a graph, and what a graph may do wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import external_data_helper, helper, numpy_helper

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.features import Converter
from shared.models.flavors import onnx
from shared.models.signature import Column, Features, Signature, Tensor
from tests.unit.models.graphs import (
    BOOL,
    FLOAT,
    FLOAT16,
    INT64,
    STRING,
    columns,
    graph,
    identity,
    lookup,
    node,
    tensors,
    value,
)


def predict(data: bytes, signature: Signature, features: Features) -> dict[str, list[Any]]:
    outputs = onnx.load(data, {}, signature, ONE).predict(features, {}, None)
    return {name: array.tolist() for name, array in outputs.items()}


def not_ready(data: bytes, signature: Signature) -> str:
    with pytest.raises(ModelNotReady) as caught:
        onnx.load(data, {}, signature, ONE)
    assert "\n" not in caught.value.message
    return caught.value.message


def failure(data: bytes, signature: Signature, features: Features) -> str:
    with pytest.raises(ScoringFailed) as caught:
        onnx.load(data, {}, signature, ONE).predict(features, {}, None)
    assert "\n" not in caught.value.message
    return caught.value.message


def added(shape: tuple[int | str | None, ...]) -> bytes:
    """`y = a - b`: not the same when the inputs are mixed up."""
    inputs = [value("b", FLOAT, shape), value("a", FLOAT, shape)]
    return graph([node("Sub", ["a", "b"], ["y"])], inputs, [value("y", FLOAT, shape)])


ONE = onnx.OnnxOptions(threads=1)
AB: Features = {"a": np.array([5.0, 7.0]), "b": np.array([1.0, 2.0])}


def test_one_input_takes_all_columns_in_the_order_of_the_signature() -> None:
    rows = [[1.5, 2.5, 3.5], [4.5, 5.5, 6.5]]
    signature = columns("c", "a", "b")
    features = Converter(signature).table(["a", "b", "c"], rows)
    outputs = predict(identity(FLOAT, [None, 3], "input"), signature, features)
    assert outputs == {"y": [[3.5, 1.5, 2.5], [6.5, 4.5, 5.5]]}


def test_one_input_takes_columns_of_several_types() -> None:
    signature = Signature(columns=(Column(name="a", type="long"), Column(name="b", type="boolean")))
    features = {"a": np.array([3]), "b": np.array([True])}
    assert predict(identity(FLOAT, [None, 2]), signature, features) == {"y": [[3.0, 1.0]]}


@pytest.mark.parametrize("shape", [(None, 1), (None,), ("rows", 1)])
def test_one_input_a_column_is_matched_by_name(shape: tuple[int | str | None, ...]) -> None:
    assert predict(added(shape), columns("a", "b"), AB) == {"y": [4.0, 5.0]}


def test_a_column_that_the_graph_does_not_take_is_left_out() -> None:
    features = {**AB, "c": np.array(["x", "y"], dtype=object)}
    signature = Signature(columns=(*columns("a", "b").columns, Column(name="c", type="string")))
    assert predict(added((None, 1)), signature, features) == {"y": [4.0, 5.0]}


@pytest.mark.parametrize(
    ("kind", "type_", "given"),
    [
        (STRING, "string", ["a", "ü", ""]),
        (INT64, "long", [2**62 + 1, -1, 0]),
        (BOOL, "boolean", [True, False, True]),
        (FLOAT16, "double", [0.5, -2.0, 0.0]),
        (FLOAT, "double", [0.5, -2.0, 0.0]),
    ],
)
def test_types_pass_through_a_graph(kind: int, type_: Any, given: list[Any]) -> None:
    signature = columns("x", type=type_)
    features = Converter(signature).table(["x"], [[each] for each in given])
    assert predict(identity(kind, [None, 1]), signature, features) == {"y": given}


def test_tensors_are_matched_by_name() -> None:
    signature = tensors(a=("float32", (-1, 2)), b=("float32", (-1, 2)))
    ones = np.ones((1, 2), np.float32)
    assert predict(added((None, 2)), signature, {"a": ones * 3, "b": ones}) == {"y": [[2.0, 2.0]]}


def test_one_tensor_reaches_the_only_input_whatever_its_name() -> None:
    signature = Signature(tensors=(Tensor(dtype="float64", shape=(-1, 2)),))
    assert predict(identity(FLOAT, [None, 2]), signature, {"": np.array([[1.0, 2.0]])}) == {"y": [[1.0, 2.0]]}


def test_inputs_that_the_signature_does_not_name_make_the_model_not_ready() -> None:
    message = "the graph takes b, which the signature does not name"
    assert not_ready(added((None, 1)), columns("a", "z")) == message
    assert not_ready(added((None,)), tensors(a=("float32", (-1,)), z=("float32", (-1,)))) == message


@pytest.mark.parametrize("data", [b"", b"junk", b"\0" * 100])
def test_bytes_that_are_no_graph_make_the_model_not_ready(data: bytes) -> None:
    assert not_ready(data, columns("a")).startswith("the ONNX graph cannot be loaded: ")


def test_a_graph_with_an_unknown_operator_makes_the_model_not_ready() -> None:
    data = graph([node("Nope", ["x"], ["y"])], [value("x", FLOAT, [None])], [value("y", FLOAT, [None])])
    assert "Nope" in not_ready(data, columns("x"))


def test_a_graph_whose_weights_are_nowhere_makes_the_model_not_ready_and_tells_no_path() -> None:
    data, _ = _with_weights_in("absent/weights.bin")
    message = not_ready(data, columns("a", "b", "c"))
    assert "External data" in message
    assert "weights.bin" not in message
    assert str(Path.cwd()) not in message


def _with_weights_in(location: str) -> tuple[bytes, bytes]:
    """A graph that adds three weights, and those weights as the file that it names."""
    weights = numpy_helper.from_array(np.arange(3, dtype=np.float32), "w")
    content = weights.raw_data
    external_data_helper.set_external_data(weights, location)
    weights.ClearField("raw_data")
    inputs, outputs = [value("x", FLOAT, [None, 3])], [value("y", FLOAT, [None, 3])]
    body = helper.make_graph([node("Add", ["x", "w"], ["y"])], "tiny", inputs, outputs, [weights])
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString(), content


def test_weights_in_a_file_of_their_own_come_from_the_package() -> None:
    """As MLflow saves larger models, unless it is told not to."""
    data, content = _with_weights_in("w.data")
    model = onnx.load(data, {"w.data": content}, columns("a", "b", "c"), ONE)
    assert model.predict({name: np.zeros(1) for name in "abc"}, {}, None)["y"].tolist() == [[0.0, 1.0, 2.0]]


def test_weights_are_never_taken_from_the_folder_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, content = _with_weights_in("w.data")
    (tmp_path / "w.data").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert "External data" in not_ready(data, columns("a", "b", "c"))


def test_a_model_that_raises_says_so_in_one_line_without_a_path() -> None:
    """The runtime's own message for this names the C++ file and line."""
    data = graph(
        [node("Reshape", ["x", "shape"], ["y"], name="/head/Reshape")],
        [value("x", FLOAT, [None, None])],
        [value("y", FLOAT, None)],
        shape=np.array([2, 2], np.int64),
    )
    message = failure(data, columns("a", "b", "c"), {name: np.zeros(1) for name in "abc"})
    assert message.startswith("the model failed: ")
    assert "while running Reshape node" in message
    assert "onnxruntime/" not in message
    assert ".h:" not in message
    assert "/head/Reshape" in message


def test_the_lookup_fails_only_for_an_index_that_is_not_there() -> None:
    signature = columns("index", type="long")
    assert predict(lookup(3), signature, {"index": np.array([2, 0])}) == {"y": [20.0, 0.0]}
    assert "out of data bounds" in failure(lookup(3), signature, {"index": np.array([3])})
