"""Parquet files by ranges: the footer, checked before pyarrow sees it, and then the columns that are needed."""

import io
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.reading.source import Source
from shared.errors import PayloadTooLarge, SlipwayError, UnreadableInput
from shared.models import parquet_footer
from shared.models.parquet_footer import MAX_FOOTER_BYTES

# Read together with the footer's length: most footers are shorter.
_TAIL_BYTES: Final = 64 * 1024
# Ranges that lie closer together are read in one call.
_GAP_BYTES: Final = 1024 * 1024
# pyarrow calls itself for every level of a schema, until the process ends.
_MAX_DEPTH: Final = 32
_SCHEMA, _CHILDREN = 2, 5


class Footer(NamedTuple):
    """`fields`: of the schema in Arrow's words; `size`: its bytes in the file."""

    about: pq.FileMetaData
    fields: pa.Schema
    size: int


class _Range(NamedTuple):
    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


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
    _check(tail, source.size_bytes)
    try:
        about = pq.read_metadata(pa.BufferReader(b"PAR1" + tail))
        groups = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
        if min(groups, default=0) < 0 or sum(groups) != about.num_rows:
            raise unreadable()
        return Footer(about, about.schema.to_arrow_schema(), length)
    except Exception:  # whatever pyarrow makes of a broken file
        raise unreadable() from None


def _check(tail: bytes, size_bytes: int) -> None:
    try:
        packed = sum(chunk.size for chunk in parquet_footer.chunks(tail))
        deep = _depth(parquet_footer._Reader(tail[:-8]).struct(0)[_SCHEMA]) > _MAX_DEPTH
    except (ValueError, LookupError, TypeError):
        raise unreadable() from None
    if deep:
        raise UnreadableInput(f"the Parquet file's columns are nested deeper than {_MAX_DEPTH} levels")
    # Columns that share their bytes would be unpacked one by one.
    if packed > size_bytes:
        raise unreadable()


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
    try:
        rows = footer.about.row_group(group)
        packed = [_range(rows.column(at)) for at in leaves(footer, names)]
    except Exception:  # whatever pyarrow makes of a broken file
        raise unreadable() from None
    if any(each.offset < 0 or each.length < 0 or each.end > source.size_bytes for each in packed):
        raise unreadable()
    file = _Ranges(source, _joined(packed))
    try:
        schema = footer.about.schema
        stored = [schema.column(at) for at in range(len(schema))]
        # A text that is repeated is then held once, however long it is.
        texts = [column.path for column in stored if column.physical_type == "BYTE_ARRAY" and "." not in column.path]
        return pq.ParquetFile(pa.PythonFile(file, "r"), metadata=footer.about, read_dictionary=texts)
    except SlipwayError:
        raise
    except Exception:  # whatever pyarrow makes of a broken file
        raise unreadable() from None


def _range(chunk: Any) -> _Range:
    start = chunk.data_page_offset
    if chunk.has_dictionary_page and chunk.dictionary_page_offset is not None and chunk.dictionary_page_offset > 0:
        start = min(start, chunk.dictionary_page_offset)
    return _Range(start, chunk.total_compressed_size)


def _joined(ranges: list[_Range]) -> list[_Range]:
    """In their order, those that lie close together as one."""
    joined: list[_Range] = []
    for each in sorted(ranges):
        if joined and each.offset - joined[-1].end <= _GAP_BYTES:
            first = joined[-1].offset
            joined[-1] = _Range(first, max(each.end, joined[-1].end) - first)
        else:
            joined.append(each)
    return joined


class _Ranges(io.RawIOBase):
    """A source as a file. The ranges are read at once, all else when it is asked for."""

    def __init__(self, source: Source, ranges: list[_Range]) -> None:
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
