"""A table that came as the body of one request, as CSV or Parquet: all of its rows fit, or the request is refused."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.errors import MalformedRequest, PayloadTooLarge, SchemaMismatch, SlipwayError
from shared.models import nested, typed
from shared.models.arrow import from_arrow, infer_csv, numpy_of, read_csv
from shared.models.features import Converter
from shared.models.parquet_footer import chunks
from shared.models.signature import Array, Features, Signature, Tensor
from shared.models.values import NOT_FINITE

# What a small body may unpack to.
MAX_VALUES: Final = 2_000_000
MAX_TABLE_BYTES: Final = 64 * 1024 * 1024
# What Parquet may be compressed with: snappy makes at most 21 bytes of one, others make any number.
_CODECS: Final = frozenset({"UNCOMPRESSED", "SNAPPY"})
# Rows of a Parquet file that are unpacked at once: few where texts lie inside of lists, as those are not shared.
_BATCH_ROWS: Final = 65_536
_NESTED_BATCH_ROWS: Final = 256
# How pandas stores the labels of rows, which are no input of a model.
_INDEX: Final = re.compile(r"__index_level_\d+__")


def strict_from_csv(body: bytes, converter: Converter) -> Features:
    """A CSV in UTF-8 whose first row names its columns.

    Raises MalformedRequest, PayloadTooLarge, and SchemaMismatch naming column and row.
    """
    signature = converter.signature
    names = _header(body)
    _check(signature, names)
    if _lines(body) * (len(signature.columns) or len(names)) > MAX_VALUES:
        raise _too_large()
    # A first row alone, without its line end, is a table of no rows.
    data = body if b"\n" in body else body + b"\n"
    try:
        if signature.columns:
            read = read_csv(data, None, [column for column in signature.columns if column.name in names])
        else:
            read = infer_csv(data)
    except (pa.ArrowException, UnicodeDecodeError):
        raise MalformedRequest("the body is no CSV in UTF-8") from None
    for row in sorted(read.ragged):
        raise SchemaMismatch(f"row {row} has {read.ragged[row]} values, but there are {len(names)} columns")
    return _features(read.table, signature, read.texts)


def _lines(body: bytes) -> int:
    """Outside of quotes."""
    marks = np.frombuffer(body, np.uint8)
    return int(((marks == ord("\n")) & ~np.logical_xor.accumulate(marks == ord('"'))).sum())


def _header(body: bytes) -> list[str]:
    try:
        with io.TextIOWrapper(io.BytesIO(body), "utf-8-sig", newline="") as text:
            names = next((names for names in csv.reader(text, strict=True) if names), None)
    except (UnicodeDecodeError, csv.Error):
        raise MalformedRequest("the body is no CSV in UTF-8") from None
    if names is None:
        raise MalformedRequest("the body is empty: a CSV with a header line is needed")
    return names


def strict_from_parquet(body: bytes, converter: Converter) -> Features:
    """Raises MalformedRequest, PayloadTooLarge, and SchemaMismatch naming column and row."""
    signature = converter.signature
    # pyarrow ends the process when it opens some broken files: the footer is looked at before.
    _check_packing(body)
    try:
        file = _opened(body)
        names = [name for name in file.schema_arrow.names if not _INDEX.fullmatch(name)]
    except Exception:  # whatever pyarrow makes of a broken file
        raise _unreadable() from None
    _check(signature, names)
    if signature.columns:
        wanted = {column.name for column in signature.columns}
        names = [name for name in names if name in wanted]
    table = _read(file, names)
    try:
        return _features(table, signature, texts=False)
    except SlipwayError:
        raise
    except Exception:  # whatever becomes of values that Python has no type for
        raise MalformedRequest("the Parquet file holds values that cannot be read: use plainer types") from None


def _opened(body: bytes) -> pq.ParquetFile:
    """With texts shared wherever they lie: one that is named very often is then held once, until it is counted."""
    file = pq.ParquetFile(pa.BufferReader(body))
    fit = [nested.can_share(field.type) for field in file.schema_arrow for _ in nested.stored(field.type)]
    columns = [file.schema.column(at) for at in range(len(file.schema))]
    # Of two columns with one path pyarrow shares either.
    times = Counter(column.path for column in columns)
    texts = [
        column.path
        for column, can in zip(columns, fit, strict=True)
        if can and column.physical_type == "BYTE_ARRAY" and times[column.path] == 1
    ]
    return pq.ParquetFile(pa.BufferReader(body), read_dictionary=texts)


def _check_packing(body: bytes) -> None:
    """Sizes of what is unpacked may be made up, but by codec and packed size the file is read.

    Raises MalformedRequest.
    """
    try:
        packed = list(chunks(body))
    except (ValueError, LookupError, TypeError):
        raise _unreadable() from None
    if strange := sorted({chunk.codec for chunk in packed} - _CODECS):
        raise MalformedRequest(
            f"the Parquet file is compressed with {strange[0]}: write it with snappy, or uncompressed"
        )
    # Columns that share their bytes would be unpacked one by one.
    if sum(chunk.size for chunk in packed) > len(body):
        raise _unreadable()


def _read(file: pq.ParquetFile, names: list[str]) -> pa.Table:
    """Piece by piece, so that it stops where a bound is passed."""
    about = file.metadata
    unpacked = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    values, size = about.num_rows * len(names), unpacked
    batches: list[pa.RecordBatch] = []
    if values <= MAX_VALUES and size <= MAX_TABLE_BYTES:
        values = size = 0
        for batch in _batches(file, names):
            values += sum(map(_count, batch.columns))
            size += sum(map(nested.size, batch.columns))
            if values > MAX_VALUES or size > MAX_TABLE_BYTES:
                break
            batches.append(batch)
    if values > MAX_VALUES or size > MAX_TABLE_BYTES:
        raise _too_large()
    return pa.Table.from_batches(batches, pa.schema([file.schema_arrow.field(name) for name in names]))


def _count(array: pa.Array) -> int:
    """How many values there are, also inside of lists."""
    kind = array.type
    if pa.types.is_map(kind):
        return _count(array.keys) + _count(array.items)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return len(array) + _count(array.flatten())
    if pa.types.is_struct(kind):
        return len(array) + sum(map(_count, array.flatten()))
    return len(array)


def _batches(file: pq.ParquetFile, names: list[str]) -> Iterator[pa.RecordBatch]:
    deep = any(pa.types.is_nested(file.schema_arrow.field(name).type) for name in names)
    # A file says a value of fixed length once, however many rows hold it, and however long it is.
    width = sum(file.schema.column(at).length or 0 for at in range(len(file.schema)))
    rows = min(_NESTED_BATCH_ROWS if deep else _BATCH_ROWS, max(1, MAX_TABLE_BYTES // max(1, width)))
    try:
        for batch in file.iter_batches(rows, columns=names, use_threads=False):
            batch.validate(full=True)
            yield batch
    except Exception:  # whatever pyarrow makes of a broken file
        raise _unreadable() from None


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(f"the table has more than {MAX_VALUES} values or {MAX_TABLE_BYTES} bytes: send it in parts")


def _unreadable() -> MalformedRequest:
    return MalformedRequest("the body is no Parquet file that can be read")


def _check(signature: Signature, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise SchemaMismatch("a column name is given twice")
    if lacking := [column.name for column in signature.columns if column.required and column.name not in names]:
        raise SchemaMismatch(f"missing columns: {', '.join(lacking)}", lacking)


def _features(table: pa.Table, signature: Signature, texts: bool) -> Features:
    if table.num_rows * table.num_columns > MAX_VALUES:
        raise _too_large()
    if not signature.columns:
        arrays = {name: _inferred(name, *numpy_of(table[name])) for name in table.column_names}
        return _tensors(signature.tensors, arrays) if signature.tensors else arrays
    taken = from_arrow(table, signature.columns, texts, strict=True)
    if taken.faults:
        row = min(taken.faults)
        raise SchemaMismatch(f"column '{taken.faults[row].column}', row {row}: {taken.faults[row].reason}")
    return taken.features


def _inferred(name: str, array: Array, nulls: Any) -> Array:
    """The type that the file tells; missing values need one that can hold them."""
    if array.dtype.kind == "M":
        return array.astype("datetime64[ns]")
    if nulls is not None and array.dtype.kind == "b":
        array = array.astype(object)
        array[nulls] = None
        return array
    if nulls is not None and array.dtype.kind in "iuf":
        array = np.where(nulls, np.nan, array.astype(np.float64))
    if array.dtype.kind == "f" and np.isinf(array).any():
        raise SchemaMismatch(f"column '{name}', row {int(np.isinf(array).argmax())}: {NOT_FINITE}")
    return array


def _tensors(tensors: Sequence[Tensor], arrays: dict[str, Array]) -> Features:
    """A column a tensor; or all columns make the one tensor that the model takes."""
    if len(tensors) > 1 or tensors[0].name in arrays:
        return typed.tensors(tensors, arrays)
    only = tensors[0]
    parts = [
        typed.tensor_cast(Tensor(name=name, dtype=only.dtype, shape=(-1,)), array) for name, array in arrays.items()
    ]
    return typed.tensors(tensors, {only.name: np.column_stack(parts)})
