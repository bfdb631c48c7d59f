"""Names of columns come from models and from files: whatever they are, each column is found again under its own."""

import numpy as np
import pyarrow as pa
import pytest

from shared.endpoints.batch_settings import Format
from tests.unit.batch.writing.written import FORMATS, TOLD, csv_rows, joined, json_rows, parquet, table

HOSTILE = [
    "",
    " ",
    '"',
    '""',
    "\n",
    '"\n"',
    "a,b",
    "\r\n",
    "\x00",
    "'",
    "=1+1",
    "a.b",
    "..",
    "é\u202e",
    "x" * 5000,
    "0",
]


def found(data: bytes, format: Format) -> dict[str, list[str]]:  # noqa: A002
    """By name the values, as text."""
    if format == "csv":
        names, *rows = csv_rows(data)
        assert len(set(names)) == len(names)
        return {name: [row[at] for row in rows] for at, name in enumerate(names)}
    rows_ = json_rows(data) if format == "jsonl" else parquet(data).to_pylist()
    return {name: [str(row[name]) for row in rows_] for name in rows_[0]}


@pytest.mark.parametrize("format", FORMATS)
def test_outputs_and_carried_columns_of_any_name_are_kept_apart(format: Format) -> None:  # noqa: A002
    names = [*HOSTILE, "row", *TOLD]
    parts = [
        table(
            {name: np.array([100 + at]) for at, name in enumerate(names)},
            {name: pa.array([at]) for at, name in enumerate(names)},
        )
    ] * 2
    columns = found(joined(parts, format), format)
    assert len(columns) == 2 * len(names) + 1 + len(TOLD)
    for at, name in enumerate(names):
        taken = name == "row" or name in TOLD
        assert columns[f"input_{name}" if taken else name] == [str(at)] * 2
        assert columns[f"prediction_{name}"] == [str(100 + at)] * 2


@pytest.mark.parametrize("format", FORMATS)
def test_names_that_give_way_to_each_other_are_all_kept(format: Format) -> None:  # noqa: A002
    names = ["row", "input_row", "prediction_row", "input_input_row", "prediction_input_row"]
    written = table({name: np.array([1]) for name in names}, {name: pa.array([0]) for name in names})
    columns = found(joined([written], format), format)
    assert len(columns) == 15
    assert sorted(value for name in set(columns) - {"row", *TOLD} for value in columns[name]) == ["0"] * 5 + ["1"] * 5


@pytest.mark.parametrize("format", FORMATS)
def test_a_thousand_columns_are_written(format: Format) -> None:  # noqa: A002
    written = table({f"c{at}": np.array([at, at + 1]) for at in range(1000)})
    columns = found(joined([written, written], format), format)
    assert [columns[f"c{at}"] for at in range(1000)] == [[str(at), str(at + 1)] * 2 for at in range(1000)]
