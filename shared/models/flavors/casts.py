"""From the types of a signature to those of a graph, and never to a value that is another one."""

from typing import Any

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.signature import Array

type DType = np.dtype[Any]


def fits(source: DType, target: DType) -> bool:
    """Whether values of the one type are values of the other, but for rounding and those out of its range."""
    if source == target:
        return True
    if "O" in (source.kind, target.kind) or source.kind not in "biuf":
        return False
    return target.kind == "f" or (target.kind in "iu" and source.kind != "f")


def cast(array: Array, dtype: DType, label: str) -> Array:
    """Raises SchemaMismatch for a value that is out of the range of `dtype`; `label` names what holds it."""
    if array.dtype == dtype:
        return array
    if dtype.kind in "iu":
        if not np.can_cast(array.dtype, dtype):
            check_range(array, dtype, label)
        return array.astype(dtype)
    try:
        with np.errstate(over="raise"):  # a number that is too large would become infinite, with nobody told
            return array.astype(dtype)
    except FloatingPointError:
        check_range(array, dtype, label)
        raise


def check_range(array: Array, dtype: DType, label: str) -> None:
    """Raises SchemaMismatch naming the first row with a value that `dtype` cannot hold."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            outside = np.isinf(array.astype(dtype)) & np.isfinite(array)
    else:
        range_ = np.iinfo(dtype)
        outside = (array < range_.min) | (array > range_.max)
    if outside.any():
        first = tuple(np.argwhere(outside)[0])
        where = f"{label}, row {first[0]}" if first else label
        raise SchemaMismatch(f"{where}: {array[first].item()!r} is out of the range of the model's {dtype.name}")
