"""Rows in and rows out: a piece of a CSV becomes a model's features, predictions become a Parquet part.

Bad rows are set aside with a reason and never stop the rows beside them.
"""

import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import UnreadableInput
from shared.models import arrow
from shared.models.scoring import Predictions
from shared.models.signature import Features, Signature


class Rejected(NamedTuple):
    """`row`: number of the row in its file, from 0."""

    row: int
    reason: str


class Rows(NamedTuple):
    """The rows that a model can take, `numbers` being their row numbers in the file; and the others."""

    features: Features
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    rejected: list[Rejected]


def read_csv(data: bytes, columns: tuple[str, ...], signature: Signature, first_row: int, rows: int) -> Rows:
    """Parses whole records. Raises UnreadableInput when they are not the ones that were planned."""
    wanted = [column for column in signature.columns if column.name in columns]
    try:
        read = arrow.read_csv(data, columns, wanted)
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error):
            raise UnreadableInput("the file is not text in UTF-8") from None
        raise
    if read.table.num_rows + len(read.ragged) != rows:
        raise UnreadableInput(
            f"the rows from {first_row} on cannot be told apart: is there a quote in the middle of a value, "
            "or a carriage return without a line feed?"
        )
    taken = arrow.from_arrow(read.table, signature.columns, read.texts)
    numbers = np.setdiff1d(np.arange(rows), np.fromiter(read.ragged, np.int64, len(read.ragged)))
    reasons = {
        row: f"the row has {values} values, the header {len(columns)}" for row, values in read.ragged.items()
    } | {int(numbers[row]): f"{fault.column}: {fault.reason}" for row, fault in taken.faults.items()}
    rejected = [Rejected(first_row + row, reasons[row]) for row in sorted(reasons)]
    return Rows(taken.features, numbers[taken.kept] + first_row, rejected)


def write_part(predictions: Predictions, numbers: np.ndarray[Any, Any], labels: Mapping[str, str]) -> bytes:
    """A Parquet file: `row`, one column an output, and the labels as columns that say the same in every row."""
    columns: dict[str, pa.Array] = {"row": pa.array(numbers, pa.int64())}
    for name, array in predictions.outputs.items():
        while name in columns or name in labels:
            name = f"prediction_{name}"
        columns[name] = _arrow(array)
    for name, text in labels.items():
        columns[name] = pa.DictionaryArray.from_arrays(np.zeros(predictions.rows, np.int32), pa.array([text]))
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    return sink.getvalue()


def _arrow(array: np.ndarray[Any, Any]) -> pa.Array:
    if array.ndim == 1:
        return pa.array(array)
    inner = array.reshape(len(array), -1)
    return pa.FixedSizeListArray.from_arrays(pa.array(inner.reshape(-1)), inner.shape[1])


def write_rejected(rejected: list[Rejected], path: str) -> bytes:
    """JSON Lines: `file_name`, `row`, `reason`."""
    return b"".join(
        orjson.dumps({"file_name": path, "row": entry.row, "reason": entry.reason}) + b"\n" for entry in rejected
    )
