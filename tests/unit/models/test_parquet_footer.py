"""A Parquet file's footer, byte by byte: what is read from it, and what is refused before anything is unpacked."""

import contextlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models.parquet_footer import Chunk, Reader, chunks

I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 5, 6, 7, 8, 9, 10, 12
STOP = b"\0"


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def signed(number: int) -> bytes:
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def field(step: int, kind: int, value: bytes) -> bytes:
    """`step`: by how much its number is larger than that of the one before."""
    return bytes([step << 4 | kind]) + value


def listed(*values: bytes, kind: int = STRUCT) -> bytes:
    return bytes([len(values) << 4 | kind]) + b"".join(values)


def footer(codec: int = 1, size: int = 7) -> bytes:
    """Of one column in one group of rows."""
    about = field(4, I32, signed(codec)) + field(3, I64, signed(size)) + STOP
    column = field(3, STRUCT, about) + STOP
    group = field(1, LIST, listed(column)) + STOP
    return field(4, LIST, listed(group)) + STOP


def read(data: bytes) -> list[Chunk]:
    return list(chunks(data + len(data).to_bytes(4, "little") + b"PAR1"))


def test_the_footer_tells_codec_and_size_of_every_column_in_every_group() -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), sink, row_group_size=1, compression="zstd")
    about = pq.ParquetFile(io.BytesIO(sink.getvalue())).metadata
    sizes = [about.row_group(group).column(at).total_compressed_size for group in (0, 1) for at in (0, 1)]
    assert list(chunks(sink.getvalue())) == [Chunk("ZSTD", size) for size in sizes]


@pytest.mark.parametrize(("codec", "name"), [(0, "UNCOMPRESSED"), (7, "LZ4_RAW"), (-1, "UNKNOWN")])
def test_a_codec_is_told_by_its_name(codec: int, name: str) -> None:
    assert read(footer(codec, 300)) == [Chunk(name, 300)]


def nested(kind: int, depth: int) -> bytes:
    """A first field that holds itself so often."""
    inner = b""
    for _ in range(depth):
        inner = field(1, STRUCT, inner + STOP) if kind == STRUCT else bytes([1 << 4 | LIST]) + inner
    return inner if kind == STRUCT else field(1, LIST, inner)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (footer(size=-1), "a column has a negative size"),
        (field(1, I32, signed(1)) + field(0, I32, signed(1) + signed(2)), "there twice"),
        (field(0, I32, signed(-3) + signed(2)), "there twice"),
        (field(0, I32, signed(2**15) + signed(2)), "there twice"),
        (field(1, 13, b""), "an unknown type"),
        (field(1, I64, b"\xff" * 10), "a number of the footer is too long"),
        (nested(STRUCT, 20), "nested too deeply"),
        (nested(LIST, 20), "nested too deeply"),
    ],
    ids=["size", "twice", "below", "above", "type", "number", "structs", "lists"],
)
def test_a_footer_that_readers_could_take_in_two_ways_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(data)


@pytest.mark.parametrize(
    "data",
    [footer(codec=8), footer()[:-1], STOP, field(4, I32, signed(1)) + STOP, field(1, BINARY, varint(2**40))],
    ids=["codec", "cut", "empty", "groups", "text"],
)
def test_a_footer_that_lacks_something_is_no_parquet_file(data: bytes) -> None:
    with pytest.raises((LookupError, TypeError)):
        read(data)


@pytest.mark.parametrize("listing", [LIST, SET])
@pytest.mark.parametrize("kind", range(16))
def test_a_list_that_is_longer_than_its_footer_is_refused_before_it_is_made(kind: int, listing: int) -> None:
    """2^60 values of any type, in less than 20 bytes."""
    with pytest.raises(ValueError, match="a list of the footer is longer than the footer"):
        read(field(1, listing, bytes([0xF0 | kind]) + varint(2**60)) + STOP)


@pytest.mark.parametrize("kind", [1, 2, 3, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT])
def test_values_of_a_list_past_the_end_of_the_footer_are_none(kind: int) -> None:
    with pytest.raises(LookupError):
        read(field(1, LIST, bytes([0xF0 | kind]) + varint(16) + b"\x11" * 16))


@pytest.mark.parametrize("data", [field(1, DOUBLE, bytes(7)), field(1, BINARY, varint(3) + b"hi")])
def test_a_value_that_ends_after_the_footer_is_none(data: bytes) -> None:
    with pytest.raises(LookupError):
        Reader(data).struct(0)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_at_once_or_refused(data: bytes) -> None:
    reader = Reader(data)
    with contextlib.suppress(ValueError, LookupError):
        reader.struct(0)
    assert reader._at <= len(data)


@pytest.mark.parametrize("length", [2**32 - 1, 1])
def test_a_footer_longer_than_the_file_is_no_parquet_file(length: int) -> None:
    with pytest.raises(ValueError, match="the footer is longer than the file"):
        list(chunks(length.to_bytes(4, "little") + b"PAR1"))


@pytest.mark.parametrize(
    "entry",
    [
        field(1, 1, b"") + field(0, I32, signed(3) + signed(9)),
        field(1, 3, b"\x05") + field(1, 7, b"\0" * 8) + field(1, BINARY, varint(2) + b"hi"),
        field(1, LIST, bytes([0xF0 | I32]) + varint(20) + signed(1) * 20),
    ],
    ids=["flag", "numbers", "long-list"],
)
def test_what_else_a_footer_holds_is_passed_over(entry: bytes) -> None:
    """In a struct of its own, as field 1."""
    before = field(1, STRUCT, entry + STOP)
    assert read(before + bytes([3 << 4 | LIST]) + footer()[1:]) == [Chunk("SNAPPY", 7)]
