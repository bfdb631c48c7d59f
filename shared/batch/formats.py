"""Rows in and rows out: a piece of a CSV becomes a model's features, predictions become a Parquet part.

Bad rows are set aside with a reason and never stop the rows beside them.
"""

import io
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from shared.errors import UnreadableInput
from shared.models.coercion import KINDS
from shared.models.scoring import Predictions
from shared.models.signature import Column, Features, Signature

_ARROW: Final[Mapping[str, pa.DataType]] = {
    "boolean": pa.bool_(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
}
# What pyarrow reads as a number, and a plus sign besides. Which numbers a type holds, its cast decides.
_WHOLE: Final = r"^([+-]?\d+|0[xX][0-9a-fA-F]+)$"
_NUMBER: Final = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:nan(\(\w*\))?|inf|infinity))$"
_PATTERNS: Final[Mapping[str, tuple[str, str]]] = {
    "boolean": (r"^(?i:true|false|0|1)$", "true or false"),
    "integer": (_WHOLE, "a whole number of type integer"),
    "long": (_WHOLE, "a whole number of type long"),
    "float": (_NUMBER, "a number"),
    "double": (_NUMBER, "a number"),
}


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
    broken: dict[int, str] = {}

    def set_aside(row: pacsv.InvalidRow) -> str:
        broken[row.number - 1] = f"the row has {row.actual_columns} values, the header {row.expected_columns}"
        return "skip"

    try:
        table = _parse(data, columns, {column.name: _ARROW[column.type] for column in wanted}, set_aside)
    except pa.ArrowInvalid:
        # Some value is not of its column's type: take everything as text, and find out which.
        broken.clear()
        table = _parse(data, columns, {column.name: pa.string() for column in wanted}, set_aside)
    if table.num_rows + len(broken) != rows:
        raise UnreadableInput(
            f"the rows from {first_row} on cannot be told apart: is there a quote in the middle of a value, "
            "or a carriage return without a line feed?"
        )
    numbers = np.setdiff1d(np.arange(rows), np.fromiter(broken, np.int64, len(broken)))
    reasons = dict(broken)
    arrays = {column.name: _column(table[column.name], column, numbers, reasons) for column in wanted}
    keep = np.isin(numbers, np.fromiter(reasons, np.int64, len(reasons)), invert=True)
    features = {
        column.name: arrays[column.name][keep]
        if column.name in arrays
        else np.full(int(keep.sum()), KINDS[column.type].missing, dtype=column.dtype)
        for column in signature.columns
    }
    rejected = [Rejected(first_row + row, reasons[row]) for row in sorted(reasons)]
    return Rows(features, numbers[keep] + first_row, rejected)


def _parse(data: bytes, columns: tuple[str, ...], types: dict[str, pa.DataType], set_aside: Any) -> pa.Table:
    try:
        return pacsv.read_csv(
            io.BytesIO(data),
            # One block, one thread: else pyarrow cannot tell the number of a row that it cannot parse.
            pacsv.ReadOptions(use_threads=False, block_size=max(len(data), 1) + 1, column_names=list(columns)),
            pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside),
            pacsv.ConvertOptions(
                include_columns=list(types), column_types=types, strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid as error:
        if "UTF8" in str(error) and all(kind == pa.string() for kind in types.values()):
            raise UnreadableInput("the file is not text in UTF-8") from None
        raise


def _column(
    values: pa.ChunkedArray, column: Column, numbers: np.ndarray[Any, Any], reasons: dict[int, str]
) -> np.ndarray[Any, Any]:
    """The column's array, `[rows]`; rows that it cannot hold are given a reason and any value."""
    if values.type == pa.string() and column.type != "string":
        values = _from_text(values.combine_chunks(), column, numbers, reasons)
    if values.null_count:
        missing = np.asarray(values.is_null())
        if column.required:
            for row in numbers[missing]:
                reasons.setdefault(int(row), f"{column.name}: the value is missing")
        filler = KINDS[column.type].take(KINDS[column.type].sample) if column.required else KINDS[column.type].missing
        values = values.fill_null(pa.scalar(filler, values.type))
    array: np.ndarray[Any, Any] = np.asarray(values)
    if column.type in {"float", "double"}:
        odd = np.isinf(array) | (np.isnan(array) if column.required and not values.null_count else False)
        for row in numbers[odd]:
            reasons.setdefault(int(row), f"{column.name}: the value is not a finite number")
    return array.astype(column.dtype, copy=False)


def _from_text(values: pa.Array, column: Column, numbers: np.ndarray[Any, Any], reasons: dict[int, str]) -> pa.Array:
    """Takes all that pyarrow takes, to the same value: a row's lot must not hang on the rows beside it."""
    pattern, spelled = _PATTERNS[column.type]
    trimmed = pc.utf8_trim_whitespace(values)
    fits = pc.match_substring_regex(trimmed, pattern)
    plain = pc.replace_substring_regex(trimmed, r"^\+", "")
    known = _cast(pc.if_else(fits, plain, pa.scalar(None, pa.string())), _ARROW[column.type])
    wrong = np.asarray(pc.and_(values.is_valid(), known.is_null()))
    texts = values.filter(pa.array(wrong)).to_pylist()
    for row, text in zip(numbers[wrong], texts, strict=True):
        reasons.setdefault(int(row), f"{column.name}: {text[:40]!r} is not {spelled}")
    return known


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Null where the type cannot hold the value."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        if len(texts) == 1:
            return pa.nulls(1, kind)
        half = len(texts) // 2
        return pa.concat_arrays([_cast(texts[:half], kind), _cast(texts[half:], kind)])


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
