"""Cuts a CSV or JSON Lines into spans of so many records, while its bytes go by."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from shared.batch.manifest import Span
from shared.batch.reading.records import Finder, Records
from shared.errors import UnreadableInput

# The spans of more are not held in memory: the staged copy is then read once more.
_MAX_KEPT_SPANS: Final = 1_000_000


class Cut(NamedTuple):
    """Rows [first_row, first_row + rows) are the bytes [offset, offset + length)."""

    offset: int
    length: int
    first_row: int
    rows: int


class Cutter:
    """Is fed a file piece by piece. `columns`: of the first record, once it was found; `columns_of` makes them.

    `rows`: in a span; `max_bytes`: of a span, what one mini-batch may hold in memory.
    """

    def __init__(
        self,
        finder: Finder,
        rows: int,
        max_bytes: int,
        columns_of: Callable[[bytes], tuple[str, ...]] | None,
        has_header: bool,
    ) -> None:
        self.columns: tuple[str, ...] | None = None if columns_of else ()
        self._columns_of = columns_of
        self._has_header = has_header
        self._finder = finder
        self._rows = rows
        self._max_bytes = max_bytes
        self._found = 0
        self._start = 0
        self._end = 0

    def feed(self, chunk: bytes) -> list[Cut]:
        """Raises UnreadableInput."""
        cuts = self._cut(self._finder.feed(chunk))
        if self._found % self._rows and self._finder.base - self._start > self._max_bytes:
            raise self._too_large()
        return cuts

    def finish(self) -> list[Cut]:
        """The last span, if there is any. Raises UnreadableInput."""
        cuts = self._cut(self._finder.finish())
        if self._columns_of is not None and self._has_header and not self.columns:
            raise UnreadableInput("the file is empty: a CSV with a header line is needed")
        if self._found:
            cuts.append(self._span(self._start, self._end, -(-self._found // self._rows) - 1))
        return cuts

    def _cut(self, found: Records) -> list[Cut]:
        starts, ends = found
        if not len(starts):
            return []
        if self._columns_of is not None and not self.columns:
            self.columns = self._columns_of(self._finder.first)
            if self._has_header:
                starts, ends = starts[1:], ends[1:]
        fresh = starts[-self._found % self._rows :: self._rows].tolist()
        done = -(-self._found // self._rows)
        if done:
            fresh.insert(0, self._start)
            done -= 1
        self._found += len(starts)
        if fresh:
            self._start = fresh[-1]
        if len(ends):
            self._end = int(ends[-1])
        return [self._span(start, stop, done + at) for at, (start, stop) in enumerate(pairwise(fresh))]

    def _span(self, start: int, stop: int, number: int) -> Cut:
        if stop - start > self._max_bytes:
            raise self._too_large()
        first = number * self._rows
        return Cut(start, stop - start, first, min(self._rows, self._found - first))

    def _too_large(self) -> UnreadableInput:
        return UnreadableInput(
            f"a mini-batch of {self._rows} rows has more than {self._max_bytes} bytes: "
            "lower mini_batch_size, or look for a quote that is never closed"
        )


def cuts(cutter: Cutter, chunks: Iterable[bytes]) -> Iterator[Cut]:
    for chunk in chunks:
        yield from cutter.feed(chunk)
    yield from cutter.finish()


class Kept:
    """The cuts of a file that is being copied, in 24 bytes each; None once they are too many."""

    def __init__(self) -> None:
        self._numbers: array[int] | None = array("q")

    def add(self, found: list[Cut]) -> None:
        if self._numbers is None:
            return
        for cut in found:
            self._numbers.extend((cut.offset, cut.length, cut.rows))
        if len(self._numbers) > 3 * _MAX_KEPT_SPANS:
            self._numbers = None

    def cuts(self) -> Iterator[Cut] | None:
        return None if self._numbers is None else self._cuts(self._numbers)

    @staticmethod
    def _cuts(numbers: "array[int]") -> Iterator[Cut]:
        row = 0
        for at in range(0, len(numbers), 3):
            yield Cut(numbers[at], numbers[at + 1], row, numbers[at + 2])
            row += numbers[at + 2]


def spans(found: Iterator[Cut]) -> Iterator[Span]:
    for cut in found:
        yield Span(file=0, **cut._asdict())
