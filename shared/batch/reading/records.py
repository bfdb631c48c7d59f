"""Finds the records of a CSV or JSON Lines in one pass over its bytes, without parsing them.

RFC 4180: a line end inside quotes belongs to the value. Empty lines are no records. UTF-8, with or without its mark.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import UnreadableInput

type Offsets = np.ndarray[Any, np.dtype[np.int64]]

_LINE_FEED, _RETURN = ord("\n"), ord("\r")
_NONE: Final = np.empty(0, np.int64)
MAX_FIRST_BYTES: Final = 1024 * 1024


class Records(NamedTuple):
    """Where records start and end, in bytes from the start of the file; an end is the start of the line after it."""

    starts: Offsets
    ends: Offsets


class Finder:
    """Is fed a file piece by piece. `start`: of the text, after a byte order mark; `quote`: "" where nothing quotes.

    `first`: of a CSV the bytes of the first record, once it was found.
    """

    def __init__(self, start: int, quote: str, is_csv: bool) -> None:
        self.base = 0
        self.first = b""
        self._start = start
        self._quote = quote.encode()
        self._inside = False
        self._last = 0
        self._is_csv = is_csv
        self._head = bytearray() if is_csv else None

    def feed(self, chunk: bytes) -> Records:
        """Raises UnreadableInput for a CSV of binary data, or whose first record does not end."""
        if not chunk:
            return Records(_NONE, _NONE)
        if self._is_csv and b"\0" in chunk:
            raise UnreadableInput("the file holds binary data: a CSV in the encoding of csv.encoding is needed")
        if self._head is not None:
            self._head += chunk
        data = np.frombuffer(chunk, np.uint8)
        ends = self._line_ends(chunk, data)
        found = Records(_NONE, _NONE)
        if len(ends):
            before = data[ends - 2]  # of an end at 1 it is the last of all, and mended here
            if ends[0] == 1:
                before[0] = self._last
            ends += self.base
            starts = np.concatenate((np.array([self._start], np.int64), ends[:-1]))
            # A line that holds nothing, or nothing but the return of its line end, is no record.
            length = ends - starts
            kept = (length > 2) | ((length == 2) & (before != _RETURN))
            found = Records(starts, ends) if kept.all() else Records(starts[kept], ends[kept])
            self._start = int(ends[-1])
        self._last = chunk[-1]
        self.base += len(chunk)
        self._keep_first(found)
        return found

    def finish(self) -> Records:
        """The last record, where no line end follows it. Raises UnreadableInput for a quote that is never closed."""
        if self._inside:
            raise UnreadableInput("a quote is opened and never closed")
        if self.base - self._start <= (1 if self._last == _RETURN else 0):
            return Records(_NONE, _NONE)
        found = Records(np.array([self._start]), np.array([self.base]))
        self._keep_first(found)
        return found

    def _line_ends(self, chunk: bytes, data: np.ndarray[Any, np.dtype[np.uint8]]) -> Offsets:
        """Offsets just after the line feeds that end a record."""
        ends = np.flatnonzero(data == _LINE_FEED) + 1
        if self._quote and (self._inside or self._quote in chunk):
            quotes = np.flatnonzero(data == self._quote[0])
            odd = np.searchsorted(quotes, ends) % 2 == 1
            ends = ends[odd == self._inside]
            self._inside ^= len(quotes) % 2 == 1
        return ends

    def _keep_first(self, found: Records) -> None:
        if self._head is None:
            return
        if len(found.starts):
            self.first = bytes(self._head[found.starts[0] : found.ends[0]])
            self._head = None
        elif len(self._head) > MAX_FIRST_BYTES:
            raise UnreadableInput(
                f"the first line is longer than {MAX_FIRST_BYTES} bytes: this is no CSV in this dialect"
            )
