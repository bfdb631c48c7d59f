"""Tables that people name."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli.sources import sample
from shared.errors import MalformedRequest

ROWS = pd.DataFrame({"x": [0.1, 1 / 3], "carrier": ["UA", "007"], "flown_at": ["2013-01-01", "2013-01-02"]})


def write(path: Path, rows: Any) -> Path:
    match path.suffix:
        case ".csv":
            rows.to_csv(path, index=False)
        case ".parquet":
            rows.to_parquet(path, index=False)
        case _:
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows.to_dict("records")))
    return path


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl", "rows.ndjson"])
def test_tables_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    found = sample.read(write(tmp_path / name, ROWS))
    assert (found.file, found.is_cut) == (name, False)
    assert found.rows.to_dict("list") == ROWS.to_dict("list")


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_no_more_rows_are_read_than_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(sample, "MOST_ROWS", 2)
    assert not sample.read(write(tmp_path / name, ROWS)).is_cut
    found = sample.read(write(tmp_path / name, pd.concat([ROWS, ROWS])))
    assert (len(found.rows), found.is_cut) == (2, True)


def test_texts_of_a_csv_are_told_from_numbers_and_from_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("x,carrier,zip\n1,NA,007\n,,8\n")
    found = sample.read(tmp_path / "rows.csv", texts=["carrier", "zip", "gone"]).rows
    assert (found["carrier"].tolist(), found["zip"].tolist()) == (["NA", ""], ["007", "8"])
    assert (list(found), found["x"].isna().tolist()) == (["x", "carrier", "zip"], [False, True])


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet", "rows.jsonl"])
def test_as_many_rows_are_read_as_are_asked_for(tmp_path: Path, name: str) -> None:
    found = sample.read(write(tmp_path / name, ROWS), 1)
    assert (len(found.rows), found.is_cut) == (1, True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.xlsx", b"", "rows.xlsx is no table: give one in a file named .csv, .parquet, .jsonl, .ndjson"),
        ("rows.csv", b"", "rows.csv cannot be read as csv: No columns to parse from file"),
        ("rows.csv", b"a,b\n", "rows.csv holds no rows"),
        ("rows.csv", b"a,b\n1,2,3,4\n1\n1,2,3,4,5\n", "rows.csv cannot be read as csv: "),
        ("rows.csv", b"a\n\xff\xfe\n", "rows.csv cannot be read as csv: "),
        ("rows.parquet", b"PAR1", "rows.parquet cannot be read as parquet: "),
        ("rows.jsonl", b"{", "rows.jsonl cannot be read as jsonl: "),
        ("rows.jsonl", b"1\n2\n", "rows.jsonl cannot be read as jsonl: "),
        ("rows.jsonl", b"", "rows.jsonl holds no rows"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MalformedRequest) as caught:
        sample.read(tmp_path / name)
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest, match=r"gone.csv cannot be read: No such file or directory"):
        sample.read(tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(MalformedRequest, match=r"folder.csv cannot be read: Is a directory"):
        sample.check(tmp_path / "folder.csv")
