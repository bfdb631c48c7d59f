"""Tables as mini-batches give them, and readers of other people for what was written."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.rows import Rows
from shared.batch.writing.joining import join
from shared.batch.writing.parts import Labels, part_table, write_part
from shared.endpoints.batch_settings import Format
from shared.models.scoring import Predictions

LABELS = Labels("f", "blue", "m/1")
TOLD = {"file_name": "inbox/f/a.csv", "endpoint": "f", "deployment": "blue", "model_version": "m/1"}
FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet")
type Array = np.ndarray[Any, Any]


def table(
    outputs: Mapping[str, Array],
    carried: Mapping[str, pa.Array] | None = None,
    numbers: Iterable[int] | None = None,
    paths: tuple[str, ...] = (TOLD["file_name"],),
) -> pa.Table:
    count = len(next(iter((*outputs.values(), *(carried or {}).values()))))
    numbers = range(count) if numbers is None else numbers
    rows = Rows({}, np.array([*numbers], np.int64), paths, carried or {}, [])
    return part_table(Predictions(count, dict(outputs)), rows, LABELS)


def objects(*values: Any) -> Array:
    """`[rows]` of Python objects, whatever numpy would make of them."""
    return np.fromiter(values, np.dtype(object), len(values))


def csv_rows(data: bytes) -> list[list[str]]:
    """The names, and the rows."""
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


def json_rows(data: bytes) -> list[Any]:
    assert data == b"" or data.endswith(b"\n")
    return [orjson.loads(line) for line in data.splitlines()]


def parquet(data: bytes) -> pa.Table:
    return pq.ParquetFile(io.BytesIO(data)).read()


def cells(written: pa.Table, name: str, format: Format) -> list[Any]:  # noqa: A002 - the setting's word
    """A column as its reader finds it."""
    data = write_part(written, format)
    if format == "csv":
        names, *rows = csv_rows(data)
        return [row[names.index(name)] for row in rows]
    return [row[name] for row in json_rows(data)] if format == "jsonl" else parquet(data)[name].to_pylist()


def joined(tables: Iterable[pa.Table], format: Format) -> bytes:  # noqa: A002 - the setting's word
    return b"".join(join((write_part(each, format) for each in tables), format))
