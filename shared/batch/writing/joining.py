"""One file of all parts of a job, as pieces: what is in memory at a time does not grow with their number."""

import csv
import io
from collections.abc import Iterator, Sequence

from shared.batch.writing.joined_parquet import join_parquet
from shared.endpoints.batch_settings import Format
from shared.errors import ScoringFailed


def join(parts: Iterator[bytes], format: Format) -> Iterator[bytes]:  # noqa: A002 - the setting's word
    """The bytes of one file made of all parts in their order, in memory bounded by two parts and a row group.

    Of no parts: an empty file, which for Parquet is one without columns. Raises ScoringFailed when the parts differ so
    much that one file cannot hold them.
    """
    if format == "parquet":
        return join_parquet(parts)
    return _join_csv(parts) if format == "csv" else parts


def _join_csv(parts: Iterator[bytes]) -> Iterator[bytes]:
    names = b""
    for part in parts:
        end = _end_of_names(part)
        if not names:
            names = part[:end]
            yield part
        elif part[:end] == names:
            yield part[end:]
        else:
            raise _different(_parsed(names), _parsed(part[:end]))


def _end_of_names(part: bytes) -> int:
    """Where the first record ends: a line feed between quotes is of a name."""
    end = part.index(b"\n") + 1
    while part.count(b'"', 0, end) % 2:
        end = part.index(b"\n", end) + 1
    return end


def _parsed(names: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(names.decode(), newline="")))


def _different(first: Sequence[str], other: Sequence[str]) -> ScoringFailed:
    return ScoringFailed(...)
