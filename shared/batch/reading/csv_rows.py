"""Rows of a CSV. Fields are text: what they mean, the signature says."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from shared.batch.reading import carried, columns
from shared.batch.reading.fitting import Fitted, fit
from shared.batch.reading.found import Found
from shared.batch.reading.inference import inferred
from shared.endpoints.batch_settings import CsvOptions
from shared.errors import UnreadableInput
from shared.models import typed
from shared.models.arrow import Dialect, Read, from_arrow, infer_csv, read_csv
from shared.models.coercion import KINDS, ColumnType, tensor_dtype
from shared.models.signature import Column, Features, Signature

# As which type of column the fields of a tensor are read, by the kind of numpy's type.
_FIELDS: Final[dict[str, ColumnType]] = {"f": "double", "i": "long", "u": "long", "b": "boolean", "O": "string"}


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
    dialect = Dialect(options.delimiter, options.quote_char)
    try:
        read = _read(data, names, dialect, signature, chosen)
        # What a model without named columns takes is numbers in one mini-batch, and texts in another.
        table = read.table
        told = table if signature.columns or not chosen else read_csv(data, names, (), chosen, dialect).table
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


def _read(data: bytes, names: tuple[str, ...], dialect: Dialect, signature: Signature, chosen: Sequence[str]) -> Read:
    if not signature.columns and not signature.tensors:
        return infer_csv(data, names, dialect)
    wanted = _wanted(signature, names)
    texts = chosen if signature.columns else ()
    # Where no column is asked for pyarrow reads them all.
    return read_csv(data, names, wanted, texts if wanted or texts else names[:1], dialect)


def _fitted(read: Read, signature: Signature, names: tuple[str, ...]) -> Fitted:
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
