"""A line of JSON Lines is a row; one that is no JSON or does not fit is set aside alone."""

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.manifest import InputFile, Span
from shared.batch.reading import json_rows, plan
from shared.batch.reading.rows import Reading, read_rows
from shared.batch.rows import Rows
from shared.endpoints.batch_settings import CsvOptions
from shared.errors import InputChanged, UnreadableInput
from shared.models.features import Converter
from shared.models.signature import Column, Signature, Tensor
from tests.support import reading
from tests.support.reading import MemorySource, rows_of

COLUMNS = Signature(
    columns=(
        Column(name="a", type="long"),
        Column(name="b", type="double", required=False),
        Column(name="c", type="string", required=False),
    )
)
PAIR = Signature(tensors=(Tensor(name="x", dtype="float32", shape=(-1, 2)),))


def read(data: bytes | str, signature: Signature = COLUMNS, **settings: Any) -> Rows:
    """Of a file that is one mini-batch."""
    encoded = data.encode() if isinstance(data, str) else data
    (rows,) = rows_of(encoded, "day.jsonl", signature, **settings)
    return rows


def reasons(rows: Rows) -> dict[int, str]:
    assert {entry.path for entry in rows.rejected} <= {"day.jsonl"}
    return {entry.row: entry.reason for entry in rows.rejected}


def test_lines_are_rows_and_what_one_lacks_is_missing() -> None:
    rows = read('{"a": 1, "b": 2.5, "c": "x"}\r\n\n{"c": "y", "a": 2}\n\r\n{"a": 3, "b": null, "other": [1]}')
    assert rows.features["a"].tolist() == [1, 2, 3]
    assert rows.features["b"][0] == 2.5
    assert np.isnan(rows.features["b"][1:]).all()
    assert rows.features["c"].tolist() == ["x", "y", ""]
    assert rows.numbers.tolist() == [0, 1, 2]
    assert rows.paths == ("day.jsonl",)
    assert rows.rejected == []


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read(b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n').features["a"].tolist() == [1, 2]


def test_a_file_with_nothing_in_it_has_no_rows() -> None:
    for data in (b"", b"\n\r\n\n", b"\xef\xbb\xbf"):
        assert rows_of(data, "day.jsonl", COLUMNS) == []


def test_only_the_lines_that_do_not_fit_are_set_aside() -> None:
    deep = "[" * 64 + "]" * 64
    lines = [
        '{"a": 1}',
        '{"a": 1',
        '{"a": "1"}',
        "[1, 2]",
        "7",
        '{"b": 1}',
        f'{{"a": 1, "x": {deep}}}',
        '{"a": 5, "x": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        '{"a": 5}, {"a": 6}',
        '{"a": NaN}',
        "   ",
        '{"a": \x00}',
        '{"a": 2}',
    ]
    found = read("\n".join(lines))
    assert found.features["a"].tolist() == [1, 5, 2]
    assert found.numbers.tolist() == [0, 7, 12]
    told = reasons(found)
    assert list(told) == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert {row: told[row] for row in (2, 3, 4, 5, 6)} == {
        2: "a: '1' is not a whole number",
        3: "the line is not an object of named values",
        4: "the line is not an object of named values",
        5: "missing columns: a",
        6: "the line is nested deeper than 64 levels",
    }
    assert all(told[row].startswith("the line is not JSON: ") for row in (1, 8, 9, 10, 11))


def test_bytes_that_are_no_utf_8_cost_one_row() -> None:
    found = read(b'{"a": 1, "c": "\xff"}\n{"a": 2}\n')
    assert list(reasons(found)) == [0]
    assert found.features["a"].tolist() == [2]


@pytest.mark.parametrize("depth", [64, 65, 1000, 100_000])
def test_the_depth_of_a_line_is_bounded(depth: int) -> None:
    found = read("[" * depth + "]" * depth, Signature(columns=(Column(name="a", type="long"),)))
    (told,) = reasons(found).values()
    assert ("nested deeper" in told or "not JSON" in told) == (depth > 64)


def test_rows_are_numbered_in_their_file() -> None:
    rows = rows_of(b'{"a": 1}\n{}\n{"a": 3}\n{"a": 4}\nx\n', "day.jsonl", COLUMNS, mini_batch_size=2)
    assert [each.numbers.tolist() for each in rows] == [[0], [2, 3], []]
    assert [[entry.row for entry in each.rejected] for each in rows] == [[1], [], [4]]
    assert rows[2].features["c"].tolist() == []


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_single_tensor_takes_bare_lists_and_objects(count: int) -> None:
    rows = read('[1, 2]\n{"x": [3, 4]}\n' * count, PAIR)
    assert rows.features["x"].dtype == np.float32
    assert rows.features["x"].tolist() == [[1, 2], [3, 4]] * count


def test_a_row_that_is_no_such_tensor_is_set_aside() -> None:
    rows = read('[1, 2]\n[1]\n{"y": [1, 2]}\n"text"\n[true, 2]\n[3, null]\n[4, 5]\nnull\n1e999\n', PAIR)
    assert rows.features["x"].tolist() == [[1, 2], [4, 5]]
    assert list(reasons(rows)) == [1, 2, 3, 4, 5, 7, 8]


def test_a_single_tensor_of_single_values_takes_bare_values() -> None:
    signature = Signature(tensors=(Tensor(name="", dtype="int64", shape=(-1,)),))
    rows = read('1\n2.5\n3\n{"": 4}\n', signature)
    assert rows.features[""].tolist() == [1, 3, 4]
    assert list(reasons(rows)) == [1]


def test_rows_of_one_mini_batch_have_the_shape_of_its_first() -> None:
    signature = Signature(tensors=(Tensor(name="x", dtype="float64", shape=(-1, -1)),))
    rows = read("[1, 2]\n[3]\n[4, 5]\n", signature)
    assert rows.features["x"].tolist() == [[1, 2], [4, 5]]
    assert reasons(rows) == {1: "its values have the shape [(1,)], those of the rows before [(2,)]"}


def test_several_tensors_are_taken_by_name() -> None:
    signature = Signature(
        tensors=(Tensor(name="x", dtype="float64", shape=(-1, 2)), Tensor(name="y", dtype="int64", shape=(-1,)))
    )
    rows = read('{"x": [1, 2], "y": 3}\n{"x": [1, 2]}\n[1, 2]\n', signature)
    assert rows.features["x"].tolist() == [[1, 2]]
    assert rows.features["y"].tolist() == [3]
    assert list(reasons(rows)) == [1, 2]


def test_without_a_signature_the_types_are_those_of_the_values() -> None:
    rows = read('{"a": 1, "b": "x"}\n{"b": "y", "a": 2, "c": true}\n5\n', Signature())
    assert {name: array.tolist() for name, array in rows.features.items()} == {
        "a": [1, 2],
        "b": ["x", "y"],
        "c": [None, True],
    }
    assert rows.features["a"].dtype == np.int64


def test_names_without_end_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_rows, "MAX_NAMES", 3)
    rows = read('{"a": 1, "b": 1}\n{"c": 1}\n{"d": 1}\n{"a": 2}\n', Signature())
    assert list(rows.features) == ["a", "b", "c"]
    assert reasons(rows) == {2: "the objects have more than 3 different names together"}
    assert reasons(read('{"a": 1, "b": 1}\n{"a": 1, "d": 1, "e": 1}\n', output_columns=["*"])) == {
        1: "the objects have more than 3 different names together"
    }
    assert reasons(read('{"a": 1, "b": 1}\n{"a": 1, "d": 1, "e": 1}\n')) == {}


def test_carried_columns_are_of_the_signature_or_texts() -> None:
    data = '{"a": 1, "d": "x", "b": null}\n{"a": "bad"}\n{"a": 3, "d": {"y": [1]}, "b": 2.5, "e": 1.5}\n'
    rows = read(data, output_columns=["d", "b", "a", "e", "nowhere"])
    assert {name: (str(array.type), array.to_pylist()) for name, array in rows.carried.items()} == {
        "d": ("string", ["x", '{"y":[1]}']),
        "b": ("double", [None, 2.5]),
        "a": ("int64", [1, 3]),
        "e": ("string", [None, "1.5"]),
        "nowhere": ("string", [None, None]),
    }
    assert list(read(data, output_columns=["*"]).carried) == ["a", "d", "b", "e"]


def test_bare_values_carry_nothing() -> None:
    assert read('[1, 2]\n{"x": [3, 4], "id": 5}', PAIR, output_columns=["id"]).carried["id"].to_pylist() == [None, "5"]


def test_a_mini_batch_that_would_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(plan._MAX_SPAN_BYTES, "jsonl", 20)
    with pytest.raises(UnreadableInput, match=r"^day\.jsonl: a mini-batch of 5000 rows has more than 20 bytes"):
        read('{"a": 1}\n' * 3)


@pytest.mark.parametrize(("length", "rows", "kind"), [(9, 2, UnreadableInput), (50, 1, InputChanged)])
def test_lines_that_are_not_those_of_the_plan_are_told(length: int, rows: int, kind: type[Exception]) -> None:
    file = InputFile(path="day.jsonl", container="inbox", blob="b", etag="1", size_bytes=9, format="jsonl")
    span = Span(file=0, first_row=0, rows=rows, length=length)
    with pytest.raises(kind, match=r"^day\.jsonl"):
        read_rows(MemorySource(b'{"a": 1}\n'), file, span, Reading(COLUMNS, Converter(COLUMNS), CsvOptions(), ()))


def test_bad_rows_among_good_ones_without_end_are_told_apart() -> None:
    found = read('{"a": "x"}\n{"a": 1}\n' * 10_000, mini_batch_size=20_000)
    assert len(found.numbers) == len(found.rejected) == 10_000


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcx"), inner, max_size=3)),
    max_leaves=6,
)
LINES = st.lists(
    st.one_of(
        st.just(b""),
        st.just(b"\r"),
        JSON.map(orjson.dumps),
        st.fixed_dictionaries({"a": st.integers(-9, 9)}, optional={"b": JSON, "c": JSON}).map(orjson.dumps),
        st.text(max_size=6).map(lambda text: text.replace("\n", " ").encode()),
    ),
    max_size=12,
)


@given(LINES, st.integers(1, 5), st.integers(1, 30), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_a_row_fares_alike_alone_and_among_others_however_the_file_is_cut(
    lines: list[bytes], rows: int, chunk_bytes: int, end: bytes, ended: bool
) -> None:
    data = end.join(lines) + (end if ended else b"")
    records = [line for line in data.split(b"\n") if line.removesuffix(b"\r")]
    source = MemorySource(data, "day.jsonl", chunk_bytes)
    found = reading.read_all(reading.plan(source, COLUMNS, mini_batch_size=rows), COLUMNS)
    numbers = [number for each in found for number in each.numbers.tolist()]
    refused = {entry.row: entry.reason for each in found for entry in each.rejected}
    assert sorted([*numbers, *refused]) == list(range(len(records)))
    taken = [value for each in found for value in each.features["a"].tolist()]
    assert taken == [json.loads(records[number])["a"] for number in numbers]
    for row, line in enumerate(records):
        alone = read(line)
        assert [entry.reason for entry in alone.rejected] == ([refused[row]] if row in refused else [])
