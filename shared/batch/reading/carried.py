"""Input columns that go into the output beside the predictions, for the rows that have one.

A column has one type in all mini-batches of a job, so that their parts make one table: of CSV and JSON Lines the
numbers and truth values of the signature are of its types, and all else is text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import pyarrow as pa

from shared.models.coercion import KINDS
from shared.models.signature import Array, Column, Signature


def typed(signature: Signature) -> dict[str, Column]:
    """The columns that are carried as the model takes them."""
    return {column.name: column for column in signature.columns if KINDS[column.type].text}


def as_taken(column: Column, array: Array) -> pa.Array:
    """A missing number is null."""
    return pa.array(array, pa.type_for_alias(KINDS[column.type].arrow), from_pandas=True)


def as_text(values: Iterable[Any]) -> pa.Array:
    """Of JSON values: texts as they are, null stays null, all else as JSON."""
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    return value if value is None or type(value) is str else orjson.dumps(value).decode()


def rows_of(table: pa.Table, names: Sequence[str], kept: Array) -> dict[str, pa.Array]:
    at = pa.array(kept, pa.int64())
    return {name: table[name].combine_chunks().take(at) for name in names}
