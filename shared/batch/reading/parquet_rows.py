"""Rows of a Parquet file, out of groups of rows that are unpacked once for all mini-batches that lie in them."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa

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
from shared.models import nested
from shared.models.arrow import from_arrow
from shared.models.features import Converter

# Of all jobs of this process.
_GROUPS: Final = Kept[pa.Table](256 * 1024 * 1024, lambda table: int(table.nbytes))
# A footer in memory takes some times its bytes in the file.
_FOOTERS: Final = Kept[Footer](16 * 1024 * 1024, lambda footer: 8 * footer.size)
# Rows that are unpacked at once.
_BATCH_ROWS: Final = 65_536
_MAX_MINI_BATCH_BYTES: Final = 256 * 1024 * 1024


def read(source: Source, file: InputFile, span: Span, converter: Converter, output_columns: Sequence[str]) -> Found:
    """Raises UnreadableInput, PayloadTooLarge, InputChanged."""
    identity = (file.account, file.container, file.blob, file.etag)
    footer = _FOOTERS.get(identity, lambda: parquet_about.read_footer(source))
    chosen = columns.chosen(output_columns, file.columns)
    names = parquet_plan.needed(converter.signature, file.columns, chosen)
    shared = _together(_slices(source, footer, identity, span, names), span)
    if shared.num_rows != span.rows:
        raise parquet_about.unreadable()
    try:
        table = _plain(shared, footer.fields)
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
    pieces: list[pa.RecordBatch] = []
    size = 0
    try:
        file, row_bytes = parquet_file.opened(source, footer, group, names)
        most = min(_BATCH_ROWS, max(1, _MAX_MINI_BATCH_BYTES // max(1, row_bytes)))
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


def _together(slices: Iterator[pa.Table], span: Span) -> pa.Table:
    """No group is unpacked after the one that is too much. Raises UnreadableInput."""
    taken: list[pa.Table] = []
    size = 0
    for table in slices:
        size += sum(nested.size(chunk) for column in table.columns for chunk in column.chunks)
        if size > _MAX_MINI_BATCH_BYTES:
            raise UnreadableInput(
                f"a mini-batch of {span.rows} rows has more than {_MAX_MINI_BATCH_BYTES} bytes: lower mini_batch_size"
            )
        taken.append(table)
    return pa.concat_tables(taken)


def _plain(table: pa.Table, fields: pa.Schema) -> pa.Table:
    """Texts of the few rows of a mini-batch are no longer shared."""
    for at, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(at, field.name, table[at].cast(field.type.value_type))
        elif any(map(pa.types.is_dictionary, nested.stored(field.type))):
            table = table.set_column(at, field.name, table[at].cast(nested.plain(fields.field(field.name).type)))
    return table


def _fitted(table: pa.Table, converter: Converter, names: Sequence[str]) -> Fitted:
    signature = converter.signature
    if signature.tensors:
        return fit(range(table.num_rows), tensors(table, converter, names), signature)
    if not signature.columns:
        return inferred(table)
    taken = from_arrow(table, signature.columns)
    reasons = {row: f"{fault.column}: {fault.reason}" for row, fault in taken.faults.items()}
    return Fitted(taken.features, taken.kept, reasons)
