"""What a file is taken for."""

import pytest

from shared.batch.reading.formats import dialect, format_of, is_table, packing
from shared.endpoints.batch_settings import CsvOptions
from shared.errors import UnreadableInput


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("day.csv", True),
        ("a/b.c/DAY.CSV.GZ", True),
        ("day.tsv", True),
        ("day.ndjson.zst", True),
        ("day.jsonl.zstd", True),
        ("day.pqt", True),
        ("day.parquet", True),
        ("day.gz", False),
        ("day.csv.png", False),
        ("csv", False),
        (".csv", False),
        ("csv/day", False),
        ("", False),
    ],
)
def test_a_table_is_known_by_its_suffix(name: str, is_one: bool) -> None:
    assert is_table(name) is is_one


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("day.csv", b"{", "csv"),
        ("day.jsonl", b"a,b", "jsonl"),
        ("day.parquet", b"a,b", "parquet"),
        ("day.csv.gz", b"PAR1", "csv"),
        ("day", b"PAR1", "parquet"),
        ("day", b"PARE", "parquet"),
        ("day.txt", b'{"a": 1}', "jsonl"),
        ("day.gz", b"\xef\xbb\xbf \r\n[1", "jsonl"),
        ("day.dat", b"a,b\n{", "csv"),
        ("day", b"", "csv"),
    ],
)
def test_the_name_decides_and_then_the_content(name: str, head: bytes, expected: str) -> None:
    assert format_of("auto", name, head) == expected


def test_what_a_job_says_counts_before_all_else() -> None:
    assert format_of("jsonl", "day.csv", b"PAR1") == "jsonl"


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\x50\x2a\x4d\x18", "zstd"),
        (b"a,b\n", None),
        (b"PK,b\n", None),
        (b"", None),
    ],
)
def test_compression_is_known_by_the_first_bytes(head: bytes, expected: str | None) -> None:
    assert packing(head) == expected


def test_a_tsv_has_tabs_unless_another_delimiter_is_asked_for() -> None:
    assert dialect(CsvOptions(), "a/DAY.TSV.gz").delimiter == "\t"
    assert dialect(CsvOptions(delimiter=";"), "day.tsv").delimiter == ";"
    assert dialect(CsvOptions(), "day.csv").delimiter == ","


@pytest.mark.parametrize(("delimiter", "quote"), [("'", "'"), (";", ";")])
def test_delimiter_and_quote_are_two_characters(delimiter: str, quote: str) -> None:
    with pytest.raises(UnreadableInput, match=r"csv\.delimiter and csv\.quote_char must be two different characters"):
        dialect(CsvOptions(delimiter=delimiter, quote_char=quote), "day.csv")
