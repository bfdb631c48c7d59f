"""Columns of the input, of any type that Parquet has, in the texts of the other formats."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.batch.writing.json_values import json_column
from tests.unit.batch.writing.written import cells, table

NOON = datetime(2020, 1, 2, 12)  # noqa: DTZ001 - a column without a time zone
UNSIGNED = pa.array([0, None], pa.uint8())
CASES: list[tuple[pa.Array, list[Any], list[str]]] = [
    # the column, and what is in JSON Lines and in CSV
    (pa.array([1, None]), [1, None], ["1", ""]),
    (pa.array([0.1, None], pa.float32()), [float(np.float32(0.1)), None], [repr(float(np.float32(0.1))), ""]),
    (pa.array(["a", None], pa.large_string()), ["a", None], ["a", ""]),
    (pa.array(["a", None], pa.string_view()), ["a", None], ["a", ""]),
    (pa.array([b"a", None], pa.binary(1)), ["YQ==", None], ["YQ==", ""]),
    (pa.array([b"a", None], pa.large_binary()), ["YQ==", None], ["YQ==", ""]),
    (pa.array([b"a", None], pa.binary_view()), ["YQ==", None], ["YQ==", ""]),
    (pa.array(["a", None]).dictionary_encode(), ["a", None], ["a", ""]),
    (pa.array([0.5, None]).dictionary_encode(), [0.5, None], ["0.5", ""]),
    (pa.DictionaryArray.from_arrays(UNSIGNED, [0.5]), [0.5, None], ["0.5", ""]),
    (
        pa.ListArray.from_arrays([0, 2, 2], pa.DictionaryArray.from_arrays(UNSIGNED, ["a"])),
        [["a", None], []],
        ['["a",null]', "[]"],
    ),
    (pa.array([NOON, None], pa.timestamp("s")), ["2020-01-02T12:00:00", None], ["2020-01-02T12:00:00", ""]),
    (
        pa.array([NOON, None], pa.timestamp("ms", "America/New_York")),
        ["2020-01-02T12:00:00.000Z", None],
        ["2020-01-02T12:00:00.000Z", ""],
    ),
    (
        pa.array([NOON, None], pa.timestamp("s")).dictionary_encode(),
        ["2020-01-02T12:00:00", None],
        ["2020-01-02T12:00:00", ""],
    ),
    (pa.array([date(2020, 1, 2), None]), ["2020-01-02", None], ["2020-01-02", ""]),
    (pa.array([date(2020, 1, 2), None], pa.date64()), ["2020-01-02", None], ["2020-01-02", ""]),
    (pa.array([time(1, 2, 3), None], pa.time32("s")), ["01:02:03", None], ["01:02:03", ""]),
    (pa.array([5, None], pa.duration("ns")), [5, None], ["5", ""]),
    (pa.array([Decimal("1.10"), None]), ["1.10", None], ["1.10", ""]),
    (pa.array([[1, None], None]), [[1, None], None], ["[1,null]", ""]),
    (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), [[1, 2], None], ["[1,2]", ""]),
    (pa.array([[1], None], pa.large_list(pa.int8())), [[1], None], ["[1]", ""]),
    (pa.array([[NOON], None]), [["2020-01-02T12:00:00.000000"], None], ['["2020-01-02T12:00:00.000000"]', ""]),
    (pa.array([{"a": [b"a"]}, None]), [{"a": ["YQ=="]}, None], ['{"a":["YQ=="]}', ""]),
    (pa.array([{}, None], pa.struct([])), [{}, None], ["{}", ""]),
    (pa.array([[(1, "a")], None], pa.map_(pa.int8(), pa.string())), [{"1": "a"}, None], ['{"1":"a"}', ""]),
    (pa.ListArray.from_arrays([0, 1, 2], json_column(["a", None])), [['"a"'], [None]], ['["\\"a\\""]', "[null]"]),
    (pa.nulls(2), [None, None], ["", ""]),
    (json_column(["a", None]), ['"a"', None], ['"a"', ""]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "in_json", "in_csv"), CASES, ids=lambda case: str(getattr(case, "type", "")))
def test_columns_of_every_type_are_readable_as_text(column: pa.Array, in_json: list[Any], in_csv: list[str]) -> None:
    # A slice, as columns come that are a part of a row group.
    sliced = pa.concat_arrays([column, column]).slice(1, 3)
    written = table({"p": np.arange(3)}, {"x": sliced})
    assert cells(written, "x", "jsonl") == [in_json[1], *in_json]
    assert cells(written, "x", "csv") == [in_csv[1], *in_csv]


@pytest.mark.parametrize(
    "column", [case[0] for case in CASES if case[0].type != pa.struct([])], ids=lambda c: str(c.type)
)
def test_columns_of_every_type_keep_their_values_in_parquet(column: pa.Array) -> None:
    if pa.types.is_fixed_size_list(column.type):
        column = column.drop_null()  # pyarrow writes no others
    expected = column.storage if isinstance(column, pa.ExtensionArray) else column
    assert cells(table({"p": np.arange(len(column))}, {"x": column}), "x", "parquet") == expected.to_pylist()
