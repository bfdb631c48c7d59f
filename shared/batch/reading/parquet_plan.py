"""Cuts a Parquet file into spans of rows, by its footer alone."""

from collections.abc import Iterator

from shared.batch.manifest import Span
from shared.batch.reading import columns, parquet_about
from shared.batch.reading.parquet_about import Footer
from shared.batch.reading.source import Source
from shared.endpoints.batch_settings import JobSettings
from shared.models.signature import Signature


def planned(source: Source, settings: JobSettings, signature: Signature) -> tuple[tuple[str, ...], Iterator[Span]]:
    """The columns of the file and its spans. Raises UnreadableInput, PayloadTooLarge."""
    footer = parquet_about.read_footer(source)
    columns.check_once(footer.fields.names)
    names = columns.usable(footer.fields.names)
    columns.check(signature, names)
    carried = columns.chosen(settings.output_columns, names)
    _check_sizes(footer, needed(signature, names, carried))
    return names, _spans([group.rows for group in footer.groups], settings.mini_batch_size)


def needed(signature: Signature, names: tuple[str, ...], carried: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that are read, in the order of the file."""
    wanted = {column.name for column in signature.columns} | {tensor.name for tensor in signature.tensors}
    if not signature.columns and (not signature.tensors or columns.stacks(signature, names)):
        return names
    return tuple(name for name in names if name in wanted or name in carried)


def _check_sizes(footer: Footer, names: tuple[str, ...]) -> None:
    """As the footer has them, which may be made up: what is unpacked is measured again."""
    stored = parquet_about.leaves(footer, names)
    for group in footer.groups:
        parquet_about.check_size(sum(group.chunks[at].unpacked_bytes for at in stored))
        parquet_about.check_packed(sum(group.chunks[at].packed.length for at in stored))


def _spans(groups: list[int], most: int) -> Iterator[Span]:
    """A group with more rows is cut, groups with fewer are put together whole."""
    first = rows = 0
    for group in groups:
        if rows and rows + group > most:
            yield Span(file=0, first_row=first, rows=rows)
            first, rows = first + rows, 0
        rows += group
        while rows > most:
            yield Span(file=0, first_row=first, rows=most)
            first, rows = first + most, rows - most
        if group > most and rows:
            yield Span(file=0, first_row=first, rows=rows)
            first, rows = first + rows, 0
    if rows:
        yield Span(file=0, first_row=first, rows=rows)
