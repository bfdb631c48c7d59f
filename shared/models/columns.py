"""One column of JSON values to one array: the exact way, which finds the first value that does not fit."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.coercion import KINDS
from shared.models.signature import Array, Column
from shared.models.values import MISSING, NOT_FINITE


def column_array(column: Column, values: Sequence[Any]) -> Array:
    """`[rows]`. Raises SchemaMismatch, naming column and row."""
    kind = KINDS[column.type]
    taken = []
    for row, value in enumerate(values):
        try:
            taken.append(column_value(column, value))
        except ValueError as error:
            raise SchemaMismatch(f"column '{column.name}', row {row}: {error}") from None
    return filled(taken, kind.dtype)


def column_value(column: Column, value: Any) -> Any:
    """Raises ValueError with the reason."""
    kind = KINDS[column.type]
    # NaN is the one value that differs from itself.
    if value is None or (type(value) is float and value != value):
        if not column.required:
            return kind.missing
        if value is None:
            raise ValueError(MISSING)
    return kind.take(value)


def filled(values: Sequence[Any], dtype: np.dtype[Any]) -> Array:
    """`[rows]`, whatever the values are: numpy would look into lists."""
    if dtype.kind == "O":
        return np.fromiter(values, dtype, len(values))
    return np.array(values, dtype)


def missing_column(column: Column, rows: int) -> Array:
    return filled([KINDS[column.type].missing] * rows, KINDS[column.type].dtype)


def inferred_array(label: str, values: Sequence[Any]) -> Array:
    """A column of a model that was logged without a signature takes the type of its values.

    Raises SchemaMismatch for a number that is not finite.
    """
    types = set(map(type, values))
    if types == {bool}:
        return np.array(values, np.bool_)
    if types == {int}:
        try:
            return np.array(values, np.int64)
        except OverflowError:
            return filled(values, np.dtype(object))
    if types and types <= {int, float, type(None)} and types != {type(None)}:
        try:
            array = np.array(values, np.float64)
        except OverflowError:
            return filled(values, np.dtype(object))
        if np.isinf(array).any():
            raise SchemaMismatch(f"{label}, row {int(np.isinf(array).argmax())}: {NOT_FINITE}")
        return array
    return filled(values, np.dtype(object))
