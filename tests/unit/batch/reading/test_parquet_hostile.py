"""A broken or hostile Parquet file is refused with a reason: it ends no process, and fills no memory."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.manifest import Span
from shared.batch.reading import parquet_about, parquet_file, parquet_rows
from shared.batch.reading.parquet_about import Footer
from shared.batch.reading.source import Source
from shared.errors import InputChanged, PayloadTooLarge, SlipwayError, UnreadableInput
from shared.models.signature import Signature
from tests.support.parquet import SIGNATURE, deep, packed, read, table, versions
from tests.support.reading import MemorySource, plan, read_all, rows_of

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


WIDE = packed(pa.table({"a": np.arange(1000), "c": ["x"] * 1000}), compression="none")


@pytest.mark.parametrize("data", [GOOD[-LENGTH - 8 :], GOOD[:1000] + GOOD[-LENGTH - 8 :], WIDE[5000:]])
def test_a_footer_without_its_columns_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableInput, match=r"^day\.parquet.*: this is no Parquet file that can be read"):
        rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)))


def test_fewer_rows_than_were_planned_are_refused() -> None:
    made = plan(MemorySource(GOOD, "day.parquet"), SIGNATURE, etag=str(next(versions)))
    with pytest.raises(UnreadableInput, match="this is no Parquet file that can be read"):
        read_all(made._replace(spans=[Span(file=0, first_row=0, rows=51)]), SIGNATURE)


def test_a_group_has_all_columns_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_about, "_leaves", lambda kind: 2)
    with pytest.raises(UnreadableInput, match="this is no Parquet file that can be read"):
        plan(MemorySource(GOOD, "day.parquet"), SIGNATURE)


def test_a_footer_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_about, "MAX_FOOTER_BYTES", 100)
    with pytest.raises(PayloadTooLarge, match="but at most 100 are taken: write fewer columns"):
        plan(MemorySource(GOOD, "day.parquet"), SIGNATURE)


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
    monkeypatch.setattr(parquet_about, "MAX_GROUP_BYTES", 100 if claimed else 500_000)
    with pytest.raises(PayloadTooLarge, match="write it with a smaller row_group_size"):
        plan(MemorySource(data, "day.parquet"), SIGNATURE) if claimed else read_all(made, SIGNATURE)


def test_a_page_that_is_a_bomb_is_never_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(pa.table({"a": np.zeros(1_000_000, np.int64), "c": ["x"] * 1_000_000}), compression="zstd",
                  use_dictionary=False, data_page_size=2**30)  # fmt: skip
    made = plan(MemorySource(data, "day.parquet"), SIGNATURE, mini_batch_size=10, etag=str(next(versions)))
    monkeypatch.setattr(parquet_about, "MAX_GROUP_BYTES", 4_000_000)
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(PayloadTooLarge, match="unpacks to more than 4000000 bytes"):
        read_all(made, SIGNATURE)
    assert pa.default_memory_pool().max_memory() == before


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize(
    ("encoding", "repeats"), [("DELTA_BYTE_ARRAY", True), ("DELTA_LENGTH_BYTE_ARRAY", False), ("PLAIN", False)]
)
def test_texts_that_are_told_by_those_before_them_are_unpacked_few_at_a_time(
    encoding: str, repeats: bool, version: str
) -> None:
    texts = ["x" * 10_000 + str(row) for row in range(2000)]
    data = packed(
        pa.table({"a": np.arange(2000), "c": texts}),
        use_dictionary=False,
        column_encoding={"c": encoding},
        data_page_version=version,
    )
    source = MemorySource(data, "day.parquet")
    row_bytes = parquet_file.opened(source, parquet_about.read_footer(source), 0, ("a", "c")).row_bytes
    assert (row_bytes > 10_000) is repeats
    assert read(data).features["c"].tolist() == texts


def test_such_texts_inside_of_lists_are_refused() -> None:
    data = packed(
        pa.table({"c": [["p", "q"]]}), use_dictionary=False, column_encoding={"c.list.element": "DELTA_BYTE_ARRAY"}
    )
    with pytest.raises(UnreadableInput, match="texts inside of lists as DELTA_BYTE_ARRAY: write them as PLAIN"):
        read(data, Signature())


def test_texts_that_are_shared_do_not_swell_a_mini_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_MAX_MINI_BATCH_BYTES", 1_000_000)
    data = packed(pa.table({"a": np.zeros(10_000, np.int64), "c": ["x" * 1000] * 10_000}))
    with pytest.raises(UnreadableInput, match="a mini-batch of 5000 rows has more than 1000000 bytes: lower"):
        rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)))
    assert len(rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)), mini_batch_size=500)) == 20


def test_no_group_is_unpacked_after_the_one_that_makes_a_mini_batch_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_rows, "_MAX_MINI_BATCH_BYTES", 2_500_000)
    real, groups = parquet_rows._unpacked, list[int]()

    def watched(source: Source, footer: Footer, group: int, names: tuple[str, ...]) -> pa.Table:
        groups.append(group)
        return real(source, footer, group, names)

    monkeypatch.setattr(parquet_rows, "_unpacked", watched)
    data = packed(pa.table({"a": range(10), "c": ["x" * 1_000_000] * 10}), row_group_size=1, compression="zstd")
    with pytest.raises(UnreadableInput, match="a mini-batch of 10 rows has more than 2500000 bytes: lower"):
        rows_of(data, "day.parquet", SIGNATURE, etag=str(next(versions)))
    assert groups == [0, 1, 2]


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
    real = parquet_about.leaves
    monkeypatch.setattr(parquet_file, "leaves", lambda footer, names: real(footer, names)[:1])
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
