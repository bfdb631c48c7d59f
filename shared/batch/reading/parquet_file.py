"""Parquet files by ranges: of a group of rows the columns that are needed, in few calls."""

import io
from collections import Counter
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.reading import parquet_pages
from shared.batch.reading.parquet_about import Footer, Range, check_packed, check_size, leaves, unreadable
from shared.batch.reading.parquet_pages import Pages
from shared.batch.reading.source import Source
from shared.errors import UnreadableInput
from shared.models import nested

# Ranges that lie closer together are read in one call.
_GAP_BYTES: Final = 1024 * 1024
# What may lie between the ranges of a group, in sum: else they are read one by one.
_GAPS_BYTES: Final = 64 * 1024 * 1024
# Bytes of a value, where they are not eight.
_WIDTHS: Final = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}
# For each value of a list, where it lies; of lists in lists, for each of them.
_PLACE_BYTES: Final = 4


class Opened(NamedTuple):
    """`row_bytes`: what a row may unpack to by its file's own word, however few bytes the file has for it."""

    file: pq.ParquetFile
    row_bytes: int


def opened(source: Source, footer: Footer, group: int, names: tuple[str, ...]) -> Opened:
    """With the bytes of those columns in that group in memory already. Raises UnreadableInput, PayloadTooLarge."""
    chunks = {at: footer.groups[group].chunks[at].packed for at in _read(footer, names)}
    # All of it is read before any of it is measured.
    check_packed(sum(packed.length for packed in chunks.values()))
    held = _Ranges(source, _joined(list(chunks.values())))
    found: dict[int, Pages] = {}
    left = parquet_pages.MAX_PAGES
    try:
        for at, packed in chunks.items():
            found[at] = parquet_pages.pages(held.held(packed), left)
            left -= found[at].number
        columns = {at: footer.about.schema.column(at) for at in found}
    except (ValueError, LookupError, TypeError):
        raise unreadable() from None
    check_size(sum(pages.total_bytes for pages in found.values()))
    # A text that is repeated is then held once, however long it is.
    shared = [columns[at].path for at in _to_share(footer, columns) if not found[at].delta]
    file = pq.ParquetFile(pa.PythonFile(held, "r"), metadata=footer.about, read_dictionary=shared, pre_buffer=False)
    kinds = [kind for field in file.schema_arrow for kind in nested.stored(field.type)]
    return Opened(file, _row_bytes(columns, kinds, found))


def _row_bytes(columns: dict[int, pq.ColumnSchema], kinds: list[pa.DataType], found: dict[int, Pages]) -> int:
    """Raises UnreadableInput, PayloadTooLarge for what lies in lists, as one row may hold all of that."""
    row_bytes = list_bytes = 0
    for at, column in columns.items():
        pages = found[at]
        value_bytes = _value_bytes(column, kinds[at], pages)
        if not column.max_repetition_level:
            row_bytes += value_bytes
            continue
        if pages.repeats and column.physical_type == "BYTE_ARRAY":
            raise UnreadableInput("the Parquet file has texts inside of lists as DELTA_BYTE_ARRAY: write them as PLAIN")
        list_bytes += pages.values * max(value_bytes, _PLACE_BYTES * column.max_repetition_level)
    check_size(list_bytes)
    return row_bytes


def _read(footer: Footer, names: tuple[str, ...]) -> list[int]:
    """The numbers of the columns as they are stored that pyarrow reads for these.

    It takes `a.b` for the name of a column, and for what is called b inside of a.
    """
    dotted = tuple(name for name in names if "." in name)
    found = leaves(footer, names)
    if dotted:
        paths = _paths(footer)
        inside = tuple(f"{name}." for name in dotted)
        found += [at for at, path in paths.items() if at not in found and f"{path}.".startswith(inside)]
    return found


def _paths(footer: Footer) -> dict[int, str]:
    return {at: footer.about.schema.column(at).path for at in range(len(footer.about.schema))}


def _to_share(footer: Footer, columns: dict[int, pq.ColumnSchema]) -> list[int]:
    """The texts that pyarrow can hold once: it takes their paths, which may be those of other columns, too."""
    fit = [nested.can_share(field.type) for field in footer.fields for _ in nested.stored(field.type)]
    texts = [at for at, column in columns.items() if column.physical_type == "BYTE_ARRAY" and fit[at]]
    if not any("." in columns[at].path for at in texts):
        return texts
    times = Counter(_paths(footer).values())
    return [at for at in texts if times[columns[at].path] == 1]


def _value_bytes(column: pq.ColumnSchema, kind: pa.DataType, pages: Pages) -> int:
    """What a value may unpack to by its file's own word, however few bytes the file has for it."""
    if column.physical_type != "BYTE_ARRAY":
        wide = kind.bit_width // 8 if pa.types.is_decimal(kind) else 0
        return max(_WIDTHS.get(column.physical_type, 8), column.length or 0, wide)
    if pa.types.is_dictionary(kind):
        return _WIDTHS["INT32"]
    return max(pages.dictionary_bytes, pages.largest_bytes if pages.repeats else 0)


def _joined(ranges: list[Range]) -> list[Range]:
    """In their order, those that lie close together as one."""
    joined: list[Range] = []
    left = _GAPS_BYTES
    for each in sorted(ranges):
        gap = each.offset - joined[-1].end if joined else 0
        if joined and gap <= min(_GAP_BYTES, left):
            left -= max(gap, 0)
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

    def held(self, range_: Range) -> memoryview:
        """Raises LookupError for what was not read at once."""
        for each, data in self._held:
            start = range_.offset - each.offset
            if start >= 0 and start + range_.length <= len(data):
                return memoryview(data)[start : start + range_.length]
        raise LookupError

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size_bytes}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        data = self._take(size)
        self._at += len(data)
        return data

    def _take(self, size: int) -> bytes:
        try:
            return bytes(self.held(Range(self._at, size)))
        except LookupError:
            return self._source.read(self._at, size)
