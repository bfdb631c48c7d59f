"""Rows of a Parquet file, out of groups of rows that are unpacked once for all mini-batches that lie in them."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from shared.batch.manifest import InputFile, Span
from shared.batch.reading import carried, columns, parquet_about, parquet_file, parquet_plan
from shared.batch.reading.fitting import Fitted, fit
from shared.batch.reading.found import Found
from shared.batch.reading.inference import inferred
from shared.batch.reading.kept import Kept
from shared.batch.reading.parquet_about import Footer
from shared.batch.reading.source import Source
from shared.batch.reading.tensor_rows import tensors
from shared.errors import SlipwayError, UnreadableInput
from shared.models.arrow import from_arrow
from shared.models.features import Converter

# Of all jobs of this process.
_GROUPS: Final = Kept[pa.Table](256 * 1024 * 1024, lambda table: int(table.nbytes))
# A footer in memory takes some times its bytes in the file.
_FOOTERS: Final = Kept[Footer](16 * 1024 * 1024, lambda footer: 8 * footer.size)
# Rows that are unpacked at once: few where texts lie inside of lists, as those are not shared.
_BATCH_ROWS: Final = 65_536
_NESTED_BATCH_ROWS: Final = 256
_MAX_MINI_BATCH_BYTES: Final = 256 * 1024 * 1024


def read(source: Source, file: InputFile, span: Span, converter: Converter, output_columns: Sequence[str]) -> Found:
    """Raises UnreadableInput, PayloadTooLarge, InputChanged."""
    identity = (file.account, file.container, file.blob, file.etag)
    footer = _FOOTERS.get(identity, lambda: parquet_about.read_footer(source))
    chosen = columns.chosen(output_columns, file.columns)
    names = parquet_plan.needed(converter.signature, file.columns, chosen)
    table = _plain(pa.concat_tables(list(_slices(source, footer, identity, span, names))))
    if table.num_rows != span.rows:
        raise parquet_about.unreadable()
    try:
        fitted = _fitted(table, converter, file.columns)
        return Found(fitted.features, fitted.kept, carried.rows_of(table, chosen, fitted.kept), fitted.reasons)
    except Exception:  # whatever becomes of values that Python has no type for
        raise UnreadableInput("the Parquet file holds values that cannot be read: use plainer types") from None


def _slices(
    source: Source, footer: Footer, identity: tuple[str, ...], span: Span, names: tuple[str, ...]
) -> Iterator[pa.Table]:
    """A group that other mini-batches need, too, is kept."""
    first = 0
    for group, (rows, _) in enumerate(footer.groups):
        start, stop = max(span.first_row, first), min(span.first_row + span.rows, first + rows)
        if (start, stop) == (first, first + rows) and rows:
            yield _unpacked(source, footer, group, names)
        elif start < stop:
            whole = _GROUPS.get((identity, group, names), lambda at=group: _unpacked(source, footer, at, names))  # type: ignore[misc]
            yield whole.slice(start - first, stop - start)
        first += rows


def _unpacked(source: Source, footer: Footer, group: int, names: tuple[str, ...]) -> pa.Table:
    """Piece by piece, so that it stops where a bound is passed."""
    nested = any(pa.types.is_nested(footer.fields.field(name).type) for name in names)
    pieces: list[pa.RecordBatch] = []
    size = 0
    try:
        file, row_bytes = parquet_file.opened(source, footer, group, names)
        most = min(_NESTED_BATCH_ROWS if nested else _BATCH_ROWS, max(1, _MAX_MINI_BATCH_BYTES // max(1, row_bytes)))
        for piece in file.iter_batches(most, row_groups=[group], columns=list(names), use_threads=False):
            piece.validate(full=True)
            size += piece.nbytes
            parquet_about.check_size(size)
            pieces.append(piece)
        return pa.Table.from_batches(pieces).select(names)
    except SlipwayError:
        raise
    except Exception:  # whatever pyarrow makes of a broken file
        raise parquet_about.unreadable() from None


def _plain(table: pa.Table) -> pa.Table:
    """Texts of the few rows of a mini-batch are no longer shared. Raises UnreadableInput where that takes too much."""
    if sum(_size(chunk) for name in table.column_names for chunk in table[name].chunks) > _MAX_MINI_BATCH_BYTES:
        raise UnreadableInput(
            f"a mini-batch of {table.num_rows} rows has more than {_MAX_MINI_BATCH_BYTES} bytes: lower mini_batch_size"
        )
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[at].cast(field.type.value_type))
    return table


def _size(array: pa.Array) -> int:
    """Bytes, of texts as if each row had its own."""
    if not pa.types.is_dictionary(array.type) or not _is_bytes(array.type.value_type):
        return int(array.nbytes)
    lengths = pc.binary_length(array.dictionary).cast(pa.int64())
    return 4 * len(array) + (pc.sum(lengths.take(array.indices)).as_py() or 0)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )


def _fitted(table: pa.Table, converter: Converter, names: Sequence[str]) -> Fitted:
    signature = converter.signature
    if signature.tensors:
        return fit(range(table.num_rows), tensors(table, converter, names), signature)
    if not signature.columns:
        return inferred(table)
    taken = from_arrow(table, signature.columns)
    reasons = {row: f"{fault.column}: {fault.reason}" for row, fault in taken.faults.items()}
    return Fitted(taken.features, taken.kept, reasons)
