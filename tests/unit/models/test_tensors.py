"""From nested lists to the arrays that a tensor signature asks for."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SchemaMismatch
from shared.models.features import Converter
from shared.models.signature import Signature, Tensor
from tests.unit.models.graphs import tensors


def convert(dtype: str, shape: tuple[int, ...], value: Any) -> np.ndarray[Any, Any]:
    return Converter(tensors(t=(dtype, shape))).tensors({"t": value})["t"]


def refusal(signature: Signature, values: Any) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        Converter(signature).tensors(values)
    return caught.value.message


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("float32", [[1.5, 2], [3, 4]]),
        ("float64", [[1, 2], [3, 2**70]]),
        ("int8", [[-128, 127]]),
        ("int64", [[2**63 - 1, -(2**63)], [2**53 + 1, 0]]),
        ("uint64", [[2**64 - 1, 2**63]]),
        ("bool", [[True, False]]),
        ("str", [["a", "ü"], ["1", ""]]),
        ("object", [["trailing\0", "x"]]),
        ("string", [["a", "b"]]),
    ],
)
def test_values_of_the_type_come_through_unchanged(dtype: str, value: Any) -> None:
    array = convert(dtype, (-1, 2), value)
    assert array.tolist() == value
    assert array.dtype == np.dtype("O" if dtype in {"str", "object", "string"} else dtype)


@pytest.mark.parametrize(
    ("dtype", "value", "reason"),
    [
        ("float32", [["1", "2"]], "at [0, 0]: '1' is not a number"),
        ("float32", [[1.0, "2"]], "at [0, 1]: '2' is not a number"),
        ("float32", [[1.0, None]], "at [0, 1]: None is not a number"),
        ("float32", [[True, 1.0]], "at [0, 0]: True is not a number"),
        ("float32", [[{}, 1.0]], "at [0, 0]: {} is not a number"),
        ("int64", [[1, 2], [3, True]], "at [1, 1]: True is not a whole number"),
        ("bool", [[0, 1]], "at [0, 0]: 0 is not true or false"),
        ("bool", [[True, 5.0]], "at [0, 1]: 5.0 is not true or false"),
        ("str", [["a", 1]], "at [0, 1]: 1 is not a text"),
        ("str", [["a", None]], "at [0, 1]: None is not a text"),
    ],
)
def test_values_of_another_type_are_refused_and_never_reread(dtype: str, value: Any, reason: str) -> None:
    assert refusal(tensors(t=(dtype, (-1, 2))), {"t": value}) == f"tensor 't', {reason}"


@pytest.mark.parametrize(
    ("value", "reason"),
    [("ab", "'ab' is not a number"), ({"a": 1}, "{'a': 1} is not a number"), (None, "None is not a number")],
)
def test_what_is_no_list_is_refused(value: Any, reason: str) -> None:
    assert refusal(tensors(t=("float32", (-1, 2))), {"t": value}) == f"tensor 't': {reason}"


@pytest.mark.parametrize(
    ("dtype", "bad"),
    [
        ("int8", 128),
        ("uint8", -1),
        ("uint8", 256),
        ("int32", 2**40),
        ("int64", 2**63),
        ("uint64", -1),
        ("uint64", 2**64),
        ("int64", float(2**54)),
        ("int64", 1.5),
    ],
)
def test_a_whole_number_out_of_range_is_refused_and_never_wraps_around(dtype: str, bad: Any) -> None:
    message = refusal(tensors(t=(dtype, (-1,))), {"t": [1, bad]})
    assert message == f"tensor 't', at [1]: {bad} is not a whole number of type {dtype}"


@pytest.mark.parametrize(("dtype", "bad"), [("float64", 10**400), ("float32", 1e39), ("float16", 70_000)])
def test_a_number_that_would_become_infinite_is_refused(dtype: str, bad: Any) -> None:
    message = refusal(tensors(t=(dtype, (-1,))), {"t": [1, bad]})
    assert message.endswith(f"is too large for type {dtype}")
    assert len(message) < 100


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_refused(bad: float) -> None:
    message = refusal(tensors(t=("float64", (-1, 2))), {"t": [[1, bad]]})
    assert message == "tensor 't', at [0, 1]: the value is not a finite number"


def test_whole_numbers_may_come_with_a_point() -> None:
    array = convert("int64", (-1,), [1.0, 2, -0.0])
    assert (array.dtype, array.tolist()) == (np.int64, [1, 2, 0])


@pytest.mark.parametrize("value", [[[1, 2], [3]], [[1, 2], 3], [[[1], [2]], [[3]]], [[], [1, 2]]])
def test_ragged_lists_are_refused(value: Any) -> None:
    assert "is ragged" in refusal(tensors(t=("float32", (-1, 2))), {"t": value})


@pytest.mark.parametrize(
    ("shape", "value", "was"),
    [
        ((-1, 2), [[1.0, 2.0, 3.0]], [1, 3]),
        ((-1, 2), [1.0, 2.0], [2]),
        ((-1,), [[1.0]], [1, 1]),
        ((1, 2), [[1.0, 2.0], [3.0, 4.0]], [2, 2]),
        ((-1, 2), [], [0]),
        ((-1,), 1.0, []),
    ],
)
def test_another_shape_is_refused(shape: tuple[int, ...], value: Any, was: list[int]) -> None:
    message = refusal(tensors(t=("float32", shape)), {"t": value})
    assert message == f"tensor 't' has the shape {was}, but the model takes {list(shape)}"


def test_any_size_is_taken_where_the_shape_leaves_it_open() -> None:
    assert convert("float32", (-1, -1, 3), [[[1, 2, 3]] * 5] * 4).shape == (4, 5, 3)
    assert convert("float32", (-1,), []).shape == (0,)


def test_one_tensor_may_come_without_its_name() -> None:
    assert Converter(tensors(t=("float32", (-1,)))).tensors([1.0])["t"].tolist() == [1.0]


def test_an_unnamed_tensor_comes_as_a_list_only() -> None:
    signature = Signature(tensors=(Tensor(dtype="float32", shape=(-1,)),))
    assert Converter(signature).tensors([1.0])[""].tolist() == [1.0]
    assert refusal(signature, {"t": [1.0]}) == "the model takes one unnamed tensor: send it as a list"
    assert refusal(signature, ["a"]) == "the tensor, at [0]: 'a' is not a number"


def test_several_tensors_are_matched_by_name() -> None:
    signature = tensors(tokens=("int64", (-1, 2)), mask=("bool", (-1, 2)))
    features = Converter(signature).tensors({"mask": [[True, False]], "other": "left out", "tokens": [[1, 2]]})
    assert {name: array.tolist() for name, array in features.items()} == {"tokens": [[1, 2]], "mask": [[True, False]]}
    assert refusal(signature, [[1, 2]]) == "the model takes named tensors: tokens, mask"
    assert refusal(signature, {"mask": [[True, False]]}) == "missing tensors: tokens"


def test_several_tensors_have_the_same_number_of_rows() -> None:
    message = refusal(tensors(a=("int64", (-1,)), b=("int64", (-1,))), {"a": [1, 2], "b": [1]})
    assert message == "the tensors differ in their number of rows"


def test_one_long_text_among_many_costs_no_more_than_itself() -> None:
    """As fixed-width texts these would take 400 GB."""
    value = ["x" * 1_000_000, *["a"] * 100_000]
    assert convert("str", (-1,), value).tolist() == value


def test_lists_deeper_than_any_array_are_refused() -> None:
    value: Any = 1.0
    for _ in range(1000):
        value = [value]
    assert "ragged" in refusal(tensors(t=("float32", (-1,))), {"t": value})


leaves = st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=3)
nested = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3), max_leaves=8)


@given(
    dtype=st.sampled_from(["bool", "int8", "int64", "uint64", "float16", "float32", "float64", "str"]),
    depth=st.integers(1, 3),
    value=nested,
)
def test_anything_converts_without_wrapping_or_is_refused(dtype: str, depth: int, value: Any) -> None:
    try:
        array = convert(dtype, (-1,) * depth, value)
    except SchemaMismatch:
        return
    if not dtype.startswith("float"):
        assert array.tolist() == value
    assert array.ndim == depth
