"""Predictions become a part with the input's row numbers and what made them; bad rows become JSON Lines."""

import json

import numpy as np
import pyarrow as pa
import pytest

from shared.batch.rows import Rejected
from shared.batch.writing.parts import suffix, write_part, write_rejected
from shared.endpoints.batch_settings import Format
from shared.errors import ScoringFailed, UnreadableInput
from tests.unit.batch.writing.written import FORMATS, TOLD, csv_rows, json_rows, parquet, table


def test_a_part_has_carried_columns_row_numbers_outputs_and_what_made_them() -> None:
    found = parquet(
        write_part(
            table(
                {"label": np.array([1, 0]), "score": np.array([0.5, 0.25], np.float32)},
                {"id": pa.array(["a", None])},
                [3, 7],
            ),
            "parquet",
        )
    )
    assert found.column_names == ["id", "row", "label", "score", *TOLD]
    assert found.to_pylist() == [
        {"id": "a", "row": 3, "label": 1, "score": 0.5, **TOLD},
        {"id": None, "row": 7, "label": 0, "score": 0.25, **TOLD},
    ]
    assert found.schema.field("row").type == pa.int64()
    assert found.schema.field("score").type == pa.float32()


def test_a_csv_part_has_the_same_columns_in_the_same_order() -> None:
    written = write_part(table({"label": np.array([1])}, {"id": pa.array(["a"])}, [3]), "csv")
    assert written == b'"id","row","label","file_name","endpoint","deployment","model_version"\n' + (
        b'"a",3,1,"inbox/f/a.csv","f","blue","m/1"\n'
    )


def test_a_json_lines_part_has_the_same_members_in_the_same_order() -> None:
    written = write_part(table({"label": np.array([1, 2])}, {"id": pa.array(["a", "b"])}, [3, 4]), "jsonl")
    told = b'"file_name":"inbox/f/a.csv","endpoint":"f","deployment":"blue","model_version":"m/1"}\n'
    assert written == b'{"id":"a","row":3,"label":1,' + told + b'{"id":"b","row":4,"label":2,' + told


@pytest.mark.parametrize("format", FORMATS)
def test_rows_of_several_files_say_each_which_one_they_are_of(format: Format) -> None:  # noqa: A002
    written = write_part(table({"label": np.arange(3)}, paths=("a.csv", "b.csv", "a.csv")), format)
    if format == "csv":
        names, *rows = csv_rows(written)
        found = [row[names.index("file_name")] for row in rows]
    else:
        found = [
            row["file_name"] for row in (json_rows(written) if format == "jsonl" else parquet(written).to_pylist())
        ]
    assert found == ["a.csv", "b.csv", "a.csv"]


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
    found = table({name: np.array([number]) for number, name in enumerate(names)})
    assert found.column_names == ["row", *written, *TOLD]
    assert [found[name].to_pylist() for name in written] == [[number] for number in range(len(names))]


@pytest.mark.parametrize(
    ("names", "written"),
    [
        (["row"], ["input_row"]),
        (["model_version", "deployment"], ["input_model_version", "input_deployment"]),
        (["row", "input_row"], ["input_row", "input_input_row"]),
        (["input_row", "row"], ["input_row", "input_input_row"]),
    ],
)
def test_a_carried_column_whose_name_is_taken_gets_another_and_none_is_lost(
    names: list[str], written: list[str]
) -> None:
    found = table({"p": np.array([0])}, {name: pa.array([number]) for number, name in enumerate(names)})
    assert found.column_names == [*written, "row", "p", *TOLD]
    assert [found[name].to_pylist() for name in written] == [[number] for number in range(len(names))]


def test_a_carried_column_keeps_its_name_before_an_output_does() -> None:
    found = table({"late": np.array([1]), "input_row": np.array([2])}, {"late": pa.array([3]), "row": pa.array([4])})
    assert {name: found[name].to_pylist() for name in found.column_names[:5]} == {
        "late": [3], "input_row": [4], "row": [0], "prediction_late": [1], "prediction_input_row": [2],
    }  # fmt: skip


def test_carried_text_that_is_not_utf8_is_refused() -> None:
    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\x00\x00\x00\x00\x01\x00\x00\x00"), pa.py_buffer(b"\xff"))
    with pytest.raises(UnreadableInput, match="the column 'id' of the input holds text that is not UTF-8"):
        table({"p": np.array([0])}, {"id": broken})


def test_carried_values_of_an_extension_type_are_what_is_stored() -> None:
    unchecked = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":\n1}', "no JSON"]))
    assert [row["x"] for row in json_rows(write_part(table({"p": np.arange(2)}, {"x": unchecked}), "jsonl"))] == [
        '{"a":\n1}',
        "no JSON",
    ]


def test_a_carried_column_that_parquet_cannot_hold_is_refused() -> None:
    empty = pa.array([{}], pa.struct([]))
    with pytest.raises(ScoringFailed, match="leave that column out of output_columns"):
        write_part(table({"p": np.arange(1)}, {"x": empty}), "parquet")


def test_an_output_with_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(ScoringFailed, match="rename it"):
        table({"\ud800": np.array([0])})


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_predictions_give_the_same_bytes(format: Format) -> None:  # noqa: A002
    def written() -> bytes:
        outputs = {"label": np.arange(5000) % 7, "text": np.array(["a", "ü"] * 2500, object)}
        return write_part(table(outputs, {"id": pa.array([f"{row:x}" for row in range(5000)])}), format)

    assert written() == written()


def test_files_are_named_for_their_format() -> None:
    assert [suffix(format) for format in FORMATS] == ["csv", "jsonl", "parquet"]  # noqa: A001


def test_rejected_rows_are_lines_of_json() -> None:
    written = write_rejected([Rejected("inbox/a.csv", 3, 'x: "a" is\nbad'), Rejected("b", 9, "größe: …")])
    assert [json.loads(line) for line in written.splitlines()] == [
        {"file_name": "inbox/a.csv", "row": 3, "reason": 'x: "a" is\nbad'},
        {"file_name": "b", "row": 9, "reason": "größe: …"},
    ]
    assert write_rejected([]) == b""
