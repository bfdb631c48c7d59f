"""A Parquet file's footer, checked before pyarrow sees it.

pyarrow ends the process when a broken file is asked for its groups of rows and columns: those are read here.
"""

from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.reading.source import Source
from shared.errors import PayloadTooLarge, UnreadableInput
from shared.models import nested, parquet_footer
from shared.models.parquet_footer import MAX_FOOTER_BYTES

# Read together with the footer's length: most footers are shorter.
_TAIL_BYTES: Final = 64 * 1024
# Fields of the footer, by https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4
_COLUMNS, _GROUP_ROWS = 1, 3
_ABOUT, _UNPACKED, _PACKED, _DATA_PAGE, _DICTIONARY_PAGE = 3, 6, 7, 9, 11
# What the needed columns of a group of rows may unpack to.
MAX_GROUP_BYTES: Final = 1024 * 1024 * 1024


class Range(NamedTuple):
    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


class Chunk(NamedTuple):
    """The values of one column as it is stored, in one group of rows. `unpacked_bytes`: as the footer claims."""

    packed: Range
    unpacked_bytes: int


class Group(NamedTuple):
    rows: int
    chunks: tuple[Chunk, ...]


class Footer(NamedTuple):
    """`fields`: of the schema in Arrow's words; `size`: its bytes in the file."""

    about: pq.FileMetaData
    fields: pa.Schema
    groups: tuple[Group, ...]
    size: int


def read_footer(source: Source) -> Footer:
    """Raises UnreadableInput, PayloadTooLarge."""
    held = min(source.size_bytes, _TAIL_BYTES)
    tail = source.read(source.size_bytes - held, held)
    if tail.endswith(b"PARE"):
        raise UnreadableInput("the Parquet file is encrypted: write it plain")
    if len(tail) < 12 or not tail.endswith(b"PAR1"):
        raise unreadable()
    length = int.from_bytes(tail[-8:-4], "little")
    if length > source.size_bytes - 8:
        raise unreadable()
    if length > MAX_FOOTER_BYTES:
        raise PayloadTooLarge(
            f"the Parquet file's footer has {length} bytes, but at most {MAX_FOOTER_BYTES} are taken: "
            "write fewer columns, or fewer groups of rows"
        )
    if length + 8 > held:
        tail = source.read(source.size_bytes - length - 8, length + 8)
    tail = tail[len(tail) - length - 8 :]
    groups = _checked(tail[:-8], source.size_bytes)
    try:
        about = pq.read_metadata(pa.BufferReader(b"PAR1" + tail))
        fields = about.schema.to_arrow_schema()
    except Exception:  # whatever pyarrow makes of a broken file
        raise unreadable() from None
    stored = sum(_leaves(field.type) for field in fields)
    if any(len(group.chunks) != stored for group in groups):
        raise unreadable()
    return Footer(about, fields, groups, length)


def _checked(data: bytes, size_bytes: int) -> tuple[Group, ...]:
    """The groups of rows. Raises UnreadableInput for what does not fit together, or is nested too deeply."""
    try:
        footer = parquet_footer.Reader(data).struct(0)
        if parquet_footer.depth(footer[_SCHEMA]) > parquet_footer.MAX_SCHEMA_DEPTH:
            raise UnreadableInput(
                f"the Parquet file's columns are nested deeper than {parquet_footer.MAX_SCHEMA_DEPTH} levels"
            )
        groups = tuple(
            Group(group[_GROUP_ROWS], tuple(_chunk(column[_ABOUT]) for column in group[_COLUMNS]))
            for group in footer[_GROUPS]
        )
        rows = footer[_ROWS]
        chunks = [chunk for group in groups for chunk in group.chunks]
        fits = (
            min((group.rows for group in groups), default=0) >= 0
            and sum(group.rows for group in groups) == rows
            and min((min(*chunk.packed, chunk.unpacked_bytes) for chunk in chunks), default=0) >= 0
            and max((chunk.packed.end for chunk in chunks), default=0) <= size_bytes
            # Columns that share their bytes would be unpacked one by one.
            and sum(chunk.packed.length for chunk in chunks) <= size_bytes
        )
    except (ValueError, LookupError, TypeError):
        raise unreadable() from None
    if not fits:
        raise unreadable()
    return groups


def _chunk(about: dict[int, Any]) -> Chunk:
    start, dictionary = about[_DATA_PAGE], about.get(_DICTIONARY_PAGE, 0)
    # Some writers say 0 where there is no dictionary.
    start = min(start, dictionary) if dictionary > 0 else start
    return Chunk(Range(start, about[_PACKED]), about[_UNPACKED])


def unreadable() -> UnreadableInput:
    return UnreadableInput("this is no Parquet file that can be read: write it again")


def leaves(footer: Footer, names: tuple[str, ...]) -> list[int]:
    """The numbers of the columns as they are stored, of columns as a table has them."""
    found: list[int] = []
    at = 0
    for field in footer.fields:
        count = _leaves(field.type)
        if field.name in names:
            found.extend(range(at, at + count))
        at += count
    return found


def _leaves(kind: pa.DataType) -> int:
    return len(nested.stored(kind))


def check_size(unpacked_bytes: int) -> None:
    """Of a group of rows. Raises PayloadTooLarge."""
    if unpacked_bytes > MAX_GROUP_BYTES:
        raise PayloadTooLarge(
            f"a group of rows of the Parquet file unpacks to more than {MAX_GROUP_BYTES} bytes: "
            "write it with a smaller row_group_size"
        )


def check_packed(packed_bytes: int) -> None:
    """Of a group of rows, in the file: headers come on top, and noise grows a little. Raises PayloadTooLarge."""
    if packed_bytes > MAX_GROUP_BYTES * 9 // 8:
        raise PayloadTooLarge(
            f"a group of rows of the Parquet file is packed to more than {MAX_GROUP_BYTES} bytes: "
            "write it with a smaller row_group_size"
        )
