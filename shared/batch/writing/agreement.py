"""What the parts of a job have in common: names of columns, and types that hold all values.

A model that returns Python objects may give another type with every mini-batch: none where all is missing, whole
numbers where none has a fraction.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shared.batch.writing.json_values import JSON, is_binary, json_column, plain
from shared.errors import ScoringFailed
from shared.models.values import shown

_ADVICE = "or let the job write parts: leave output_file_name out"


def check_names(first: Sequence[str], other: Sequence[str]) -> None:
    """Raises ScoringFailed for other columns, in any order."""
    differing = sorted(set(first) ^ set(other))
    if differing:
        some = ", ".join(map(shown, differing[:5])) + (", …" if differing[5:] else "")
        raise ScoringFailed(
            f"not every mini-batch has the columns {some}, and one file cannot be made of them: "
            f"let the model always return the same outputs, {_ADVICE}"
        )


def settled(tables: Sequence[pa.Table]) -> pa.Schema:
    """Names as in the first, and types that hold what is in all. JSON where there is no other, or none is known yet:
    it holds whatever comes later. Raises ScoringFailed.
    """
    for table in tables:
        check_names(tables[0].column_names, table.column_names)
    names = tables[0].column_names if tables else []
    return pa.schema([pa.field(name, _settled([table[name] for table in tables])) for name in names])


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The same values in another table's types. Raises ScoringFailed where these cannot hold them."""
    if table.schema.equals(schema):
        return table
    check_names(schema.names, table.column_names)
    columns = []
    for field in schema:
        column = _cast(table[field.name], field.type)
        if column is None:
            raise ScoringFailed(
                f"the column {shown(field.name)} is {field.type} in some mini-batches and "
                f"{table.schema.field(field.name).type} in others, and one Parquet file cannot hold both: "
                f"let the model return one type, let the job write jsonl, {_ADVICE}"
            )
        columns.append(column)
    return pa.table(columns, schema=schema)


def _settled(columns: Sequence[pa.ChunkedArray]) -> pa.DataType:
    kind: pa.DataType | None = columns[0].type
    for column in columns[1:]:
        kind = None if kind is None else _common(kind, column.type)
    if kind is None or _is_open(kind) or any(_cast(column, kind) is None for column in columns):
        return JSON
    return kind


def _is_open(kind: pa.DataType) -> bool:
    while pa.types.is_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_null(kind))


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """A type for the values of both, if there is any."""
    if one == other:
        return one
    both = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in (one, other)]
    try:
        kind = pa.unify_schemas([pa.schema([("", each)]) for each in both], promote_options="permissive").field(0).type
    except pa.ArrowException:
        return None
    # To Arrow bytes may be texts.
    return None if is_binary(kind) and not all(is_binary(each) or pa.types.is_null(each) for each in both) else kind


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray | None:
    """None where values would be lost."""
    if column.type == kind:
        return column
    if kind == JSON:
        return _json(column)
    if pa.types.is_dictionary(kind):
        values = _cast(column, kind.value_type)
        return None if values is None else values.dictionary_encode().cast(kind)
    if pa.types.is_dictionary(column.type):
        return _cast(column.cast(column.type.value_type), kind)
    if pa.types.is_integer(kind) and pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    elif _common(kind, column.type) != kind and not (pa.types.is_integer(kind) and pa.types.is_integer(column.type)):
        return None
    try:
        return column.cast(kind)
    except pa.ArrowException:
        return None


def _json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values: list[Any] = [value for chunk in column.chunks for value in plain(chunk)]
    return pa.chunked_array([json_column(values)], JSON)
