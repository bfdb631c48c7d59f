"""A model's output, whatever it is made of, as a column."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import pyarrow as pa

from shared.batch.writing.json_values import json_column
from shared.errors import ScoringFailed
from shared.models.signature import Array
from shared.models.values import shown

# Arrow counts time in none of these.
_COARSE: Final = frozenset({"generic", "Y", "M", "W", "h", "m"})
# Of lists that become lists in Parquet.
_DEPTH: Final = 16


def output_column(name: str, array: Array) -> pa.Array:
    """`[rows]`; what a row holds several of, `[rows, ...]`, becomes lists, nested as the array is.

    Lists of any length, so that all mini-batches give the same type. Raises ScoringFailed.
    """
    try:
        if array.dtype.kind in "OSUV":
            return _objects(array.tolist())
        return _nested(pa.array(_known_to_arrow(array).reshape(-1)), array.shape)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ScoringFailed(
            f"the output {shown(name)} of type {array.dtype} cannot be written: "
            f"let the model return numbers, texts, or lists of them ({shown(str(error))})"
        ) from None


def _known_to_arrow(array: Array) -> Array:
    kind = array.dtype.kind
    if kind in "mM":
        unit, count = np.datetime_data(array.dtype)
        if unit in _COARSE or (count != 1 and unit == "D"):
            unit = "s"
        return array.astype(f"{kind}8[{unit}]")
    if kind == "f" and array.dtype.itemsize > 8:
        return array.astype(np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _nested(values: pa.Array, shape: tuple[int, ...]) -> pa.Array:
    for depth in range(len(shape) - 1, 0, -1):
        lists = int(np.prod(shape[:depth]))
        offsets = np.arange(lists + 1) * shape[depth]
        values = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
    return values


def _objects(values: list[Any]) -> pa.Array:
    """By the type that they have in common, NaN being a missing value; without one as JSON.

    Objects are JSON too: the members of those in one mini-batch say nothing of the next.
    """
    if not _are_lists_at_most(values):
        return json_column(values)
    try:
        column = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError, UnicodeError):
        return json_column(values)
    kind = column.type
    if pa.types.is_binary(kind):
        # Arrow takes texts among bytes for bytes.
        return json_column(values) if str in set(map(type, values)) else column
    while pa.types.is_list(kind):
        kind = kind.value_type
    types = pa.types
    tests = (types.is_string, types.is_null, types.is_boolean, types.is_integer, types.is_floating)
    return column if any(test(kind) for test in tests) else json_column(values)


def _are_lists_at_most(values: Iterable[Any]) -> bool:
    """Whether there are no objects among them, and no lists so deep that Arrow would run out of stack."""
    for _ in range(_DEPTH):
        kinds = set(map(type, values))
        if dict in kinds:
            return False
        if not kinds & {list, tuple}:
            return True
        values = [each for value in values if type(value) in (list, tuple) for each in value]
    return False
