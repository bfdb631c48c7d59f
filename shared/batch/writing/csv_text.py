"""CSV as RFC 4180 means it, with a line feed as line end. Texts are in quotes and missing values are not, so that an
empty text stays one.
"""

from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from shared.batch.writing.json_values import JSON, doubles, dumps, iso_texts, plain


def write_csv(table: pa.Table) -> bytes:
    """The line of names, and one line a row. Raises ScoringFailed for a nested value that JSON cannot hold."""
    sink = pa.BufferOutputStream()
    sink.write(_line_of_names(table.column_names))
    options = pacsv.WriteOptions(include_header=False)
    for batch in table.to_batches():
        cells = [_cells(column) for column in batch.columns]
        # By position: names say nothing here.
        pacsv.write_csv(pa.record_batch(cells, [str(at) for at in range(len(cells))]), sink, options)
    return bytes(sink.getvalue())


def _line_of_names(names: list[str]) -> bytes:
    return (",".join('"' + name.replace('"', '""') + '"' for name in names) + "\n").encode()


def _cells(column: pa.Array) -> pa.Array:
    """As a type that pyarrow writes, and in the way of this format."""
    kind = column.type
    if pa.types.is_floating(kind):
        values = doubles(column)
        return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    if pa.types.is_dictionary(kind) and not pa.types.is_string(kind.value_type):
        return _cells(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return iso_texts(column)
    if pa.types.is_date(kind):
        return column.cast(pa.date32())
    if pa.types.is_duration(kind):
        return column.cast(pa.int64())
    if kind == JSON:
        return pa.array([_own_text(text) for text in column.storage.to_pylist()], pa.string())
    if _is_written_as_it_is(kind):
        return column
    return pa.array([_text(value) for value in plain(column)], pa.string())


def _is_written_as_it_is(kind: pa.DataType) -> bool:
    """Dictionaries are of texts here."""
    types = pa.types
    tests = (types.is_integer, types.is_boolean, types.is_string, types.is_large_string, types.is_dictionary)
    return any(test(kind) for test in (*tests, types.is_null, types.is_decimal, types.is_time))


def _own_text(text: str | None) -> Any:
    """A text among values of other types is written as one among texts."""
    return orjson.loads(text) if text is not None and text.startswith('"') else text


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else dumps(value).decode()
