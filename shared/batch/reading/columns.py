"""Which columns a table has, and whether a model and its job can do with them."""

import csv
import io
import re
from collections.abc import Sequence
from typing import Final

import pyarrow as pa

from shared.batch.reading.records import MAX_FIRST_BYTES
from shared.endpoints.batch_settings import ALL_COLUMNS, CsvOptions
from shared.errors import UnreadableInput
from shared.models.arrow import Dialect, infer_csv
from shared.models.signature import Signature

# How pandas stores the labels of rows, which are no input of a model.
_INDEX: Final = re.compile(r"__index_level_\d+__")


def csv_columns(line: bytes, options: CsvOptions, signature: Signature) -> tuple[str, ...]:
    """Of a CSV, by its first record. Raises UnreadableInput."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise UnreadableInput(f"the file is not text in UTF-8: byte {error.start} of its first line is none") from None
    if len(line) > MAX_FIRST_BYTES:
        raise UnreadableInput(f"the first line is longer than {MAX_FIRST_BYTES} bytes: this is no CSV in this dialect")
    return _named(text, options) if options.header else _unnamed(line, options, signature)


def _named(text: str, options: CsvOptions) -> tuple[str, ...]:
    try:
        rows = csv.reader(
            io.StringIO(text),
            delimiter=options.delimiter,
            quotechar=options.quote_char or None,
            quoting=csv.QUOTE_MINIMAL if options.quote_char else csv.QUOTE_NONE,
            strict=True,
        )
        values = tuple(next(rows, ()))
    except csv.Error as error:
        raise UnreadableInput(f"the header is not CSV: {error}") from None
    check_once(values)
    return values


def _unnamed(line: bytes, options: CsvOptions, signature: Signature) -> tuple[str, ...]:
    """A model without named columns calls them 0, 1, 2 and so on, as for a table of JSON without names."""
    if signature.columns:
        return tuple(column.name for column in signature.columns)
    if len(signature.tensors) > 1:
        return tuple(tensor.name for tensor in signature.tensors)
    only = signature.tensors[0].shape[1:] if signature.tensors else ()
    return tuple(map(str, range(only[0] if len(only) == 1 and only[0] > 0 else _width(line, options))))


def _width(row: bytes, options: CsvOptions) -> int:
    """Told by what reads the other rows, which takes values that a header may not have."""
    dialect = Dialect(options.delimiter, options.quote_char)
    try:
        return int(infer_csv(row.rstrip(b"\r\n") + b"\n", dialect=dialect).table.num_columns)
    except pa.ArrowInvalid:
        raise UnreadableInput("the first row is not CSV: is there a quote in the middle of a value?") from None


def check_once(columns: Sequence[str]) -> None:
    if len(set(columns)) != len(columns):
        raise UnreadableInput("the header names a column twice")


def usable(columns: Sequence[str]) -> tuple[str, ...]:
    """Without the labels of rows."""
    return tuple(name for name in columns if not _INDEX.fullmatch(name))


def check(signature: Signature, columns: Sequence[str]) -> None:
    """Raises UnreadableInput, naming the columns that the file lacks."""
    wanted = [column.name for column in signature.columns if column.required]
    if len(signature.tensors) > 1:
        wanted = [tensor.name for tensor in signature.tensors]
    if lacking := [name for name in wanted if name not in columns]:
        raise UnreadableInput(f"the header lacks the columns {', '.join(lacking)}")


def stacks(signature: Signature, columns: Sequence[str]) -> bool:
    """Whether all columns together make the one tensor that the model takes."""
    return len(signature.tensors) == 1 and signature.tensors[0].name not in columns


def check_stacked(signature: Signature, columns: Sequence[str]) -> None:
    """Raises UnreadableInput where columns of single values do not make the tensors of the model."""
    if stacks(signature, columns):
        shape = signature.tensors[0].shape
        if len(shape) != 2 or shape[1] not in (-1, len(columns)):
            raise UnreadableInput(
                f"the model takes one tensor of the shape {list(shape)}, which {len(columns)} columns do not make"
            )
        return
    for tensor in signature.tensors:
        if len(tensor.shape) != 1:
            raise UnreadableInput(
                f"the model takes the tensor {tensor.name} of the shape {list(tensor.shape)}, "
                "which one column of numbers does not make"
            )


def chosen(output_columns: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """Those that are carried into the output. Raises UnreadableInput for one that is not there."""
    if ALL_COLUMNS in output_columns:
        return tuple(columns)
    if lacking := [name for name in output_columns if name not in columns]:
        raise UnreadableInput(f"output_columns names columns that the file lacks: {', '.join(lacking)}")
    return tuple(dict.fromkeys(output_columns))
