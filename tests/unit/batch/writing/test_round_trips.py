"""Whatever was written reads back as it was, whole or cut into parts, with readers that are not ours."""

import base64
import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.batch.writing.parts import write_part
from shared.endpoints.batch_settings import Format
from tests.unit.batch.writing.written import TOLD, csv_rows, joined, json_rows, objects, parquet, table

NAMES = st.one_of(
    st.sampled_from(
        ["", "row", "input_row", "prediction_row", "p", "prediction_p", *TOLD, 'a"b', "a,\r\nb", "\x00", "é"]
    ),
    st.text(max_size=6),
)
TEXTS = st.one_of(
    st.none(), st.text(max_size=8), st.sampled_from(['"', '""', ",", "\r", "\n", "\x00", "null", '"},{"'])
)
WHOLE = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats()
FLOATS = st.floats(width=32)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
KINDS: dict[str, tuple[st.SearchStrategy[Any], Callable[[list[Any]], np.ndarray[Any, Any]]]] = {
    "text": (TEXTS, lambda values: objects(*values)),
    "whole": (WHOLE, lambda values: np.array(values, np.int64)),
    "double": (DOUBLES, lambda values: np.array(values, np.float64)),
    "float": (FLOATS, lambda values: np.array(values, np.float32)),
    "bool": (st.booleans(), lambda values: np.array(values, np.bool_)),
    "bytes": (st.none() | st.binary(max_size=4), lambda values: objects(*values)),
    "matrix": (st.tuples(DOUBLES, DOUBLES), lambda values: np.array(values, np.float64)),
    "nested": (NESTED, lambda values: objects(*values)),
}


@st.composite
def tables(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(KINDS)) -> tuple[pa.Table, dict[str, str]]:
    """A table, and by output the kind that it is of."""
    rows = draw(st.integers(1, 5))
    names = draw(st.lists(NAMES, unique=True, min_size=1, max_size=4))
    chosen = {name: draw(st.sampled_from(kinds)) for name in names}
    outputs = {}
    for name, kind in chosen.items():
        values, make = KINDS[kind]
        outputs[name] = make(draw(st.lists(values, min_size=rows, max_size=rows)))
    carried = {
        name: pa.array(draw(st.lists(TEXTS, min_size=rows, max_size=rows)), pa.string())
        for name in draw(st.lists(NAMES, unique=True, max_size=3))
    }
    numbers = draw(st.lists(st.integers(0, 2**40), min_size=rows, max_size=rows))
    made = table(outputs, carried, numbers)
    assert made.num_columns == len(set(made.column_names)) == len(outputs) + len(carried) + 5
    ordered = made.column_names[len(carried) + 1 : -4]
    return made, dict(zip(ordered, chosen.values(), strict=True))


def simple(kind: str, value: Any) -> Any:
    """As JSON means it."""
    if kind == "nested" and isinstance(value, str):
        return json.loads(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [simple(kind, each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(tables())
def test_parquet_reads_back_as_it_was(made: tuple[pa.Table, dict[str, str]]) -> None:
    written = made[0]
    found = parquet(write_part(written, "parquet"))
    assert found.schema.equals(written.schema)
    assert repr(found.to_pydict()) == repr(written.to_pydict())


@given(tables(("text", "whole", "double", "float", "bool", "bytes", "matrix")))
def test_json_lines_read_back_as_they_were(made: tuple[pa.Table, dict[str, str]]) -> None:
    written, kinds = made
    found = json_rows(write_part(written, "jsonl"))
    assert [list(row) for row in found] == [written.column_names] * written.num_rows
    for name in written.column_names:
        expected = [simple(kinds.get(name, ""), value) for value in written[name].to_pylist()]
        assert [row[name] for row in found] == expected


@given(tables(("text", "whole", "double", "float", "bool", "bytes", "matrix")))
def test_a_csv_reads_back_as_it_was(made: tuple[pa.Table, dict[str, str]]) -> None:
    written, kinds = made
    names, *rows = csv_rows(write_part(written, "csv"))
    assert names == written.column_names
    for at, name in enumerate(names):
        for row, value in zip(rows, written[name].to_pylist(), strict=True):
            assert same(kinds.get(name, "whole" if name == "row" else "text"), row[at], value)


def same(kind: str, cell: str, value: Any) -> bool:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return cell == ""
    if kind in ("double", "float"):
        return bool(float(cell) == value)
    if kind == "matrix":
        return bool(json.loads(cell) == simple(kind, value))
    if kind == "bytes":
        return bool(base64.b64decode(cell) == value)
    return cell == (str(value).lower() if kind == "bool" else str(value))


@given(st.lists(NESTED, min_size=1, max_size=5))
def test_json_values_of_any_shape_read_back_from_json_lines(values: list[Any]) -> None:
    found = json_rows(write_part(table({"out": objects(*values)}), "jsonl"))
    assert [row["out"] for row in found] == values


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@given(made=tables(), cuts=st.lists(st.integers(0, 5), max_size=3))
@example(made=(table({'a"\n': np.arange(3)}), {}), cuts=[1, 2])
def test_joined_parts_are_the_whole(made: tuple[pa.Table, dict[str, str]], cuts: list[int], format: Format) -> None:  # noqa: A002
    whole = made[0]
    borders = sorted({0, whole.num_rows, *(cut for cut in cuts if cut < whole.num_rows)})
    parts = [whole.slice(start, end - start) for start, end in pairwise(borders)]
    data = joined(parts, format)
    if format == "parquet":
        at_once = joined([whole], format)
        assert repr(parquet(data).to_pydict()) == repr(parquet(at_once).to_pydict())
        data, format = write_part(parquet(data), "jsonl"), "jsonl"  # noqa: A001 - what is empty everywhere became JSON
    assert data == write_part(whole, format)
