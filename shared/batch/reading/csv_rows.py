"""Rows of a CSV. Fields are text: what they mean, the signature says."""

import io
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from shared.batch.reading import carried, columns
from shared.batch.reading.fitting import Fitted, fit
from shared.batch.reading.found import Found
from shared.batch.reading.inference import inferred
from shared.endpoints.batch_settings import CsvOptions
from shared.errors import UnreadableInput
from shared.models import typed
from shared.models.arrow import from_arrow
from shared.models.coercion import KINDS, ColumnType, tensor_dtype
from shared.models.signature import Column, Features, Signature

# As which type of column the fields of a tensor are read, by the kind of numpy's type.
_FIELDS: Final[dict[str, ColumnType]] = {"f": "double", "i": "long", "u": "long", "b": "boolean", "O": "string"}


class _Read(NamedTuple):
    """`ragged`: rows that have another number of values than there are columns, with that number; the table lacks them.

    `texts`: the numbers are still texts, because one of them could not be read.
    """

    table: pa.Table
    ragged: dict[int, int]
    texts: bool


def read(
    data: bytes,
    names: tuple[str, ...],
    options: CsvOptions,
    signature: Signature,
    output_columns: Sequence[str],
    rows: int,
) -> Found:
    """Parses whole records. Raises UnreadableInput when they are not the ones that were planned."""
    chosen = columns.chosen(output_columns, names)
    try:
        read = _read(data, names, options, signature, chosen)
        # What a model without named columns takes is numbers in one mini-batch, and texts in another.
        told = read.table if signature.columns or not chosen else _texts(data, names, options, chosen)
    except pa.ArrowInvalid as error:
        raise _no_text(data) if "UTF8" in str(error) else _mixed_up() from None
    if read.table.num_rows + len(read.ragged) != rows:
        raise _mixed_up()
    fitted = _fitted(read, signature, names)
    whole = np.delete(np.arange(rows), np.fromiter(read.ragged, np.int64, len(read.ragged)))
    reasons = {
        row: f"the row has {values} values, but there are {len(names)} columns" for row, values in read.ragged.items()
    } | {int(whole[row]): reason for row, reason in fitted.reasons.items()}
    known = carried.typed(signature)
    found = carried.rows_of(told, [name for name in chosen if name not in known], fitted.kept)
    found |= {name: carried.as_taken(known[name], fitted.features[name]) for name in chosen if name in known}
    return Found(fitted.features, whole[fitted.kept], {name: found[name] for name in chosen}, reasons)


def _wanted(signature: Signature, names: tuple[str, ...]) -> list[Column]:
    if not signature.tensors:
        return [column for column in signature.columns if column.name in names]
    if columns.stacks(signature, names):
        return [_field(name, signature.tensors[0].dtype) for name in names]
    return [_field(tensor.name, tensor.dtype) for tensor in signature.tensors]


def _field(name: str, dtype: str) -> Column:
    kind = _FIELDS[tensor_dtype(dtype).kind]
    return Column(name=name, type=kind, required=not KINDS[kind].optional)


def _read(
    data: bytes, names: tuple[str, ...], options: CsvOptions, signature: Signature, chosen: Sequence[str]
) -> _Read:
    if not signature.columns and not signature.tensors:
        return _inferred(data, names, options)
    kinds = {column.name: KINDS[column.type] for column in _wanted(signature, names)}
    texts = dict.fromkeys([*kinds, *(chosen if signature.columns else ())] or names[:1], pa.string())
    types = {name: pa.type_for_alias(kind.arrow) for name, kind in kinds.items() if kind.text}
    try:
        return _Read(*_parsed(data, names, texts | types, options), texts=False)
    except pa.ArrowInvalid:
        # Some value is not of its column's type: take everything as text, and find out which.
        return _Read(*_parsed(data, names, texts, options), texts=True)


def _texts(data: bytes, names: tuple[str, ...], options: CsvOptions, chosen: Sequence[str]) -> pa.Table:
    return _parsed(data, names, dict.fromkeys(chosen, pa.string()), options)[0]


def _inferred(data: bytes, names: tuple[str, ...], options: CsvOptions) -> _Read:
    """All columns as numbers, truth values or else texts."""
    table, ragged = _parsed(data, names, {}, options)
    odd = [field.name for field in table.schema if not pa.types.is_primitive(field.type) or _is_time(field.type)]
    if odd:
        table, ragged = _parsed(data, names, dict.fromkeys(odd, pa.string()), options, all_columns=True)
    return _Read(table, ragged, texts=False)


def _is_time(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind))


def _parsed(
    data: bytes,
    names: tuple[str, ...],
    types: Mapping[str, pa.DataType],
    options: CsvOptions,
    all_columns: bool = False,
) -> tuple[pa.Table, dict[int, int]]:
    ragged: dict[int, int] = {}

    def set_aside(row: pacsv.InvalidRow) -> str:
        ragged[row.number - 1] = row.actual_columns
        return "skip"

    table = pacsv.read_csv(
        io.BytesIO(data),
        # One block, one thread: else pyarrow cannot tell the number of a row that it cannot parse.
        pacsv.ReadOptions(use_threads=False, block_size=max(len(data), 1) + 1, column_names=names),
        pacsv.ParseOptions(
            delimiter=options.delimiter,
            quote_char=options.quote_char or False,
            newlines_in_values=bool(options.quote_char),
            invalid_row_handler=set_aside,
        ),
        pacsv.ConvertOptions(
            include_columns=[] if all_columns else list(types),
            column_types=types,
            strings_can_be_null=True,
            null_values=[""],
        ),
    )
    return table, ragged


def _fitted(read: _Read, signature: Signature, names: tuple[str, ...]) -> Fitted:
    if not signature.columns and not signature.tensors:
        return inferred(read.table)
    taken = from_arrow(read.table, signature.columns or _wanted(signature, names), read.texts)
    reasons = {row: f"{fault.column}: {fault.reason}" for row, fault in taken.faults.items()}
    if signature.columns:
        return Fitted(taken.features, taken.kept, reasons)

    def tensors(rows: Sequence[int]) -> Features:
        arrays = {name: array[np.asarray(rows)] for name, array in taken.features.items()}
        if columns.stacks(signature, names):
            arrays = {signature.tensors[0].name: np.column_stack([arrays[name] for name in names])}
        return typed.tensors(signature.tensors, arrays)

    fitted = fit(range(len(taken.kept)), tensors, signature)
    odd = {int(taken.kept[row]): reason for row, reason in fitted.reasons.items()}
    return Fitted(fitted.features, taken.kept[fitted.kept], reasons | odd)


def _no_text(data: bytes) -> UnreadableInput:
    lines = next((at for at, line in enumerate(data.split(b"\n")) if not _is_text(line)), 0)
    return UnreadableInput(f"the text is not in UTF-8, {lines} lines further down: set csv.encoding to what it is in")


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _mixed_up() -> UnreadableInput:
    return UnreadableInput(
        "the rows cannot be told apart: is there a quote in the middle of a value, "
        "or a carriage return without a line feed?"
    )
