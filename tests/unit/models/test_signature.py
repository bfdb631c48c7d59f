"""What counts as a signature, and the example made from it."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

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


@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "float", "double", "string"])
def test_the_example_is_one_row_that_the_signature_takes(kind: Any) -> None:
    signature = columns("a", "b", type=kind)
    made = example(signature).features
    again = Converter(signature).table(["a", "b"], [[made["a"].tolist()[0], made["b"].tolist()[0]]])
    assert count_rows(made) == 1
    assert {name: array.dtype for name, array in made.items()} == {name: array.dtype for name, array in again.items()}


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float64", "str", "object", "string"])
def test_the_example_of_tensors_has_their_shape_with_open_sizes_one(dtype: str) -> None:
    signature = tensors(t=(dtype, (-1, 3, -1)))
    made = example(signature).features["t"]
    assert made.shape == (1, 3, 1)
    np.testing.assert_array_equal(Converter(signature).tensors([made[0].tolist()])["t"], made)


def test_mlflow_fields_of_no_use_here_are_ignored() -> None:
    assert Column.model_validate({"name": "a", "type": "long", "comment": "x"}) == Column(name="a", type="long")
    assert Tensor.model_validate({"dtype": "<f4", "shape": [-1], "x": 1}) == Tensor(dtype="<f4", shape=(-1,))
