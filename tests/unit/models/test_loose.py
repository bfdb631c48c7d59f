"""Models that were logged without a signature take everything, by the types of the values."""

import math
from typing import Any

import numpy as np
import pytest

from shared.errors import SchemaMismatch
from shared.models.features import Converter
from shared.models.signature import Array, Signature, example

ANY = Converter(Signature())


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([True, False], "bool", [True, False]),
        ([1, -(2**63)], "int64", [1, -(2**63)]),
        ([1, 2**64], "O", [1, 2**64]),
        ([1, 10**400, 1.5], "O", [1, 10**400, 1.5]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([True, 1], "O", [True, 1]),
        ([True, None], "O", [True, None]),
        (["a", None], "O", ["a", None]),
        (["a", 1], "O", ["a", 1]),
        ([None, None], "O", [None, None]),
        ([{"a": 1}, {}], "O", [{"a": 1}, {}]),
        ([[1, 2], [3]], "O", [[1, 2], [3]]),
        ([], "O", []),
    ],
)
def test_a_column_takes_the_type_of_its_values(values: list[Any], dtype: str, expected: list[Any]) -> None:
    array = ANY.table(["c"], [[value] for value in values])["c"]
    assert (array.dtype, array.tolist()) == (np.dtype(dtype), expected)


def test_a_missing_number_is_nan() -> None:
    np.testing.assert_array_equal(ANY.table(["c"], [[1], [None]])["c"], [1.0, math.nan])
    np.testing.assert_array_equal(ANY.records([{"a": 1, "b": "x"}, {"b": "y"}])["a"], [1.0, math.nan])


def test_infinity_is_refused() -> None:
    with pytest.raises(SchemaMismatch, match="column 'c', row 1: the value is not a finite number"):
        ANY.table(["c"], [[1.0], [math.inf]])


def test_columns_without_names_are_numbered() -> None:
    assert {name: array.tolist() for name, array in ANY.table(None, [[1, "a"], [2, "b"]]).items()} == {
        "0": [1, 2],
        "1": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("names", "rows", "message"),
    [
        (None, [[1], [1, 2]], "row 1 has 2 values, but there are 1 columns"),
        (["a", "b"], [[1]], "row 0 has 1 values, but there are 2 columns"),
        (["a", "a"], [[1, 2]], "a column name is given twice"),
        (["a", "a"], [], "a column name is given twice"),
    ],
)
def test_a_table_is_held_to_its_form(names: list[str] | None, rows: Any, message: str) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        ANY.table(names, rows)
    assert caught.value.message == message


def test_lists_become_arrays() -> None:
    assert ANY.tensors([[1, 2], [3, 4]])[""].tolist() == [[1, 2], [3, 4]]
    assert ANY.tensors([[1, 2.5]])[""].dtype == np.float64
    nested = ANY.tensors({"tokens": [[1, 2], [3, 4]], "mask": [[True, False], [True, True]], "id": ["a", "b"]})
    assert {name: (array.dtype.kind, array.shape) for name, array in nested.items()} == {
        "tokens": ("i", (2, 2)),
        "mask": ("b", (2, 2)),
        "id": ("O", (2,)),
    }
    assert {name: array.tolist() for name, array in ANY.columns({"a": 1, "b": "x"}).items()} == {"a": [1], "b": ["x"]}


def test_ragged_lists_are_refused() -> None:
    with pytest.raises(SchemaMismatch, match="the list is ragged"):
        ANY.tensors([[1], [1, 2]])


def test_typed_arrays_stay_as_they_are() -> None:
    given: dict[str, Array] = {"a": np.array([math.inf], np.float16), "b": np.array([[1, 2]], np.int8)}
    assert ANY.arrays(given) == given
    with pytest.raises(SchemaMismatch, match="column 'b' has 1 values, but others have 2"):
        ANY.arrays({"a": np.zeros(2), "b": np.zeros(1)})


def test_the_example_is_nothing() -> None:
    assert example(Signature()) == ({}, {})
