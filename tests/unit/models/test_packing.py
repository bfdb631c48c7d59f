"""Rows without true, false, NaN and infinity are packed in one go, and come out as they do one by one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SchemaMismatch
from shared.models.features import Converter
from shared.models.packing import packer
from shared.models.signature import Array
from tests.unit.models.graphs import tensors

DTYPES = ("float16", "float32", "float64", "int8", "int32", "int64", "uint8", "uint64")
VALUES: st.SearchStrategy[Any] = (
    st.integers(-(2**65), 2**65)
    | st.integers(-200, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([None, "1", "a", [], {}, [1.0], 65520.0, 3.5e38, 10**400])
)
ROWS = st.lists(st.lists(VALUES, max_size=3) | VALUES, max_size=3)


def outcome(dtype: str, rows: Any, *, are_plain: bool) -> tuple[Any, ...]:
    try:
        array = Converter(tensors(t=(dtype, (-1, 2)))).tensors(rows, are_plain=are_plain)["t"]
    except SchemaMismatch as error:
        return ("refused", error.message)
    return (array.dtype, array.shape, array.tobytes())


@given(st.sampled_from(DTYPES), ROWS)
def test_all_values_end_as_they_do_one_by_one(dtype: str, rows: list[Any]) -> None:
    assert outcome(dtype, rows, are_plain=True) == outcome(dtype, rows, are_plain=False)


@given(st.sampled_from(DTYPES), st.lists(st.lists(st.integers(0, 100), min_size=2, max_size=2), min_size=1))
def test_rows_of_numbers_are_packed(dtype: str, rows: list[list[int]]) -> None:
    packed = packed_by(dtype, rows)
    assert packed is not None
    assert packed.tolist() == rows
    assert packed.dtype == dtype


def test_packed_rows_can_be_written_to() -> None:
    packed = packed_by("float32", [[1.0, 2.0]])
    assert packed is not None
    packed += 1
    assert packed.tolist() == [[2.0, 3.0]]


@pytest.mark.parametrize("rows", [[], [[1]], [[1, 2], [1, 2, 3]], [["1", 2]], [[None, 2]], [3], ["ab"], [[2**70, 0.5]]])
def test_what_is_no_row_of_fitting_numbers_is_not_packed(rows: list[Any]) -> None:
    assert packed_by("int64", rows) is None


@pytest.mark.parametrize("dtype", ["bool", "object"])
def test_other_types_are_not_packed(dtype: str) -> None:
    assert packer(np.dtype(dtype), 2) is None


def packed_by(dtype: str, rows: list[Any]) -> Array | None:
    pack = packer(np.dtype(dtype), 2)
    assert pack is not None
    return pack(rows)
