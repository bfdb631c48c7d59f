"""Rows of a CSV become features; a row that cannot is set aside with its number and a reason."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.manifest import InputFile, Span
from shared.batch.reading.rows import Reading, read_rows
from shared.batch.rows import Rejected, Rows
from shared.endpoints.batch_settings import CsvOptions
from shared.errors import UnreadableInput
from shared.models.coercion import ColumnType
from shared.models.features import Converter
from shared.models.signature import Column, Signature
from tests.support.reading import MemorySource

PATH = "inbox/flights/day.csv"


def read_csv(data: bytes, names: tuple[str, ...], signature: Signature, first_row: int, rows: int) -> Rows:
    file = InputFile(
        path=PATH, container="inbox", blob="b", etag="1", size_bytes=len(data), format="csv", columns=names
    )
    span = Span(file=0, first_row=first_row, rows=rows, offset=0, length=len(data))
    return read_rows(MemorySource(data), file, span, Reading(signature, Converter(signature), CsvOptions(), ()))


def rejected(row: int, reason: str) -> Rejected:
    return Rejected(PATH, row, reason)


def read(data: str | bytes, *columns: Column, first_row: int = 0, rows: int | None = None) -> Rows:
    """Reads a CSV whose columns are the ones given, in their order."""
    encoded = data.encode() if isinstance(data, str) else data
    names = tuple(column.name for column in columns)
    count = encoded.count(b"\n") if rows is None else rows
    return read_csv(encoded, names, Signature(columns=columns), first_row, count)


def column(kind: ColumnType, name: str = "x", required: bool = True) -> Column:
    return Column(name=name, type=kind, required=required)


OTHER = column("string", "other", required=False)

GOOD: list[tuple[ColumnType, str, Any]] = [
    ("boolean", "true", True),
    ("boolean", "FALSE", False),
    ("boolean", "tRuE", True),
    ("boolean", "1", True),
    ("boolean", " 0 ", False),
    ("integer", "5", 5),
    ("integer", "+5", 5),
    ("integer", " -5 ", -5),
    ("integer", "2147483647", 2147483647),
    ("integer", "-2147483648", -2147483648),
    ("integer", "000000000000000007", 7),
    ("integer", "0x1f", 31),
    ("long", "9223372036854775807", 9223372036854775807),
    ("long", "-9223372036854775808", -9223372036854775808),
    ("long", '"12"', 12),
    ("float", "1.5", 1.5),
    ("float", "1e-60", 0.0),
    ("double", "1.5", 1.5),
    ("double", "+1.5e+3", 1500.0),
    ("double", ".5", 0.5),
    ("double", "5.", 5.0),
    ("double", "\t-7 ", -7.0),
    ("double", "\u00a07", 7.0),
    ("double", "1E5", 100000.0),
    ("string", "text", "text"),
    ("string", " kept as it is ", " kept as it is "),
    ("string", '"a ""quote"", and\na line"', 'a "quote", and\na line'),
    ("string", "nan", "nan"),
    ("string", "花🌸", "花🌸"),
]
BAD: list[tuple[ColumnType, str, str]] = [
    ("boolean", "yes", "x: 'yes' is not true or false"),
    ("boolean", "2", "x: '2' is not true or false"),
    ("integer", "1.0", "x: '1.0' is not a whole number of type integer"),
    ("integer", "1e3", "x: '1e3' is not a whole number of type integer"),
    ("integer", "2147483648", "x: '2147483648' is not a whole number of type integer"),
    ("integer", "-2147483649", "x: '-2147483649' is not a whole number of type integer"),
    ("integer", "nan", "x: 'nan' is not a whole number of type integer"),
    ("long", "9223372036854775808", "x: '9223372036854775808' is not a whole number of type long"),
    ("long", "+-5", "x: '+-5' is not a whole number of type long"),
    ("long", "-", "x: '-' is not a whole number of type long"),
    ("double", "abc", "x: 'abc' is not a number"),
    ("double", "1_000", "x: '1_000' is not a number"),
    ("double", "1;5", "x: '1;5' is not a number"),
    ("double", "0x10", "x: '0x10' is not a number"),
    ("double", "1e", "x: '1e' is not a number"),
    ("double", " ", "x: ' ' is not a number"),
    ("double", "١٢", "x: '١٢' is not a number"),
    ("double", "x" * 50, f"x: '{'x' * 36}... is not a number"),
    ("double", "nan", "x: the value is not a finite number"),
    ("double", "-inf", "x: the value is not a finite number"),
    ("double", "Infinity", "x: the value is not a finite number"),
    ("double", "1e400", "x: the value is not a finite number"),
    ("float", "1e39", "x: the value is not a finite number"),
    *((kind, "", "x: the value is missing") for kind in ("boolean", "integer", "long", "float", "double", "string")),
    *((kind, '""', "x: the value is missing") for kind in ("boolean", "long", "double", "string")),
]


@pytest.mark.parametrize("neighbours", [[], ["junk"]], ids=["alone", "beside-junk"])
@pytest.mark.parametrize(("kind", "text", "expected"), GOOD)
def test_a_good_value_is_taken_whatever_stands_beside_it(
    kind: ColumnType, text: str, expected: Any, neighbours: list[str]
) -> None:
    lines = [f"{text},", *(f"{neighbour}," for neighbour in neighbours)]
    found = read("\n".join(lines) + "\n", column(kind), OTHER, rows=len(lines))
    assert found.features["x"][0] == expected
    assert found.features["x"].dtype == column(kind).dtype
    assert found.numbers[0] == 0
    assert [entry.row for entry in found.rejected] == ([] if kind == "string" else [1] * len(neighbours))


@pytest.mark.parametrize("neighbours", [[], ["junk"]], ids=["alone", "beside-junk"])
@pytest.mark.parametrize(("kind", "text", "reason"), BAD)
def test_a_bad_value_sets_its_row_aside_and_no_other(
    kind: ColumnType, text: str, reason: str, neighbours: list[str]
) -> None:
    good = {"boolean": "true", "string": "good"}.get(kind, "7")
    lines = [f"{good},", f"{text},", f"{good},", *(f"{neighbour}," for neighbour in neighbours)]
    found = read("\n".join(lines) + "\n", column(kind), OTHER, rows=len(lines), first_row=100)
    assert found.rejected[0] == rejected(101, reason)
    assert found.numbers.tolist()[:2] == [100, 102]
    assert len(found.features["x"]) == len(found.features["other"]) == len(found.numbers)


@pytest.mark.parametrize("neighbours", ["", "junk,\n"], ids=["alone", "beside-junk"])
@pytest.mark.parametrize("text", ["", '""', "nan", "NaN", "-nan"])
@pytest.mark.parametrize("kind", ["float", "double"])
def test_a_missing_number_in_an_optional_column_is_nan(kind: ColumnType, text: str, neighbours: str) -> None:
    found = read(f"{text},\n1,\n{neighbours}", column(kind, required=False), OTHER)
    assert math.isnan(found.features["x"][0])
    assert found.features["x"][1] == 1
    assert len(found.rejected) == (1 if neighbours else 0)


def test_a_missing_text_in_an_optional_column_is_empty() -> None:
    assert read(',1\n"",2\na,3\n', column("string", required=False), column("long", "n")).features["x"].tolist() == [
        "",
        "",
        "a",
    ]


def test_an_optional_column_that_the_file_lacks_is_all_missing() -> None:
    wanted = Signature(columns=(column("double"), column("double", "y", False), column("string", "z", False)))
    found = read_csv(b"1\n2\n", ("x",), wanted, 0, 2)
    assert found.features["x"].tolist() == [1.0, 2.0]
    assert np.isnan(found.features["y"]).tolist() == [True, True]
    assert found.features["z"].tolist() == ["", ""]


def test_a_file_with_none_of_the_columns_is_still_as_long_as_it_is() -> None:
    wanted = Signature(columns=(column("string", "z", False),))
    found = read_csv(b"1,a\n2\n3,b\n", ("p", "q"), wanted, 0, 3)
    assert found.features["z"].tolist() == ["", ""]
    assert found.numbers.tolist() == [0, 2]


def test_columns_that_the_model_does_not_know_are_left_out_whatever_they_hold() -> None:
    found = read_csv(b"junk,1,\xff\nmore,2,\n", ("p", "x", "q"), Signature(columns=(column("double"),)), 0, 2)
    assert {name: array.tolist() for name, array in found.features.items()} == {"x": [1.0, 2.0]}


def test_rows_with_too_few_or_too_many_values_are_numbered_right() -> None:
    data = '1,a\n2\n3,"b\n\nb"\n\n4,d,e\n5,f\n"6\n"\nx,g\n8,h\n'
    found = read(data, column("long"), column("string", "y"), first_row=50, rows=8)
    assert found.numbers.tolist() == [50, 52, 54, 57]
    assert found.features["x"].tolist() == [1, 3, 5, 8]
    assert found.features["y"].tolist() == ["a", "b\n\nb", "f", "h"]
    assert found.rejected == [
        rejected(51, "the row has 1 values, but there are 2 columns"),
        rejected(53, "the row has 3 values, but there are 2 columns"),
        rejected(55, "the row has 1 values, but there are 2 columns"),
        rejected(56, "x: 'x' is not a whole number of type long"),
    ]


def test_a_row_is_told_of_its_first_fault_only() -> None:
    found = read("a,b\n1,2\n,b\n", column("double"), column("double", "y"))
    assert [entry.reason for entry in found.rejected] == ["x: 'a' is not a number", "x: the value is missing"]


def test_a_file_of_bad_rows_leaves_nothing() -> None:
    found = read("1\n2\n", column("double"), OTHER)
    assert (len(found.features["x"]), len(found.numbers), len(found.rejected)) == (0, 0, 2)


@pytest.mark.parametrize("data", [b"1,a\n2,\xff\n", b"1,a\nx,\xff\n", b"1,a\n\xff,b\n"])
def test_bytes_that_are_no_utf8_make_the_file_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableInput, match=r"the text is not in UTF-8, [01] lines further down"):
        read(data, column("double"), column("string", "y"))


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ("1,a\r2,b\r\n", 1),
        ("1,a\n\r\r\n", 2),
        ('1,5" pipe\n2,6" pipe\n', 1),
    ],
)
def test_records_that_can_be_read_in_two_ways_are_read_in_none(data: str, rows: int) -> None:
    with pytest.raises(UnreadableInput, match="rows from 7 on: the rows cannot be told apart"):
        read(data, column("double"), column("string", "y"), first_row=7, rows=rows)


TEXTS = st.one_of(
    st.sampled_from([text for _, text, _ in [*GOOD, *BAD]]).filter(lambda text: "\n" not in text),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.text(st.sampled_from("0123456789+-.eExXnaif \t()_"), max_size=8),
)


@given(st.sampled_from(["boolean", "integer", "long", "float", "double"]), st.lists(TEXTS, min_size=1), st.booleans())
def test_a_row_is_read_alike_alone_and_among_any_others(kind: ColumnType, texts: list[str], required: bool) -> None:
    wanted = column(kind, required=required or kind not in ("float", "double"))
    together = read("".join(f"{text},\n" for text in texts), wanted, OTHER)
    reasons = {entry.row: entry.reason for entry in together.rejected}
    values = dict(zip(together.numbers.tolist(), together.features["x"].tolist(), strict=True))
    for row, text in enumerate(texts):
        alone = read(f"{text},\n", wanted, OTHER)
        assert [entry.reason for entry in alone.rejected] == ([reasons[row]] if row in reasons else [])
        np.testing.assert_array_equal(alone.features["x"].tolist(), [values[row]] if row in values else [])
