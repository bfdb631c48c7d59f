"""Parquet files by ranges: of a group of rows the columns that are needed, in few calls."""

import io
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.reading import parquet_pages
from shared.batch.reading.parquet_about import Footer, Range, check_size, leaves, unreadable
from shared.batch.reading.source import Source
from shared.errors import UnreadableInput

# Ranges that lie closer together are read in one call.
_GAP_BYTES: Final = 1024 * 1024


class Opened(NamedTuple):
    """`row_bytes`: what a row may unpack to by its file's own word, however few bytes the file has for it."""

    file: pq.ParquetFile
    row_bytes: int


def opened(source: Source, footer: Footer, group: int, names: tuple[str, ...]) -> Opened:
    """With the bytes of those columns in that group in memory already. Raises UnreadableInput, PayloadTooLarge."""
    chunks = {at: footer.groups[group].chunks[at].packed for at in leaves(footer, names)}
    file = _Ranges(source, _joined(list(chunks.values())))
    try:
        found = {at: parquet_pages.pages(file.held(packed)) for at, packed in chunks.items()}
        stored = {at: footer.about.schema.column(at) for at in found}
    except (ValueError, LookupError, TypeError):
        raise unreadable() from None
    check_size(sum(pages.total_bytes for pages in found.values()))
    texts = [at for at, column in stored.items() if column.physical_type == "BYTE_ARRAY"]
    plain = [at for at in texts if "." not in stored[at].path]
    if any(found[at].repeats for at in texts if at not in plain):
        raise UnreadableInput("the Parquet file has texts inside of lists as DELTA_BYTE_ARRAY: write them as PLAIN")
    # A file says a value of fixed length once, however many rows hold it, and however long it is.
    row_bytes = sum(column.length or 0 for column in stored.values())
    row_bytes += sum(found[at].largest_bytes for at in plain if found[at].repeats)
    # A text that is repeated is then held once, however long it is.
    shared = [stored[at].path for at in plain if not found[at].delta]
    handle = pa.PythonFile(file, "r")
    return Opened(pq.ParquetFile(handle, metadata=footer.about, read_dictionary=shared, pre_buffer=False), row_bytes)


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
