"""Predictions become a Parquet part with the input's row numbers; bad rows become JSON Lines."""

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.batch.formats import Rejected, write_part, write_rejected
from shared.models.scoring import Predictions

LABELS = {"file_name": "inbox/f/a.csv", "endpoint": "f", "deployment": "blue", "model_version": "m/1"}


def table(outputs: dict[str, np.ndarray[Any, Any]], numbers: list[int]) -> pa.Table:
    part = write_part(Predictions(len(numbers), outputs), np.array(numbers, np.int64), LABELS)
    return pq.read_table(io.BytesIO(part))


def test_a_part_has_row_numbers_outputs_and_what_made_them() -> None:
    found = table({"label": np.array([1, 0]), "score": np.array([0.5, 0.25], np.float32)}, [3, 7])
    assert found.column_names == ["row", "label", "score", *LABELS]
    assert found.to_pylist() == [
        {"row": 3, "label": 1, "score": 0.5, **LABELS},
        {"row": 7, "label": 0, "score": 0.25, **LABELS},
    ]
    assert found.schema.field("score").type == pa.float32()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (np.array([[0.5, 0.5], [0.25, 0.75]]), [[0.5, 0.5], [0.25, 0.75]]),
        (np.arange(8).reshape(2, 2, 2), [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (np.array(["yes", "no"], dtype=object), ["yes", "no"]),
        (np.array([["a", "b"], ["c", "d"]], dtype=object), [["a", "b"], ["c", "d"]]),
        (np.array([True, False]), [True, False]),
        (np.array([1.5, np.nan], np.float16), [1.5, pytest.approx(np.nan, nan_ok=True)]),
    ],
)
def test_outputs_of_every_kind_are_kept(output: np.ndarray[Any, Any], expected: list[Any]) -> None:
    assert table({"out": output}, [0, 1])["out"].to_pylist() == expected


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["row"], ["prediction_row"]),
        (["endpoint", "file_name"], ["prediction_endpoint", "prediction_file_name"]),
        (["row", "prediction_row"], ["prediction_row", "prediction_prediction_row"]),
        (["prediction_row", "row"], ["prediction_row", "prediction_prediction_row"]),
    ],
)
def test_an_output_whose_name_is_taken_gets_another_and_none_is_lost(names: list[str], written: list[str]) -> None:
    found = table({name: np.array([number]) for number, name in enumerate(names)}, [9])
    assert found.column_names == ["row", *written, *LABELS]
    assert [found[name].to_pylist() for name in written] == [[number] for number in range(len(names))]


def test_the_same_predictions_give_the_same_bytes() -> None:
    predictions = Predictions(2, {"label": np.array([1, 0])})
    parts = [write_part(predictions, np.array([0, 1]), LABELS) for _ in range(2)]
    assert parts[0] == parts[1]


def test_rejected_rows_are_lines_of_json() -> None:
    written = write_rejected([Rejected(3, 'x: "a" is\nbad'), Rejected(9, "größe: …")], "inbox/f/a.csv")
    assert [json.loads(line) for line in written.splitlines()] == [
        {"file_name": "inbox/f/a.csv", "row": 3, "reason": 'x: "a" is\nbad'},
        {"file_name": "inbox/f/a.csv", "row": 9, "reason": "größe: …"},
    ]
    assert write_rejected([], "inbox/f/a.csv") == b""
