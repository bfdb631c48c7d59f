"""Arrow tables, as CSV and Parquet are read into, to the arrays of a signature. Bad rows are set aside."""

import io
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from shared.models.coercion import KINDS, Kind
from shared.models.columns import missing_column
from shared.models.signature import Array, Column, Features
from shared.models.typed import column_cast
from shared.models.values import MISSING, shown

type Mask = np.ndarray[Any, np.dtype[np.bool_]]
type Numbers = np.ndarray[Any, np.dtype[np.int64]]


class Fault(NamedTuple):
    """What is wrong with a row, in the first of its columns that does not fit."""

    column: str
    reason: str


class Taken(NamedTuple):
    """`features` hold the rows `kept` of the table, in their order; the others are in `faults`."""

    features: Features
    kept: Numbers
    faults: dict[int, Fault]


class Dialect(NamedTuple):
    """How a CSV is written. `quote_char`: empty where nothing is quoted."""

    delimiter: str = ","
    quote_char: str = '"'


COMMON: Final = Dialect()


class Read(NamedTuple):
    """`ragged`: rows that have another number of values than there are columns, with that number; the table lacks them.

    `texts`: the numbers are still texts, because one of them could not be read.
    """

    table: pa.Table
    ragged: dict[int, int]
    texts: bool


def from_arrow(table: pa.Table, columns: Sequence[Column], texts: bool = False, strict: bool = False) -> Taken:
    """Columns are found by name, and what the table lacks is missing in all rows.

    `strict`: one fault is enough, the first column's in the first row with any; then there are no features.
    """
    faults: dict[int, Fault] = {}
    arrays: dict[str, Array] = {}
    for column in columns:
        if column.name not in table.column_names:
            arrays[column.name] = missing_column(column, table.num_rows)
            continue
        arrays[column.name], reasons = _column(table[column.name], column, texts, 1 if strict else None)
        if strict and reasons:
            first = min(reasons)
            faults = {first: Fault(column.name, reasons[first])}
            # Later columns count only where they fail in a row before.
            table = table.slice(0, first)
            continue
        for row, reason in reasons.items():
            faults.setdefault(row, Fault(column.name, reason))
    if not faults:
        return Taken(arrays, np.arange(table.num_rows), faults)
    if strict:
        return Taken({}, np.empty(0, np.int64), faults)
    keep = np.ones(table.num_rows, np.bool_)
    keep[list(faults)] = False
    return Taken({name: array[keep] for name, array in arrays.items()}, np.flatnonzero(keep), faults)


def read_csv(
    data: bytes,
    names: Sequence[str] | None,
    columns: Sequence[Column],
    as_texts: Sequence[str] = (),
    dialect: Dialect = COMMON,
) -> Read:
    """Reads the `columns` out of a CSV, and those named in `as_texts` as they are written.

    `names` are those of its columns, None where its first row names them.
    Raises pyarrow.ArrowException for what is no CSV in UTF-8.
    """
    types = dict.fromkeys(as_texts, pa.string()) | {column.name: _csv_type(KINDS[column.type]) for column in columns}
    try:
        return Read(*_parsed(data, names, dialect, list(types), types), texts=False)
    except pa.ArrowInvalid:
        # Some value is not of its column's type: take everything as text, and find out which.
        return Read(*_parsed(data, names, dialect, list(types), dict.fromkeys(types, pa.string())), texts=True)


def infer_csv(data: bytes, names: Sequence[str] | None = None, dialect: Dialect = COMMON) -> Read:
    """All columns as numbers, truth values or else texts. Raises pyarrow.ArrowException."""
    table, ragged = _parsed(data, names, dialect, [], {})
    odd = [field.name for field in table.schema if not pa.types.is_primitive(field.type) or _is_time(field.type)]
    if odd:
        table, ragged = _parsed(data, names, dialect, [], dict.fromkeys(odd, pa.string()))
    return Read(table, ragged, texts=False)


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind))


def _csv_type(kind: Kind) -> pa.DataType:
    return pa.type_for_alias(kind.arrow) if kind.text else pa.string()


def _parsed(
    data: bytes, names: Sequence[str] | None, dialect: Dialect, include: list[str], types: dict[str, pa.DataType]
) -> tuple[pa.Table, dict[int, int]]:
    ragged: dict[int, int] = {}
    before = 1 if names is not None else 2

    def set_aside(row: pacsv.InvalidRow) -> str:
        ragged[row.number - before] = row.actual_columns
        return "skip"

    table = pacsv.read_csv(
        io.BytesIO(data),
        # One block, one thread: else pyarrow cannot tell the number of a row that it cannot parse.
        pacsv.ReadOptions(use_threads=False, block_size=max(len(data), 1) + 1, column_names=names),
        pacsv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote_char or False,
            newlines_in_values=bool(dialect.quote_char),
            invalid_row_handler=set_aside,
        ),
        pacsv.ConvertOptions(include_columns=include, column_types=types, strings_can_be_null=True, null_values=[""]),
    )
    return table, ragged


def _column(values: pa.ChunkedArray, column: Column, texts: bool, most: int | None) -> tuple[Array, dict[int, str]]:
    """`[rows]`, and for the rows that do not fit the reason; their value there is any.

    `most`: how many reasons of a kind are wanted, the first ones.
    """
    kind = KINDS[column.type]
    reasons: dict[int, str] = {}
    if texts and kind.text:
        values, reasons = _from_text(values.combine_chunks(), kind, most)
    if column.type == "string" and _is_text(values.type):
        return _text_column(values, column)
    array, nulls = numpy_of(values)
    taken, others = column_cast(column, array, nulls, most)
    return taken, others | reasons


def _text_column(values: pa.ChunkedArray, column: Column) -> tuple[Array, dict[int, str]]:
    reasons: dict[int, str] = {}
    if values.null_count:
        if column.required:
            reasons = dict.fromkeys(np.flatnonzero(np.asarray(values.is_null())).tolist(), MISSING)
        values = values.fill_null("")
    return np.asarray(values, dtype=object), reasons


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def numpy_of(values: pa.ChunkedArray) -> tuple[Array, Mask | None]:
    """`[rows]`, and where values are missing. What numpy has no type for comes as Python objects, None if missing."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _shared(values), np.asarray(values.is_null()) if values.null_count else None
    if pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
        kind = values.type
    nulls = np.asarray(values.is_null()) if values.null_count else None
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        filled = values if nulls is None else values.fill_null(pa.scalar(0).cast(kind))
        return np.asarray(filled), nulls
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(values), nulls
    plain = [dict(each) if each is not None and pa.types.is_map(kind) else each for each in values.to_pylist()]
    return np.fromiter(plain, np.dtype(object), len(plain)), nulls


def _shared(values: pa.ChunkedArray) -> Array:
    """Each value of a dictionary once, however many rows hold it: a small file can say a long text very often."""
    chunks = []
    for chunk in values.chunks:
        known = np.fromiter([*chunk.dictionary.to_pylist(), None], np.dtype(object))
        # Indices may be unsigned.
        chunks.append(known[np.asarray(chunk.indices.cast(pa.int64()).fill_null(-1))])
    return np.concatenate([np.empty(0, object), *chunks])


def _from_text(values: pa.Array, kind: Kind, most: int | None) -> tuple[pa.Array, dict[int, str]]:
    """Takes all that pyarrow takes, to the same value: a row's lot must not hang on the rows beside it."""
    trimmed = pc.utf8_trim_whitespace(values)
    fits = pc.match_substring_regex(trimmed, kind.text)
    plain = pc.replace_substring_regex(trimmed, r"^\+", "")
    known = _cast(pc.if_else(fits, plain, pa.scalar(None, pa.string())), kind)
    wrong = np.flatnonzero(np.asarray(pc.and_(values.is_valid(), known.is_null())))[:most]
    texts = values.take(pa.array(wrong)).to_pylist()
    return known, {row: f"{shown(text)} is not {kind.spelled}" for row, text in zip(wrong.tolist(), texts, strict=True)}


def _cast(texts: pa.Array, kind: Kind) -> pa.Array:
    """Null where the type cannot hold the value."""
    wanted = pa.type_for_alias(kind.arrow)
    try:
        return texts.cast(wanted)
    except pa.ArrowInvalid:
        held = pa.array([text is not None and _holds(kind.dtype, text) for text in texts.to_pylist()], pa.bool_())
        return pc.if_else(held, texts, pa.scalar(None, pa.string())).cast(wanted)


def _holds(dtype: np.dtype[Any], text: str) -> bool:
    """Of a text that is written as the type's numbers are: whether pyarrow takes it."""
    if dtype.kind != "i":
        return True
    if text[:2] in ("0x", "0X"):
        # Two digits a byte, zeros in front included.
        return len(text) - 2 <= 2 * dtype.itemsize
    limits, digits = np.iinfo(dtype), text.lstrip("-").lstrip("0")
    # No type has more than 19 digits, and reading thousands takes long.
    return (
        len(digits) <= 19
        and limits.min <= int(f"-{digits}" if text[0] == "-" and digits else digits or 0) <= limits.max
    )
