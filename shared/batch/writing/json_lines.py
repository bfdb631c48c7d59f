"""JSON Lines: one object a row."""

from collections.abc import Iterable
from typing import Any, Final

import orjson
import pyarrow as pa

from shared.batch.writing.json_values import JSON, dumps, plain

# As many rows as are Python objects at a time.
_ROWS_AT_ONCE: Final = 8192


def write_json_lines(table: pa.Table) -> bytes:
    """Raises ScoringFailed for what JSON cannot hold."""
    names = table.column_names
    pieces = []
    for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
        columns = [_members(column) for column in batch.columns]
        pieces.append(lines(dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)))
    return b"".join(pieces)


def lines(objects: Iterable[dict[str, Any]]) -> bytes:
    """Raises ScoringFailed."""
    return b"".join([dumps(each) + b"\n" for each in objects])


def _members(column: pa.Array) -> list[Any]:
    if column.type != JSON:
        return plain(column)
    return [None if text is None else orjson.Fragment(text) for text in column.storage.to_pylist()]
