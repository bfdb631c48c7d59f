"""One file of all parts of a job, as pieces: what is in memory at a time does not grow with their number."""

import csv
import io
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.writing.agreement import check_names, fitted, settled
from shared.endpoints.batch_settings import Format
from shared.errors import ScoringFailed

# Tiny parts are gathered into row groups of this size: readers pay for each of them.
_GROUP_ROWS: Final = 64 * 1024
_GROUP_BYTES: Final = 16 * 1024 * 1024


def join(parts: Iterator[bytes], format: Format) -> Iterator[bytes]:  # noqa: A002 - the setting's word
    """The bytes of one file made of all parts in their order, as pieces, in memory bounded by two parts.

    Of no parts: an empty file, which as Parquet is one without columns. Raises ScoringFailed when the parts differ so
    much that one file cannot hold them.
    """
    if format == "parquet":
        return _join_parquet(parts)
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
            check_names(_parsed(names), _parsed(part[:end]))
            raise ScoringFailed(
                "the mini-batches have their columns in different orders: let the model always return its outputs in "
                "one order, or let the job write jsonl or parquet"
            )


def _end_of_names(part: bytes) -> int:
    """Where the first record ends: a line feed between quotes is part of a name."""
    end = part.index(b"\n") + 1
    while part.count(b'"', 0, end) % 2:
        end = part.index(b"\n", end) + 1
    return end


def _parsed(names: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(names.decode(), newline="")))


def _join_parquet(parts: Iterator[bytes]) -> Iterator[bytes]:
    groups = _grouped(parts)
    group = next(groups, [])
    sink = _Sink()
    # The types of a file are those of its first row group; what comes later must fit them.
    schema = settled(group)
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        while group:
            table = pa.concat_tables(fitted(each, schema) for each in group)
            writer.write_table(table, row_group_size=table.num_rows)
            yield sink.taken()
            group = next(groups, [])
    yield sink.taken()


def _grouped(parts: Iterator[bytes]) -> Iterator[list[pa.Table]]:
    """Tables that together make one row group."""
    gathered: list[pa.Table] = []
    rows = size_bytes = 0
    for part in parts:
        table = pq.ParquetFile(pa.BufferReader(part)).read()
        gathered.append(table)
        rows, size_bytes = rows + table.num_rows, size_bytes + table.nbytes
        if rows >= _GROUP_ROWS or size_bytes >= _GROUP_BYTES:
            yield gathered
            gathered, rows, size_bytes = [], 0, 0
    if gathered:
        yield gathered


class _Sink(io.RawIOBase):
    """A file whose bytes are taken out while it is still written."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """What was written since this was last asked."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
