"""Finds the records of a CSV in one pass, without parsing it: where each mini-batch of rows begins and ends.

RFC 4180: a line end inside quotes belongs to the value. Empty lines are no rows. UTF-8, with or without its mark.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import UnreadableInput

type _Offsets = np.ndarray[Any, np.dtype[np.int64]]

_QUOTE, _LINE_FEED, _RETURN, _NUL = ord('"'), ord("\n"), ord("\r"), 0
_BOM: Final = b"\xef\xbb\xbf"
_MAX_HEADER_BYTES: Final = 1024 * 1024
# Bounds what one mini-batch holds in memory.
_MAX_SPAN_BYTES: Final = 256 * 1024 * 1024


class Span(NamedTuple):
    """Rows [first_row, first_row + rows) are the bytes [offset, offset + length)."""

    offset: int
    length: int
    first_row: int
    rows: int


class CsvIndex(NamedTuple):
    columns: tuple[str, ...]
    spans: list[Span]


class _Records(NamedTuple):
    """Where the records of a piece of the file start and end; the first piece also tells the header's bytes."""

    starts: _Offsets
    ends: _Offsets
    header: bytes


def index(chunks: Iterable[bytes], rows_per_span: int) -> CsvIndex:
    """Raises UnreadableInput when this is no CSV with a header."""
    columns: tuple[str, ...] = ()
    cuts: list[int] = []
    rows, end = 0, 0
    for starts, ends, header in _records(chunks):
        if not columns:
            columns = _header(header)
            starts, ends = starts[1:], ends[1:]
        if len(starts):
            cuts.extend(starts[-rows % rows_per_span :: rows_per_span].tolist())
            rows, end = rows + len(starts), int(ends[-1])
    if not columns:
        raise UnreadableInput("the file is empty: a CSV with a header line is needed")
    spans = [
        Span(start, stop - start, number * rows_per_span, min(rows_per_span, rows - number * rows_per_span))
        for number, (start, stop) in enumerate(pairwise([*cuts, end]))
    ]
    if any(span.length > _MAX_SPAN_BYTES for span in spans):
        raise UnreadableInput(
            f"a mini-batch of {rows_per_span} rows has more than {_MAX_SPAN_BYTES} bytes: "
            "lower mini_batch_size, or look for a quote that is never closed"
        )
    return CsvIndex(columns, spans)


def _records(chunks: Iterable[bytes]) -> Iterator[_Records]:
    base, start, inside, last = 0, 0, False, 0
    head = bytearray()
    found_header = False
    for chunk in chunks:
        if not chunk:
            continue
        if not found_header:
            head += chunk
        data = np.frombuffer(chunk, np.uint8)
        if (data == _NUL).any():
            raise UnreadableInput("the file holds binary data: a CSV in UTF-8 is needed")
        ends, inside = _line_ends(data, inside)
        previous = np.concatenate((np.array([last], np.uint8), data))
        starts = np.concatenate((np.array([start], np.int64), ends[:-1] + base)) if len(ends) else ends
        # A line that holds nothing, or nothing but the return of its line end, is no record.
        length = ends + base - starts
        kept = (length > 2) | ((length == 2) & (previous[ends - 1] != _RETURN))
        last = int(data[-1])
        if len(ends):
            start = int(ends[-1]) + base
        if kept.any():
            starts, stops = starts[kept], (ends + base)[kept]
            yield _Records(starts, stops, b"" if found_header else bytes(head[starts[0] : stops[0]]))
            found_header = True
            head.clear()
        base += len(chunk)
        if len(head) > _MAX_HEADER_BYTES:
            raise UnreadableInput(
                f"the first line is longer than {_MAX_HEADER_BYTES} bytes: this is no CSV with a header"
            )
    if inside:
        raise UnreadableInput("a quote is opened and never closed")
    if base - start > (1 if last == _RETURN else 0):
        yield _Records(np.array([start]), np.array([base]), b"" if found_header else bytes(head[start:]))


def _line_ends(data: np.ndarray[Any, np.dtype[np.uint8]], inside: bool) -> tuple[_Offsets, bool]:
    """Offsets just after the line feeds that end a record, and whether the piece ends inside quotes."""
    feeds = data == _LINE_FEED
    quotes = data == _QUOTE
    if inside or quotes.any():
        within = np.logical_xor.accumulate(quotes) ^ inside
        return np.flatnonzero(feeds & ~within) + 1, bool(within[-1])
    return np.flatnonzero(feeds) + 1, False


def _header(line: bytes) -> tuple[str, ...]:
    try:
        text = line.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        raise UnreadableInput("the file is not text in UTF-8") from None
    try:
        columns = tuple(next(csv.reader(io.StringIO(text), strict=True), ()))
    except csv.Error as error:
        raise UnreadableInput(f"the header is not CSV: {error}") from None
    if len(set(columns)) != len(columns):
        raise UnreadableInput("the header names a column twice")
    return columns
