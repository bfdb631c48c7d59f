"""What a graph returns: tensors, and the zipmaps of classifiers, as named arrays."""

from typing import Any

import numpy as np
import pytest
from onnx import helper

from shared.errors import ModelNotReady, ScoringFailed
from shared.models.flavors import onnx
from shared.models.flavors.onnx_outputs import Outputs
from shared.models.signature import Output, Signature
from tests.unit.models.graphs import FLOAT, INT64, STRING, columns, graph, identity, node, value

ONE = onnx.OnnxOptions(threads=1)
AB = {"a": np.array([0.25, 1.0]), "b": np.array([0.75, 0.0])}


def classifier(kind: int, shape: tuple[int | None, int] = (None, 2), **classes: Any) -> bytes:
    """What skl2onnx makes of a classifier unless zipmap is switched off."""
    floats = helper.make_map_type_proto(kind, helper.make_tensor_type_proto(FLOAT, None))
    maps = helper.make_value_info("p", helper.make_sequence_type_proto(floats))
    zipmap = node("ZipMap", ["x"], ["p"], domain="ai.onnx.ml", **classes)
    label = node("ArgMax", ["x"], ["label"], axis=1, keepdims=0)
    return graph([label, zipmap], [value("x", FLOAT, shape)], [value("label", INT64, [None]), maps])


@pytest.mark.parametrize("first", [None, 1])
def test_a_zipmap_becomes_a_column_a_class(first: int | None) -> None:
    model = onnx.load(classifier(INT64, (first, 2), classlabels_int64s=[0, 1]), {}, columns("a", "b"), ONE)
    outputs = model.predict(AB, {}, None)
    assert {name: array.tolist() for name, array in outputs.items()} == {
        "label": [1, 0],
        "p_0": [0.25, 1.0],
        "p_1": [0.75, 0.0],
    }
    assert {name: str(array.dtype) for name, array in outputs.items()} == {
        "label": "int64",
        "p_0": "float32",
        "p_1": "float32",
    }


def test_the_classes_of_a_zipmap_are_known_before_the_first_request() -> None:
    model = onnx.load(classifier(STRING, classlabels_strings=["late", "on time"]), {}, columns("a", "b"), ONE)
    assert model.outputs == (
        Output(name="label", type="int64"),
        Output(name="p_late", type="float32"),
        Output(name="p_on time", type="float32"),
    )
    assert list(model.predict(AB, {}, None)) == [output.name for output in model.outputs]


def test_a_model_that_refuses_zeros_tells_its_classes_after_the_first_request() -> None:
    """Looks up what is three places before `x`."""
    floats = helper.make_map_type_proto(INT64, helper.make_tensor_type_proto(FLOAT, None))
    nodes = [
        node("Gather", ["table", "x"], ["rows"]),
        node("ZipMap", ["rows"], ["p"], domain="ai.onnx.ml", classlabels_int64s=[7]),
        node("Sub", ["x", "one"], ["at"]),
        node("Gather", ["few", "at"], ["y"]),
    ]
    maps = helper.make_value_info("p", helper.make_sequence_type_proto(floats))
    data = graph(
        nodes,
        [value("x", INT64, [None])],
        [maps, value("y", FLOAT, [None])],
        table=np.zeros((2, 1), np.float32),
        one=np.array(3, np.int64),
        few=np.zeros(2, np.float32),
    )
    model = onnx.load(data, {}, columns("x", type="long"), ONE)
    assert model.outputs == (Output(name="y", type="float32"),)
    model.predict({"x": np.array([1])}, {}, None)
    assert [output.name for output in model.outputs] == ["p_7", "y"]


class Entry:
    """What a session tells of an output."""

    type = "seq(map(string,tensor(float)))"
    name = "p"


def test_a_row_without_one_of_the_classes_fails_as_the_model() -> None:
    with pytest.raises(ScoringFailed, match="a row of the output p has no class 'b'"):
        Outputs([Entry()], ()).read([[{"a": 0.5, "b": 0.5}, {"a": 1.0}]])


@pytest.mark.parametrize("kind", ["seq", "optional"])
def test_an_output_that_is_neither_is_refused(kind: str) -> None:
    floats = helper.make_tensor_type_proto(FLOAT, [None])
    made = helper.make_sequence_type_proto(floats) if kind == "seq" else helper.make_optional_type_proto(floats)
    operator = {"seq": "SequenceConstruct", "optional": "Optional"}[kind]
    data = graph([node(operator, ["x"], ["s"])], [value("x", FLOAT, [None])], [helper.make_value_info("s", made)])
    with pytest.raises(ModelNotReady) as caught:
        onnx.load(data, {}, columns("x"), ONE)
    assert caught.value.message == (
        f"the graph's output s is {kind}(tensor(float)), which is not supported: export the model with tensors only"
    )


def test_outputs_are_described_as_they_come() -> None:
    data = graph(
        [node("Identity", ["x"], [name]) for name in ("plain", "wide", "any")],
        [value("x", FLOAT, [None, None])],
        [
            value("plain", FLOAT, [None, 1]),
            value("wide", FLOAT, [None, 3]),
            value("any", FLOAT, ["rows", "columns"]),
        ],
    )
    described = onnx.load(data, {}, columns("a", "b"), ONE).outputs
    assert {output.name: (output.type, output.shape) for output in described} == {
        "plain": ("float32", (-1,)),
        "wide": ("float32", (-1, 3)),
        "any": ("float32", (-1, -1)),
    }


def test_the_signature_tells_the_shape_of_an_output_where_the_graph_does_not() -> None:
    told = Output(name="y", type="float", shape=(-1, 2))
    signature = Signature(columns=columns("a", "b").columns, outputs=(told,))
    assert onnx.load(identity(FLOAT, None), {}, signature, ONE).outputs == (
        Output(name="y", type="float32", shape=(-1, 2)),
    )


def test_only_an_output_of_one_column_becomes_a_plain_one() -> None:
    outputs = onnx.load(identity(FLOAT, [None, None]), {}, columns("a", "b"), ONE).predict(AB, {}, None)
    assert outputs["y"].shape == (2, 2)
    outputs = onnx.load(identity(FLOAT, [None, None]), {}, columns("a"), ONE).predict({"a": AB["a"]}, {}, None)
    assert outputs["y"].shape == (2,)
