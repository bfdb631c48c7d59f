"""What a mini-batch gives, as the bytes that are stored: a part of the output, and the rows that were rejected.

The same rows and predictions give the same bytes: two tries at a mini-batch find that out by their digests.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.batch.rows import Rejected, Rows
from shared.batch.writing.csv_text import write_csv
from shared.batch.writing.json_lines import lines, write_json_lines
from shared.batch.writing.outputs import output_column
from shared.endpoints.batch_settings import Format
from shared.errors import ScoringFailed, UnreadableInput
from shared.models.scoring import Predictions
from shared.models.values import shown


class Labels(NamedTuple):
    """Columns that say the same in every row of a job."""

    endpoint: str
    deployment: str
    model_version: str


def suffix(format: Format) -> str:  # noqa: A002 - the setting's word
    """Of the names of files."""
    return format


def part_table(predictions: Predictions, rows: Rows, labels: Labels) -> pa.Table:
    """Carried columns, `row`, the outputs, `file_name`, and the labels, in this order.

    A carried column whose name is one of the others is called `input_{name}`, an output whose name is taken
    `prediction_{name}`. Raises ScoringFailed, and UnreadableInput for carried texts that are not UTF-8.
    """
    told = {"file_name": _paths(rows, predictions.rows)} | {
        name: _same(text, predictions.rows) for name, text in labels._asdict().items()
    }
    columns: dict[str, pa.Array] = {}
    for name, array in rows.carried.items():
        while name in columns or name in told or name == "row":
            name = f"input_{name}"
        columns[name] = _carried(name, array)
    columns["row"] = pa.array(rows.numbers, pa.int64())
    for name, output in predictions.outputs.items():
        while name in columns or name in told:
            name = f"prediction_{name}"
        columns[name] = output_column(name, output)
    try:
        return pa.table(columns | told)
    except UnicodeEncodeError:
        raise ScoringFailed("the name of an output is no text in UTF-8: rename it in the model's signature") from None


def write_part(table: pa.Table, format: Format) -> bytes:  # noqa: A002 - the setting's word
    """Raises ScoringFailed for what the format cannot hold."""
    if format == "csv":
        return write_csv(table)
    if format == "jsonl":
        return write_json_lines(table)
    sink = pa.BufferOutputStream()
    try:
        pq.write_table(table, sink, compression="zstd")
    except pa.ArrowNotImplementedError as error:
        raise ScoringFailed(
            f"Parquet cannot hold the output: leave that column out of output_columns, or write jsonl ({error})"
        ) from None
    return bytes(sink.getvalue())


def write_rejected(rejected: list[Rejected]) -> bytes:
    """JSON Lines: `file_name`, `row`, `reason`."""
    return lines({"file_name": entry.path, "row": entry.row, "reason": entry.reason} for entry in rejected)


def _same(text: str, rows: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([text]))


def _paths(rows: Rows, count: int) -> pa.Array:
    return _same(rows.paths[0], count) if len(rows.paths) == 1 else pa.array(rows.paths).dictionary_encode()


def _carried(name: str, array: pa.Array) -> pa.Array:
    """As it is stored, since what a type of somebody else's promises of its values nobody has looked at."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        raise UnreadableInput(f"the column {shown(name)} of the input holds text that is not UTF-8") from None
    return array
