"""Parquet files by ranges: the footer, checked before pyarrow sees it, and then the columns that are needed.

pyarrow ends the process when a broken file is asked for its groups of rows and columns: those are read here.
"""

import io
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.reading.source import Source
from shared.errors import PayloadTooLarge, UnreadableInput
from shared.models import parquet_footer
from shared.models.parquet_footer import MAX_FOOTER_BYTES

# Read together with the footer's length: most footers are shorter.
_TAIL_BYTES: Final = 64 * 1024
# Ranges that lie closer together are read in one call.
_GAP_BYTES: Final = 1024 * 1024
# pyarrow calls itself for every level of a schema, until the process ends.
_MAX_DEPTH: Final = 32
# Fields of the footer, by https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
_SCHEMA, _ROWS, _GROUPS = 2, 3, 4
_CHILDREN = 5
_COLUMNS, _GROUP_ROWS = 1, 3
_ABOUT, _UNPACKED, _PACKED, _DATA_PAGE, _DICTIONARY_PAGE = 3, 6, 7, 9, 11


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
        footer = parquet_footer._Reader(data).struct(0)
        if _depth(footer[_SCHEMA]) > _MAX_DEPTH:
            raise UnreadableInput(f"the Parquet file's columns are nested deeper than {_MAX_DEPTH} levels")
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


def _depth(elements: list[dict[int, Any]]) -> int:
    """Of a schema that is written from its root down, each element with the number of those right below it."""
    deepest = 0
    open_: list[int] = []
    for element in elements:
        while open_ and not open_[-1]:
            open_.pop()
        if open_:
            open_[-1] -= 1
        open_.append(element.get(_CHILDREN, 0))
        deepest = max(deepest, len(open_))
        if deepest > _MAX_DEPTH:
            break
    return deepest


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
    if isinstance(kind, pa.BaseExtensionType):
        return _leaves(kind.storage_type)
    if not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(at).type) for at in range(kind.num_fields))


def opened(source: Source, footer: Footer, group: int, names: tuple[str, ...]) -> pq.ParquetFile:
    """A file whose bytes of those columns in that group are in memory already. Raises UnreadableInput."""
    packed = [footer.groups[group].chunks[at].packed for at in leaves(footer, names)]
    file = _Ranges(source, _joined(packed))
    try:
        schema = footer.about.schema
        stored = [schema.column(at) for at in range(len(schema))]
        # A text that is repeated is then held once, however long it is.
        texts = [column.path for column in stored if column.physical_type == "BYTE_ARRAY" and "." not in column.path]
        return pq.ParquetFile(pa.PythonFile(file, "r"), metadata=footer.about, read_dictionary=texts, pre_buffer=False)
    except Exception:  # whatever pyarrow makes of a broken file
        raise unreadable() from None


def _joined(ranges: list[Range]) -> list[Range]:
    """In their order, those that lie close together as one."""
    joined: list[Range] = []
    for each in sorted(ranges):
        if joined and each.offset - joined[-1].end <= _GAP_BYTES:
            first = joined[-1].offset
            joined[-1] = Range(first, max(each.end, joined[-1].end) - first)
        else:
            joined.append(each)
    return joined


class _Ranges(io.RawIOBase):
    """A source as a file. The ranges are read at once, all else when it is asked for."""

    def __init__(self, source: Source, ranges: list[Range]) -> None:
        self._source = source
        self._held = [(each, source.read(each.offset, each.length)) for each in ranges]
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size_bytes}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        size = max(0, self._source.size_bytes - self._at) if size < 0 else size
        data = self._take(size)
        self._at += len(data)
        return data

    def _take(self, size: int) -> bytes:
        for each, data in self._held:
            start = self._at - each.offset
            if start >= 0 and start + size <= len(data):
                return data[start : start + size]
        return self._source.read(self._at, size)
