"""Columns of a Parquet file, also of lists, become tensors; rows that do not are set aside."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.errors import UnreadableInput
from shared.models.signature import Signature, Tensor
from tests.support.parquet import packed, read
from tests.support.reading import MemorySource, plan


def one(*shape: int, dtype: str = "float32", name: str = "x") -> Signature:
    return Signature(tensors=(Tensor(name=name, dtype=dtype, shape=(-1, *shape)),))


FLOATS = pa.list_(pa.float64())


@pytest.mark.parametrize("kind", [FLOATS, pa.large_list(pa.float32()), pa.list_(pa.int64(), 2)])
@pytest.mark.parametrize("name", ["x", "pixels"])
def test_a_column_of_lists_is_a_tensor(kind: pa.DataType, name: str) -> None:
    rows = read(packed(pa.table({name: pa.array([[1, 2], [3, 4], [5, 6]], kind)})), one(2))
    assert rows.features["x"].dtype == np.float32
    assert rows.features["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert rows.numbers.tolist() == [0, 1, 2]


def test_lists_in_lists_are_a_tensor_of_more_dimensions() -> None:
    images = np.arange(48, dtype=np.float32).reshape(2, 2, 3, 4)
    rows = read(packed(pa.table({"x": images.tolist(), "id": ["p", "q"]})), one(2, 3, 4), output_columns=["id"])
    np.testing.assert_array_equal(rows.features["x"], images)
    assert rows.carried["id"].to_pylist() == ["p", "q"]


@pytest.mark.parametrize("bad", [None, [1.0], [1.0, 2.0, 3.0], []])
def test_a_row_of_another_shape_is_set_aside(bad: Any) -> None:
    column = pa.array([[1, 2], bad, [3, 4], bad, [5, 6]], FLOATS)
    rows = read(packed(pa.table({"x": column})), one(2))
    assert rows.features["x"].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert [entry.row for entry in rows.rejected] == [1, 3]


def test_a_missing_number_is_nan_where_the_type_has_it() -> None:
    data = packed(pa.table({"x": pa.array([[1, None], [3, 4]], pa.list_(pa.int32()))}))
    assert math.isnan(read(data, one(2)).features["x"][0, 1])
    rows = read(data, one(2, dtype="int32"))
    assert rows.features["x"].tolist() == [[3, 4]]
    assert [entry.row for entry in rows.rejected] == [0]


def test_all_columns_make_the_one_tensor() -> None:
    data = {"p": pa.array([1, 2, 3], pa.int64()), "q": pa.array([0.5, None, float("inf")])}
    rows = read(packed(pa.table(data)), one(2, name=""), output_columns=["*"])
    np.testing.assert_array_equal(rows.features[""], np.array([[1, 0.5], [2, np.nan], [3, np.inf]], np.float32))
    assert list(rows.carried) == ["p", "q"]
    rows = read(packed(pa.table(data)), one(2, dtype="int64"))
    assert [len(rows.numbers), len(rows.rejected)] == [0, 3]
    large = packed(pa.table({"p": [2**62 + 1], "q": pa.array([1], pa.int8())}))
    assert read(large, one(2, dtype="int64")).features["x"].tolist() == [[2**62 + 1, 1]]


def test_several_tensors_are_found_by_name() -> None:
    both = Signature(
        tensors=(Tensor(name="x", dtype="float64", shape=(-1, 2)), Tensor(name="y", dtype="string", shape=(-1,)))
    )
    rows = read(packed(pa.table({"y": ["p", "q"], "other": [1, 2], "x": [[1.0, 2.0], [3.0, 4.0]]})), both)
    assert rows.features["x"].tolist() == [[1, 2], [3, 4]]
    assert rows.features["y"].tolist() == ["p", "q"]
    with pytest.raises(UnreadableInput, match="the header lacks the columns x"):
        plan(MemorySource(packed(pa.table({"y": ["p"]})), "day.parquet"), both)
