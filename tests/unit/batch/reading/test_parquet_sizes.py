"""What a Parquet file takes is measured by its own bytes, before they are read or unpacked."""

import contextlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batch.reading import parquet_about, parquet_file, parquet_pages, parquet_plan
from shared.batch.reading.parquet_about import Range
from shared.errors import PayloadTooLarge
from tests.support.parquet import packed, varint
from tests.support.reading import MemorySource


@pytest.mark.parametrize("planned", [True, False])
def test_what_a_group_is_packed_to_is_bounded_before_it_is_read(planned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little the footer claims that it unpacks to."""
    data = packed(pa.table({"a": np.random.default_rng(1).integers(2**60, size=10_000), "c": ["x"] * 10_000}))
    source = MemorySource(data, "day.parquet")
    footer = parquet_about.read_footer(source)
    group = footer.groups[0]
    claimed = footer._replace(
        groups=(group._replace(chunks=tuple(each._replace(unpacked_bytes=1) for each in group.chunks)),)
    )
    monkeypatch.setattr(parquet_about, "MAX_GROUP_BYTES", 50_000)
    source.calls = 0
    with pytest.raises(
        PayloadTooLarge, match="is packed to more than 50000 bytes: write it with a smaller row_group_size"
    ):
        parquet_plan._check_sizes(claimed, ("a", "c")) if planned else parquet_file.opened(
            source, claimed, 0, ("a", "c")
        )
    assert source.calls == 0


def test_what_lies_between_columns_is_read_with_them_while_it_is_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_file, "_GAP_BYTES", 10)
    monkeypatch.setattr(parquet_file, "_GAPS_BYTES", 25)
    spread = [Range(at * 15, 5) for at in (3, 2, 1, 0)]
    assert parquet_file._joined(spread) == [Range(0, 35), Range(45, 5)]
    apart = [Range(0, 5), Range(3, 4), Range(18, 1), Range(29, 1)]
    assert parquet_file._joined(apart) == [Range(0, 7), Range(18, 12)]


def signed(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def pages(*sizes: tuple[int, int], kind: int = 0, about: bytes = b"") -> memoryview:
    """Of a column: what each page is said to unpack to, and to take."""
    return memoryview(
        b"".join(
            b"".join([b"\x15", signed(kind), b"\x15", signed(unpacked), b"\x15", signed(taken), about, b"\x00"])
            + bytes(max(taken, 0))
            for unpacked, taken in sizes
        )
    )


def test_pages_tell_what_they_unpack_to() -> None:
    assert parquet_pages.pages(pages((2**31 - 1, 3), (5, 0), (70_000, 70_000))) == (
        3,
        2**31 + 70_004,
        2**31 - 1,
        0,
        0,
        False,
        False,
    )
    assert parquet_pages.pages(memoryview(b"")) == (0, 0, 0, 0, 0, False, False)
    for sizes in ((-1, 3), (3, -1)):
        with pytest.raises(ValueError, match="a page has a negative size"):
            parquet_pages.pages(pages(sizes))


def test_pages_tell_how_many_values_they_hold_and_what_others_name() -> None:
    held = [b"\x2c\x15" + signed(7) + b"\x00", b"\x5c\x15" + signed(8) + b"\x00", b"\x5c\x15" + signed(-9) + b"\x00"]
    data = b"".join(bytes(pages((10, 1), about=about)) for about in held)
    named = bytes(pages((40, 2), (30, 2), kind=2, about=b"\x4c\x15" + signed(5) + b"\x00"))
    found = parquet_pages.pages(memoryview(named + data))
    assert (found.values, found.dictionary_bytes, found.largest_bytes) == (15, 40, 40)
    with pytest.raises(LookupError):
        parquet_pages.pages(pages((1, 1), about=b"\x2c\x00"))


def test_a_group_has_a_bounded_number_of_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty ones take seven bytes each, and a gigabyte of them took a third of an hour."""
    column = pages(*[(0, 0)] * 50)
    assert parquet_pages.pages(column, 50).number == 50
    with pytest.raises(PayloadTooLarge, match="has more than 200000 pages: write it with a larger data_page_size"):
        parquet_pages.pages(column, 49)
    data = packed(pa.table({"a": range(10), "c": range(10)}), use_dictionary=False)
    source = MemorySource(data, "day.parquet")
    footer = parquet_about.read_footer(source)
    monkeypatch.setattr(parquet_pages, "MAX_PAGES", 2)
    parquet_file.opened(source, footer, 0, ("a", "c"))
    monkeypatch.setattr(parquet_pages, "MAX_PAGES", 1)
    with pytest.raises(PayloadTooLarge, match="has more than 1 pages"):
        parquet_file.opened(source, footer, 0, ("a", "c"))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20), st.binary(max_size=30))
def test_pages_end_with_their_column_or_are_none(sizes: list[tuple[int, int]], rest: bytes) -> None:
    whole = bytes(pages(*sizes))
    assert parquet_pages.pages(memoryview(whole)).total_bytes == sum(unpacked for unpacked, _ in sizes)
    with contextlib.suppress(ValueError, LookupError, TypeError):
        assert parquet_pages.pages(memoryview(whole + rest)).number >= len(sizes)
