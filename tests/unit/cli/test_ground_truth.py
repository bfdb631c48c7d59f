"""Tables of ground truth: what is taken from them, and what is wrong with them."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli import ground_truth
from shared.errors import MalformedRequest
from shared.monitoring.feedback import Truth

ROWS = pd.DataFrame({"request_id": ["007", "1e5"], "row": [0, 3], "ground_truth": [1, 0], "other": ["a", None]})


def write(path: Path, rows: Any) -> Path:
    match path.suffix:
        case ".csv":
            rows.to_csv(path, index=False)
        case ".parquet":
            rows.to_parquet(path)
        case _:
            rows.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("name", ["truth.csv", "truth.parquet", "truth.jsonl"])
def test_a_table_in_any_format_says_the_same(tmp_path: Path, name: str) -> None:
    assert ground_truth.read(write(tmp_path / name, ROWS)) == [
        Truth(request_id="007", ground_truth=1),
        Truth(request_id="1e5", row=3, ground_truth=0),
    ]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([True, False], [True, False]),
        ([1, 0], [1, 0]),
        ([1.5, 2.0], [1.5, 2.0]),
        (["late", "on time"], ["late", "on time"]),
        (pd.Categorical(["late", "on time"]), ["late", "on time"]),
    ],
)
def test_what_is_right_keeps_its_type(tmp_path: Path, values: Any, told: list[Any]) -> None:
    rows = pd.DataFrame({"request_id": ["a", "b"], "ground_truth": values})
    for name in ("truth.csv", "truth.parquet", "truth.jsonl"):
        found = [each.ground_truth for each in ground_truth.read(write(tmp_path / name, rows))]
        assert found == told
        assert [type(each) for each in found] == [type(each) for each in told] or name == "truth.jsonl"


MEANT = "ground_truth must be a number, a truth value or a text of up to 100 characters"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"request_id": None}, "truth.parquet, row 2: request_id is missing"),
        ({"request_id": ""}, "truth.parquet, row 2: request_id is missing"),
        ({"request_id": "x" * 101}, "truth.parquet, row 2: request_id must be a text of up to 100 characters"),
        ({"row": None}, "truth.parquet, row 2: row is missing"),
        ({"row": -1}, "truth.parquet, row 2: row must be a whole number from 0"),
        ({"row": 0.5}, "truth.parquet, row 2: row must be a whole number from 0"),
        ({"ground_truth": None}, "truth.parquet, row 2: ground_truth is missing"),
        ({"ground_truth": float("inf")}, f"truth.parquet, row 2: {MEANT}"),
    ],
)
def test_a_row_that_says_nothing_is_told_with_its_number(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    first = {"request_id": "a", "row": 0, "ground_truth": 1.0}
    rows = pd.DataFrame([first, {**first, **changes}, {**first, "row": None}])
    with pytest.raises(MalformedRequest) as caught:
        ground_truth.read(write(tmp_path / "truth.parquet", rows))
    assert caught.value.message == told


@pytest.mark.parametrize("value", ["x" * 101, [1], {"a": 1}])
def test_what_is_no_value_is_told(tmp_path: Path, value: Any) -> None:
    rows = pd.DataFrame({"request_id": ["a"], "ground_truth": [value]})
    with pytest.raises(MalformedRequest) as caught:
        ground_truth.read(write(tmp_path / "truth.parquet", rows))
    assert caught.value.message == f"truth.parquet, row 1: {MEANT}"


@pytest.mark.parametrize(
    ("columns", "lacking"),
    [
        (["row", "ground_truth"], "request_id"),
        (["request_id", "row"], "ground_truth"),
        (["other"], "request_id, ground_truth"),
    ],
)
def test_a_column_that_is_missing_is_told(tmp_path: Path, columns: list[str], lacking: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        ground_truth.read(write(tmp_path / "truth.csv", ROWS[columns]))
    needs = "it needs request_id, ground_truth, and row where a request had several rows"
    assert caught.value.message == f"truth.csv has no column {lacking}: {needs}"


def test_a_table_that_is_too_large_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground_truth, "_MOST_ROWS", 1)
    with pytest.raises(MalformedRequest, match=r"truth.csv holds more than 1 rows: give it in parts"):
        ground_truth.read(write(tmp_path / "truth.csv", ROWS))
