"""Parquet is planned from its footer, and of each group of rows the needed columns are unpacked once."""

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.reading import parquet_file, parquet_plan, parquet_rows
from shared.batch.reading.kept import Kept
from shared.batch.reading.parquet_file import Footer
from shared.batch.reading.source import Source
from shared.errors import InputChanged, PayloadTooLarge, SlipwayError, UnreadableInput
from shared.models.signature import Column, Signature
from tests.support.reading import MemorySource, plan, read_all, rows_of

SIGNATURE = Signature(
    columns=(
        Column(name="a", type="long"),
        Column(name="b", type="double", required=False),
        Column(name="c", type="string"),
    )
)
versions = count()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept from one test to the next."""
    monkeypatch.setattr(parquet_rows, "_GROUPS", Kept[pa.Table](2**20, lambda table: int(table.nbytes)))
    monkeypatch.setattr(parquet_rows, "_FOOTERS", Kept[Any](2**20, lambda footer: 8 * footer.size))


def table(rows: int) -> pa.Table:
    return pa.table(
        {
            "a": np.arange(rows),
            "unused": ["x" * 50] * rows,
            "b": pa.array([None if row % 3 == 0 else row / 2 for row in range(rows)], pa.float64()),
            "c": [f"text {row % 4}" for row in range(rows)],
        }
    )


def packed(data: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(data, sink, **options)
    return sink.getvalue()


def read(data: bytes, signature: Signature = SIGNATURE, **settings: Any) -> Any:
    """Of a file that is one mini-batch."""
    (rows,) = rows_of(data, "day.parquet", signature, etag=str(next(versions)), **settings)
    return rows


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
    monkeypatch.setattr(parquet_file, "_TAIL_BYTES", 20)
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


GOOD = packed(table(50), row_group_size=20)
LENGTH = int.from_bytes(GOOD[-8:-4], "little")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "this is no Parquet file that can be read"),
        (b"PAR1", "this is no Parquet file that can be read"),
        (b"PAR1" + b"\0" * 4 + b"PAR1", "this is no Parquet file that can be read"),
        (GOOD[:-1], "this is no Parquet file that can be read"),
        (GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", "this is no Parquet file that can be read"),
        (GOOD[:-4] + b"PARE", "the Parquet file is encrypted: write it plain"),
    ],
)
def test_what_is_no_parquet_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableInput, match=rf"^day\.parquet: {reason}"):
        plan(MemorySource(data, "day.parquet"), SIGNATURE)


@pytest.mark.parametrize("kept", [0, 1000])
def test_a_footer_without_its_columns_is_refused(kept: int) -> None:
    data = GOOD[:kept] + GOOD[-LENGTH - 8 :]
    with pytest.raises(UnreadableInput, match=r"^day\.parquet.*: this is no Parquet file that can be read"):
        rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)))


def test_a_footer_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "MAX_FOOTER_BYTES", 100)
    with pytest.raises(PayloadTooLarge, match="but at most 100 are taken: write fewer columns"):
        plan(MemorySource(GOOD, "day.parquet"), SIGNATURE)


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def deep(levels: int) -> bytes:
    """A file without rows whose one column lies in so many groups, one in the other; 100,000 end a process."""
    group = b"\x35\x02\x18\x01g\x15\x02\x00"
    schema = b"\x48\x01s\x15\x02\x00" + group * levels + b"\x15\x02\x25\x02\x18\x01x\x00"
    footer = b"\x15\x02\x19\xfc" + varint(levels + 2) + schema + b"\x16\x00\x19\x0c\x00"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize("levels", [31, 100_000])
def test_a_schema_that_is_nested_too_deeply_never_reaches_pyarrow(levels: int) -> None:
    with pytest.raises(UnreadableInput, match="the Parquet file's columns are nested deeper than 32 levels"):
        plan(MemorySource(deep(levels), "day.parquet"), Signature())
    assert plan(MemorySource(deep(30), "day.parquet"), Signature()).spans == []


@pytest.mark.parametrize("claimed", [True, False])
def test_what_a_group_unpacks_to_is_bounded_by_what_it_claims_and_by_what_it_is(
    claimed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = packed(pa.table({"a": np.zeros(100_000, np.int64), "c": ["x" * 1000] * 100_000}), compression="zstd")
    made = plan(MemorySource(data, "day.parquet"), SIGNATURE, mini_batch_size=10, etag=str(next(versions)))
    monkeypatch.setattr(parquet_plan, "MAX_GROUP_BYTES", 100 if claimed else 500_000)
    with pytest.raises(PayloadTooLarge, match="write it with a smaller row_group_size"):
        plan(MemorySource(data, "day.parquet"), SIGNATURE) if claimed else read_all(made, SIGNATURE)


def test_texts_that_are_shared_do_not_swell_a_mini_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_MAX_MINI_BATCH_BYTES", 1_000_000)
    data = packed(pa.table({"a": np.zeros(10_000, np.int64), "c": ["x" * 1000] * 10_000}))
    with pytest.raises(UnreadableInput, match="a mini-batch of 5000 rows has more than 1000000 bytes: lower"):
        rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)))
    assert len(rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)), mini_batch_size=500)) == 20


@pytest.mark.parametrize("kind", [pa.int32(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_dictionaries_of_any_type_are_taken(kind: pa.DataType) -> None:
    values = pa.array([1, 2, 1] if kind == pa.int32() else [b"p", b"q", b"p"], kind)
    rows = read(packed(pa.table({"c": values.dictionary_encode(), "a": [1, 2, 3]})), Signature())
    assert rows.features["c"].tolist() == values.to_pylist()


class Changing(MemorySource):
    def read(self, offset: int, length: int) -> bytes:
        if self.calls >= 3:
            raise InputChanged("the file was changed")
        return super().read(offset, length)


def test_an_error_of_the_source_passes_as_it_is() -> None:
    made = plan(Changing(GOOD, "day.parquet"), SIGNATURE, mini_batch_size=5)
    with pytest.raises(InputChanged, match=r"^the file was changed$"):
        read_all(made, SIGNATURE)


def test_a_file_that_asks_for_more_than_was_foreseen_still_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "leaves", lambda footer, names: [])
    assert read(GOOD).features["a"].tolist() == list(range(50))


@given(st.data())
def test_no_broken_file_ends_the_process_or_tells_of_its_inside(data: st.DataObject) -> None:
    source = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.sampled_from([0, len(GOOD) - LENGTH - 8]))
        source[data.draw(st.integers(start, len(GOOD) - 1))] = data.draw(st.integers(0, 255))
    signature = data.draw(st.sampled_from([SIGNATURE, Signature()]))
    told = ""
    try:
        rows_of(bytes(source), "day.parquet", signature, etag=str(next(versions)), mini_batch_size=15)
    except SlipwayError as error:
        told = error.message
    assert "Error" not in told
    assert "Thrift" not in told


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.text(max_size=3)), min_size=1, max_size=30),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_spans_together_are_the_whole_file(rows: list[tuple[int, str]], group: int, size: int) -> None:
    data = packed(pa.table({"a": [row[0] for row in rows], "c": [row[1] for row in rows]}), row_group_size=group)
    found = rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)), mini_batch_size=size)
    assert [
        (a, c) for each in found for a, c in zip(each.features["a"].tolist(), each.features["c"].tolist(), strict=True)
    ] == rows
    assert all(len(each.numbers) <= size for each in found)


@pytest.mark.parametrize("pack", [bytes, lambda data: pa.Codec("gzip").compress(data, asbytes=True)])
def test_a_packed_file_is_read_from_its_copy(pack: Callable[[bytes], bytes]) -> None:
    made = plan(MemorySource(pack(GOOD), "day.parquet.gz"), SIGNATURE, etag=str(next(versions)))
    assert made.staging.suffixes == ([] if pack is bytes else [".parquet"])
    assert [rows.features["a"].tolist() for rows in read_all(made, SIGNATURE)] == [list(range(50))]
