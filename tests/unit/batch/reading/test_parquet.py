"""Parquet is planned from its footer, and of each group of rows the needed columns are unpacked once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.batch.reading import parquet_about, parquet_file, parquet_plan, parquet_rows
from shared.batch.reading.parquet_about import Footer
from shared.batch.reading.source import Source
from shared.errors import UnreadableInput
from shared.models.signature import Column, Signature
from tests.support.parquet import SIGNATURE, packed, read, table, versions
from tests.support.reading import MemorySource, plan, read_all, rows_of


@pytest.mark.parametrize(
    ("groups", "size", "expected"),
    [
        ([10], 10, [10]),
        ([10], 4, [4, 4, 2]),
        ([10, 10], 4, [4, 4, 2, 4, 4, 2]),
        ([2, 2, 2, 2, 2], 5, [4, 4, 2]),
        ([2, 0, 9, 2, 2], 4, [2, 4, 4, 1, 4]),
        ([3, 3], 100, [6]),
        ([8, 1], 4, [4, 4, 1]),
        ([0], 4, []),
        ([], 4, []),
    ],
)
def test_spans_follow_the_groups_of_rows(groups: list[int], size: int, expected: list[int]) -> None:
    spans = list(parquet_plan._spans(groups, size))
    assert [span.rows for span in spans] == expected
    assert [span.first_row for span in spans] == [sum(expected[:at]) for at in range(len(expected))]


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
@pytest.mark.parametrize(("group", "size"), [(7, 5), (7, 20), (100, 9), (100, 1000)])
def test_all_rows_come_with_their_numbers(codec: str, group: int, size: int) -> None:
    data = packed(table(100), row_group_size=group, compression=codec)
    made = plan(MemorySource(data, "day.parquet"), SIGNATURE, etag=str(next(versions)), mini_batch_size=size)
    assert made.planned.columns == ("a", "unused", "b", "c")
    assert made.staging.suffixes == []
    found = read_all(made, SIGNATURE)
    assert np.concatenate([rows.numbers for rows in found]).tolist() == list(range(100))
    assert np.concatenate([rows.features["a"] for rows in found]).tolist() == list(range(100))
    texts = np.concatenate([rows.features["c"] for rows in found]).tolist()
    assert texts == [f"text {row % 4}" for row in range(100)]
    assert np.isnan(np.concatenate([rows.features["b"] for rows in found])).tolist() == [
        row % 3 == 0 for row in range(100)
    ]


def test_a_plan_reads_the_end_of_the_file_and_a_group_is_one_read_of_its_columns() -> None:
    big = table(40_000).append_column("noise", pa.array(np.random.default_rng(1).random(40_000)))
    source = MemorySource(packed(big, row_group_size=10_000), "day.parquet")
    made = plan(source, SIGNATURE, mini_batch_size=1000)
    assert len(made.spans) == 40
    # Its first bytes and its last.
    assert source.calls == 2
    source.calls = 0
    read_all(made, SIGNATURE)
    # The footer, and then four groups.
    assert source.calls == 1 + 4


def test_columns_that_lie_far_apart_are_read_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "_GAP_BYTES", 10)
    source = MemorySource(packed(table(1000)), "day.parquet")
    made = plan(source, SIGNATURE)
    source.calls = 0
    read_all(made, SIGNATURE)
    assert source.calls == 1 + 2


def test_a_long_footer_takes_one_more_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_about, "_TAIL_BYTES", 20)
    source = MemorySource(packed(table(10)), "day.parquet")
    plan(source, SIGNATURE)
    assert source.calls == 3


def test_a_group_is_unpacked_once_for_all_who_need_it_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    real = parquet_rows._unpacked

    def watched(source: Source, footer: Footer, group: int, names: tuple[str, ...]) -> pa.Table:
        unpacked.append(group)
        return real(source, footer, group, names)

    monkeypatch.setattr(parquet_rows, "_unpacked", watched)
    made = plan(MemorySource(packed(table(1000)), "day.parquet"), SIGNATURE, mini_batch_size=100)
    together = threading.Barrier(10)

    def one(at: int) -> list[int]:
        together.wait(10)
        (rows,) = read_all(made._replace(spans=[made.spans[at]]), SIGNATURE)
        return list(rows.numbers)

    with ThreadPoolExecutor(10) as pool:
        numbers = [number for found in pool.map(one, range(10)) for number in found]
    assert numbers == list(range(1000))
    assert unpacked == [0]


def test_another_version_of_a_file_is_another_file() -> None:
    for first in (1, 2):
        data = packed(pa.table({"a": [first, 2, 3], "c": ["x", "y", "z"]}))
        rows = rows_of(data, "day.parquet", SIGNATURE, etag=f"version {first}", mini_batch_size=2)
        assert rows[0].features["a"].tolist() == [first, 2]


def test_rows_that_do_not_fit_are_set_aside_alone() -> None:
    rows = read(packed(pa.table({"a": [1, None, 3], "c": ["x", "y", None]})))
    assert rows.features["a"].tolist() == [1]
    assert [(entry.row, entry.reason) for entry in rows.rejected] == [
        (1, "a: the value is missing"),
        (2, "c: the value is missing"),
    ]


def test_columns_of_lists_and_objects_are_taken() -> None:
    signature = Signature(
        columns=(
            Column(name="x", type="array", items={"type": "double"}),
            Column(name="y", type="object", properties={"z": {"type": "string"}}),
        )
    )
    rows = read(packed(pa.table({"x": [[1.0], [2.0, 3.0]], "y": [{"z": "p"}, {"z": "q"}]})), signature)
    assert rows.features["x"].tolist() == [[1.0], [2.0, 3.0]]
    assert rows.features["y"].tolist() == [{"z": "p"}, {"z": "q"}]


def test_carried_columns_keep_their_own_type() -> None:
    data = table(6).append_column("n", pa.array([[1], [], None, [2], [3], [4]], pa.list_(pa.int16())))
    rows = read(packed(data), output_columns=["n", "a", "unused"])
    assert {name: str(array.type) for name, array in rows.carried.items()} == {
        "n": "list<element: int16>",
        "a": "int64",
        "unused": "string",
    }
    assert rows.carried["n"].to_pylist() == [[1], [], None, [2], [3], [4]]
    assert list(read(packed(data), output_columns=["*"]).carried) == ["a", "unused", "b", "c", "n"]


def test_types_of_other_programs_are_carried() -> None:
    data = pa.table({"a": [1, 2], "id": pa.array([b"0" * 16, b"1" * 16], pa.uuid()), "c": ["x", "y"]})
    rows = read(packed(data), output_columns=["id"])
    assert rows.features["c"].tolist() == ["x", "y"]
    assert rows.carried["id"].to_pylist() == data["id"].to_pylist()


def test_the_labels_of_rows_are_no_column() -> None:
    data = pa.table({"a": [1], "c": ["x"], "__index_level_0__": [7]})
    made = plan(MemorySource(packed(data), "day.parquet"), SIGNATURE)
    assert made.planned.columns == ("a", "c")
    assert list(read(packed(data), Signature()).features) == ["a", "c"]


def test_without_a_signature_the_types_are_those_of_the_file() -> None:
    columns = {
        "n": [1, None, 3],
        "b": [True, None, False],
        "t": pa.array([1, None, 10**12], pa.timestamp("s")),
        "x": [float("inf"), 1.5, 2.5],
        "s": ["p", "q", "r"],
    }
    rows = read(packed(pa.table(columns)), Signature())
    assert {name: (array.dtype.str, array.tolist()) for name, array in rows.features.items() if name in "bxs"} == {
        "b": ("|O", [None]),
        "x": ("<f8", [1.5]),
        "s": ("|O", ["q"]),
    }
    assert rows.features["t"].dtype == np.dtype("datetime64[ns]")
    assert np.isnan(rows.features["n"]).all()
    assert [(entry.row, entry.reason) for entry in rows.rejected] == [
        (0, "x: the value is not a finite number"),
        (2, "t: this is not a date and time in ISO 8601 from the years 1678 to 2261"),
    ]


def test_values_that_python_has_no_type_for_are_told() -> None:
    column = Signature(columns=(Column(name="a", type="any"),))
    with pytest.raises(UnreadableInput, match="holds values that cannot be read: use plainer types"):
        read(packed(pa.table({"a": pa.array([2**62], pa.duration("s"))})), column)


@pytest.mark.parametrize(
    ("data", "signature", "settings", "reason"),
    [
        (pa.table({"b": [1.0]}), SIGNATURE, {}, "the header lacks the columns a, c"),
        (pa.table([[1], [2]], ["a", "a"]), Signature(), {}, "the header names a column twice"),
        (table(1), SIGNATURE, {"output_columns": ["p", "a"]}, "output_columns names columns that the file lacks: p"),
    ],
)
def test_a_file_without_the_needed_columns_is_refused(
    data: pa.Table, signature: Signature, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(UnreadableInput, match=rf"^day\.parquet: {reason}"):
        plan(MemorySource(packed(data), "day.parquet"), signature, **settings)
