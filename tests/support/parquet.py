"""Parquet files in memory, and their rows."""

import io
from itertools import count
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.rows import Rows
from shared.models.signature import Column, Signature
from tests.support.reading import rows_of

SIGNATURE = Signature(
    columns=(
        Column(name="a", type="long"),
        Column(name="b", type="double", required=False),
        Column(name="c", type="string"),
    )
)
# Each file is another one, so that nothing is kept from one test to the next.
versions = count()


def table(rows: int) -> pa.Table:
    return pa.table(
        {
            "a": np.arange(rows),
            "unused": ["x" * 50] * rows,
            "b": pa.array([None if row % 3 == 0 else row / 2 for row in range(rows)], pa.float64()),
            "c": [f"text {row % 4}" for row in range(rows)],
        }
    )


def packed(data: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(data, sink, **options)
    return sink.getvalue()


def read(data: bytes, signature: Signature = SIGNATURE, **settings: Any) -> Rows:
    """Of a file that is one mini-batch."""
    (rows,) = rows_of(data, "day.parquet", signature, etag=str(next(versions)), **settings)
    return rows


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def deep(levels: int) -> bytes:
    """A file without rows whose one column lies in so many groups, one in the other; 100,000 end a process."""
    group = b"\x35\x02\x18\x01g\x15\x02\x00"
    schema = b"\x48\x01s\x15\x02\x00" + group * levels + b"\x15\x02\x25\x02\x18\x01x\x00"
    footer = b"\x15\x02\x19\xfc" + varint(levels + 2) + schema + b"\x16\x00\x19\x0c\x00"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"
