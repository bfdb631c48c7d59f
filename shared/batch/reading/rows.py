"""Reads the rows of one span: the leaf of a mini-batch that knows of formats."""

from typing import NamedTuple

from shared.batch.manifest import InputFile, Span
from shared.batch.reading import csv_rows, formats, json_rows, parquet_rows
from shared.batch.reading.found import Found
from shared.batch.reading.source import Source
from shared.batch.rows import Rejected, Rows
from shared.endpoints.batch_settings import CsvOptions
from shared.errors import InputChanged, PayloadTooLarge, UnreadableInput
from shared.models.features import Converter
from shared.models.signature import Signature


class Reading(NamedTuple):
    """For whom rows are read. `output_columns`: those of the input that go into the output, or `*` alone for all."""

    signature: Signature
    converter: Converter
    csv: CsvOptions
    output_columns: tuple[str, ...]


def read_rows(source: Source, file: InputFile, span: Span, reading: Reading) -> Rows:
    """Raises UnreadableInput, PayloadTooLarge, InputChanged."""
    try:
        found = _found(source, file, span, reading)
    except (UnreadableInput, PayloadTooLarge) as error:
        raise type(error)(f"{file.path}, rows from {span.first_row} on: {error.message}") from None
    rejected = [Rejected(file.path, span.first_row + row, reason) for row, reason in sorted(found.reasons.items())]
    return Rows(found.features, found.positions + span.first_row, (file.path,), found.carried, rejected)


def _found(source: Source, file: InputFile, span: Span, reading: Reading) -> Found:
    if file.format == "parquet":
        return parquet_rows.read(source, file, span, reading.converter, reading.output_columns)
    data = source.read(span.offset, span.length)
    if len(data) != span.length:
        raise InputChanged(f"{file.path} is shorter than it was when the job was planned: drop it again")
    if file.format == "jsonl":
        return json_rows.read(data, reading.converter, reading.output_columns, span.rows)
    options = formats.dialect(reading.csv, file.path)
    return csv_rows.read(data, file.columns, options, reading.signature, reading.output_columns, span.rows)
