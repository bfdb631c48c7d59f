"""What counts as a signature, and the example made from it."""

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from shared.models.coercion import KINDS
from shared.models.features import Converter
from shared.models.signature import Column, Signature, Tensor, count_rows, example
from tests.unit.models.graphs import columns, tensors


def refusal(**fields: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Signature.model_validate(fields)
    return str(caught.value.errors()[0]["msg"])


def test_a_signature_has_columns_or_tensors() -> None:
    both = {"columns": [{"name": "a", "type": "long"}], "tensors": [{"dtype": "float32", "shape": [-1]}]}
    assert "columns or tensors" in refusal(**both)


def test_inputs_have_different_names() -> None:
    assert "same name" in refusal(columns=[{"name": "a", "type": "long"}, {"name": "a", "type": "double"}])
    assert "same name" in refusal(tensors=[{"dtype": "int8", "shape": [-1]}, {"dtype": "int8", "shape": [-1]}])


@pytest.mark.parametrize("kind", ["boolean", "integer", "long"])
def test_a_type_without_a_missing_value_cannot_be_optional(kind: str) -> None:
    assert "cannot be optional" in refusal(columns=[{"name": "a", "type": kind, "required": False}])


@pytest.mark.parametrize("kind", ["complex", "tensor", "", None])
def test_other_column_types_are_refused(kind: Any) -> None:
    assert refusal(columns=[{"name": "a", "type": kind}])


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "complex64", "tomorrow", "S3", "f4,i4"])
def test_tensor_types_that_cannot_come_as_json_are_refused(dtype: str) -> None:
    assert dtype in refusal(tensors=[{"dtype": dtype, "shape": [-1]}])


def test_a_tensor_has_a_dimension_for_its_rows() -> None:
    assert refusal(tensors=[{"dtype": "float32", "shape": []}])


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_example_is_one_row_that_the_signature_takes(kind: Any) -> None:
    signature = columns("a", "b", type=kind)
    made = example(signature).features
    again = Converter(signature).arrays(made)
    assert count_rows(made) == 1
    assert {name: array.dtype for name, array in made.items()} == {name: array.dtype for name, array in again.items()}


NESTED: list[tuple[dict[str, Any], Any]] = [
    ({"type": "array", "items": {"type": "double"}}, [0.0]),
    ({"type": "array", "items": {"type": "array", "items": {"type": "string"}}}, [[""]]),
    ({"type": "map", "values": {"type": "long"}}, {"key": 0}),
    (
        {
            "type": "object",
            "properties": {
                "when": {"type": "datetime", "required": True},
                "tags": {"type": "array", "items": {"type": "boolean"}, "required": False},
            },
        },
        {"when": "2000-01-01T00:00:00", "tags": [False]},
    ),
    ({"type": "array"}, []),
    ({"type": "any"}, ""),
]


@pytest.mark.parametrize(("spec", "expected"), NESTED)
def test_the_example_holds_one_of_everything_inside(spec: dict[str, Any], expected: Any) -> None:
    signature = Signature.model_validate({"columns": [{"name": "a", **spec}]})
    again = Signature.model_validate_json(signature.model_dump_json())
    for each in (signature, again):
        assert example(each).features["a"].tolist() == [expected]


@pytest.mark.parametrize(
    "spec",
    [
        {"type": "array", "items": {"type": "sparse"}},
        {"type": "array", "items": ["double"]},
        {"type": "object", "properties": {"a": "double"}},
        {"type": "object", "properties": ["a"]},
        {"type": "map", "values": {}, "items": {"type": "long"}},
    ],
)
def test_what_holds_unknown_types_is_refused(spec: dict[str, Any]) -> None:
    assert "cannot be read" in refusal(columns=[{"name": "a", **spec}])


# As Schema.to_json and ParamSchema.to_json of MLflow 3 write them.
INPUTS = """[
    {"type": "array", "items": {"type": "double"}, "name": "a", "required": true},
    {"type": "object", "name": "o", "required": false, "properties":
        {"x": {"type": "string", "required": true},
         "y": {"type": "array", "items": {"type": "long"}, "required": false}}},
    {"type": "map", "values": {"type": "long"}, "name": "m", "required": true},
    {"type": "binary", "name": "b", "required": true},
    {"type": "datetime", "name": "d", "required": true},
    {"type": "any", "name": "any", "required": true}
]"""
PARAMS = """[
    {"name": "p", "default": 1.5, "shape": null, "type": "double"},
    {"name": "q", "default": [1, 2], "shape": [-1], "type": "long"},
    {"name": "d", "default": "2020-01-01T00:00:00", "shape": null, "type": "datetime"},
    {"name": "n", "default": null, "shape": null, "type": "string"}
]"""


def test_mlflows_own_documents_are_read() -> None:
    signature = Signature.model_validate({"columns": json.loads(INPUTS), "params": json.loads(PARAMS)})
    made = example(signature)
    assert made.params == {"p": 1.5, "q": [1, 2], "d": "2020-01-01T00:00:00", "n": None}
    assert {name: array.tolist() for name, array in made.features.items() if name != "d"} == {
        "a": [[0.0]],
        "o": [{"x": "", "y": [0]}],
        "m": [{"key": 0}],
        "b": [b""],
        "any": [""],
    }


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64", "str", "object", "string"])
def test_the_example_of_tensors_has_their_shape_with_open_sizes_one(dtype: str) -> None:
    signature = tensors(t=(dtype, (-1, 3, -1)))
    made = example(signature).features["t"]
    assert made.shape == (1, 3, 1)
    np.testing.assert_array_equal(Converter(signature).tensors([made[0].tolist()])["t"], made)


def test_mlflow_fields_of_no_use_here_are_ignored() -> None:
    assert Column.model_validate({"name": "a", "type": "long", "comment": "x"}) == Column(name="a", type="long")
    assert Tensor.model_validate({"dtype": "<f4", "shape": [-1], "x": 1}) == Tensor(dtype="<f4", shape=(-1,))
