"""All parts of a job in one file, which reads as if it had been written at once."""

import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.batch.writing.joining import join
from shared.batch.writing.parts import write_part
from shared.endpoints.batch_settings import Format
from shared.errors import ScoringFailed
from tests.unit.batch.writing.written import FORMATS, Array, csv_rows, joined, objects, parquet, table


def together(*outputs: Array) -> pa.Table:
    """The column of the joined Parquet file."""
    return parquet(joined([table({"out": output}) for output in outputs], "parquet"))["out"]


def test_a_csv_has_its_names_once() -> None:
    found = csv_rows(joined([table({"p": np.array([1, 2])}), table({"p": np.array([3])}, numbers=[7])], "csv"))
    assert found[0][:2] == ["row", "p"]
    assert [row[:2] for row in found[1:]] == [["0", "1"], ["1", "2"], ["7", "3"]]


def test_json_lines_are_put_one_after_the_other() -> None:
    parts = [table({"p": objects({"a": 1}, "b")}), table({"p": np.array([0.5])})]
    assert joined(parts, "jsonl") == b"".join(write_part(part, "jsonl") for part in parts)


def test_tiny_parts_are_gathered_into_one_row_group() -> None:
    data = joined([table({"p": np.array([number])}) for number in range(50)], "parquet")
    assert pq.ParquetFile(io.BytesIO(data)).metadata.num_row_groups == 1
    assert parquet(data)["p"].to_pylist() == list(range(50))


def test_a_large_part_is_a_row_group_of_its_own() -> None:
    parts = [table({"p": np.full(rows, rows)}) for rows in (70_000, 2, 70_000, 3)]
    file = pq.ParquetFile(io.BytesIO(joined(parts, "parquet")))
    assert [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)] == [70_000, 70_002, 3]
    assert file.read()["p"].equals(pa.concat_tables(parts)["p"])


def test_wide_rows_make_a_row_group_sooner() -> None:
    data = joined([table({"p": np.zeros((100, 30_000))}) for _ in range(2)], "parquet")
    assert pq.ParquetFile(io.BytesIO(data)).num_row_groups == 2


@pytest.mark.parametrize("format", FORMATS)
def test_no_more_parts_are_read_than_are_handed_out(format: Format) -> None:  # noqa: A002
    read: list[int] = []

    def parts() -> Iterator[bytes]:
        for number in range(4):
            read.append(number)
            yield write_part(table({"p": np.arange(70_000)}), format)

    pieces = join(parts(), format)
    for number in range(4):
        assert next(pieces)
        assert len(read) <= number + 2


@pytest.mark.parametrize(("format", "expected"), [("csv", b""), ("jsonl", b"")])
def test_no_parts_are_an_empty_file(format: Format, expected: bytes) -> None:  # noqa: A002
    assert joined([], format) == expected


def test_no_parts_are_a_parquet_file_without_columns() -> None:
    assert parquet(joined([], "parquet")).shape == (0, 0)


def test_a_join_that_is_given_up_does_no_harm() -> None:
    pieces = join(iter([write_part(table({"p": np.arange(70_000)}), "parquet")] * 2), "parquet")
    assert isinstance(pieces, Iterator)
    next(pieces)
    del pieces


@pytest.mark.parametrize(
    ("outputs", "kind", "values"),
    [
        ([np.array([1]), np.array([1.5])], pa.float64(), [1.0, 1.5]),
        ([np.array([1], np.int8), np.array([2**40])], pa.int64(), [1, 2**40]),
        ([np.array([0.5], np.float32), np.array([0.1])], pa.float64(), [0.5, 0.1]),
        ([objects(None), objects("a"), objects(None)], pa.string(), [None, "a", None]),
        ([objects("a"), objects(None)], pa.string(), ["a", None]),
        ([objects([]), objects([1]), objects([0.5])], pa.list_(pa.float64()), [[], [1.0], [0.5]]),
        ([objects(b"a"), objects(None)], pa.binary(), [b"a", None]),
        ([np.array([1], "M8[s]"), objects(None)], pa.timestamp("ms"), [datetime(1970, 1, 1, 0, 0, 1), None]),  # noqa: DTZ001
        # What has no type in common, or none that is known, is JSON.
        ([objects(None), objects(None)], pa.json_(), [None, None]),
        ([objects([]), objects([])], pa.json_(), ["[]", "[]"]),
        ([objects("a"), objects(1, np.nan)], pa.json_(), ['"a"', "1", None]),
        ([objects("a"), objects(b"a"), np.array([1.5])], pa.json_(), ['"a"', '"YQ=="', "1.5"]),
        ([objects({"a": 1}), objects("a"), objects(None)], pa.json_(), ['{"a":1}', '"a"', None]),
        ([np.array([2**53 + 1]), np.array([0.5])], pa.json_(), [str(2**53 + 1), "0.5"]),
        ([np.array([True]), np.array([1])], pa.json_(), ["true", "1"]),
        ([np.array([2**64 - 1], np.uint64), np.array([-1])], pa.json_(), [str(2**64 - 1), "-1"]),
    ],
)  # fmt: skip
def test_types_that_differ_become_one_that_holds_all_values(
    outputs: list[Array], kind: pa.DataType, values: list[Any]
) -> None:
    found = together(*outputs)
    assert found.type == kind
    assert found.to_pylist() == values


def later(first: Array, *outputs: Array) -> list[Any]:
    """What becomes of outputs after a first row group of another type."""
    repeated = first[np.zeros(70_000, np.intp)]
    return list(together(repeated, *outputs).to_pylist()[len(repeated) :])


@pytest.mark.parametrize(
    ("first", "output", "values"),
    [
        (np.array([1]), np.array([2.0, np.nan]), [2, None]),
        (np.array([1], np.int8), np.array([5]), [5]),
        (np.array([1.5]), np.array([2]), [2.0]),
        (np.array([1.5]), objects(None), [None]),
        (objects("a"), objects(None), [None]),
        (objects([1]), objects([], None), [[], None]),
        (objects(None), objects("a", None), ['"a"', None]),
        (objects(None), np.array([[1.5, 2]]), ["[1.5,2.0]"]),
        (objects({"a": 1}), np.array([2]), ["2"]),
    ],
)
def test_what_comes_after_the_first_row_group_fits_it_where_nothing_is_lost(
    first: Array, output: Array, values: list[Any]
) -> None:
    assert later(first, output) == values


@pytest.mark.parametrize(
    ("first", "output"),
    [
        (np.array([1]), np.array([1.5])),
        (np.array([1]), np.array([np.inf])),
        (np.array([1], np.int8), np.array([300])),
        (np.array([0.5]), np.array([2**53 + 1])),
        (np.array([0.5], np.float32), np.array([0.1])),
        (np.array([1]), np.array([True])),
        (np.array([1]), objects("a")),
        (objects("a"), np.array([1])),
        (objects("a"), objects(b"a")),
        (objects([1]), objects([0.5])),
        (objects("a"), objects({"a": 1})),
    ],
)
def test_what_the_first_row_group_cannot_hold_is_refused(first: Array, output: Array) -> None:
    with pytest.raises(
        ScoringFailed, match=r"the column 'out' is .* in some .* let the job write jsonl, or let the job"
    ):
        later(first, output)


def test_dictionaries_of_different_values_are_joined() -> None:
    parts = [
        table({"p": np.arange(1)}, {"c": pa.array([text]).dictionary_encode()}, paths=(f"{text}.csv",))
        for text in "abc"
    ]
    found = parquet(joined(parts, "parquet"))
    assert found["c"].to_pylist() == ["a", "b", "c"]
    assert found["file_name"].to_pylist() == ["a.csv", "b.csv", "c.csv"]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (pa.array(["a"]).dictionary_encode(), pa.array(["b"])),
        (pa.array(["a"]), pa.array(["b"]).dictionary_encode()),
        (pa.array(["a"]).dictionary_encode(), pa.array(["b"], pa.dictionary(pa.int8(), pa.string()))),
    ],
)
@pytest.mark.parametrize("repeated", [1, 70_000])
def test_dictionaries_and_texts_are_joined(first: pa.Array, other: pa.Array, repeated: int) -> None:
    first = first.take(pa.array([0] * repeated))
    parts = [table({"p": np.arange(len(column))}, {"c": column}) for column in (first, other)]
    assert parquet(joined(parts, "parquet"))["c"].to_pylist() == ["a"] * repeated + ["b"]


def test_a_number_does_not_fit_a_dictionary_of_texts() -> None:
    first = pa.array(["a"] * 70_000).dictionary_encode()
    parts = [table({"p": np.arange(len(column))}, {"c": column}) for column in (first, pa.array([1]))]
    with pytest.raises(ScoringFailed, match="the column 'c' is dictionary"):
        joined(parts, "parquet")


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize("first", [1, 70_000])
def test_parts_with_other_columns_are_refused(format: Format, first: int) -> None:  # noqa: A002
    parts = [table({"p": np.arange(first), "a\nb": np.arange(first)}), table({"p": np.arange(1), "q": np.arange(1)})]
    with pytest.raises(ScoringFailed, match=r"not every mini-batch has the columns 'a\\nb', 'q', and one file"):
        joined(parts, format)


def test_of_many_differing_columns_some_are_told() -> None:
    parts = [table({name: np.arange(1) for name in names}) for names in ("abcdef", "x")]
    with pytest.raises(ScoringFailed, match="'a', 'b', 'c', 'd', 'e', …, and"):
        joined(parts, "csv")


@pytest.mark.parametrize("first", [1, 70_000])
def test_columns_in_another_order_are_put_in_the_first_order_in_parquet(first: int) -> None:
    parts = [table({"p": np.arange(first), "q": np.arange(first)}), table({"q": np.array([5]), "p": np.array([6])})]
    found = parquet(joined(parts, "parquet"))
    assert (found["p"].to_pylist()[-1], found["q"].to_pylist()[-1]) == (6, 5)


def test_columns_in_another_order_are_refused_in_a_csv() -> None:
    parts = [table({"p": np.arange(1), "q": np.arange(1)}), table({"q": np.arange(1), "p": np.arange(1)})]
    with pytest.raises(ScoringFailed, match="in different orders"):
        joined(parts, "csv")
