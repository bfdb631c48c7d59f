"""Rows for a model that was logged without a signature: the types are those that the file tells."""

from typing import Any, Final

import numpy as np
import pyarrow as pa

from shared.batch.reading.fitting import Fitted
from shared.models.arrow import numpy_of
from shared.models.signature import Array
from shared.models.typed import Cast, cast
from shared.models.values import INSTANT, NOT_FINITE

_INSTANTS: Final = np.dtype("datetime64[ns]")


def inferred(table: pa.Table) -> Fitted:
    """Rows with an infinite number, or with a time that is out of range, are set aside."""
    arrays: dict[str, Array] = {}
    reasons: dict[int, str] = {}
    for name in table.column_names:
        array, bad = _checked(can_be_missing(*numpy_of(table[name])))
        reason = f"{name}: {NOT_FINITE}" if array.dtype.kind == "f" else f"{name}: this is not {INSTANT}"
        reasons = dict.fromkeys([] if bad is None else np.flatnonzero(bad).tolist(), reason) | reasons
        arrays[name] = array
    if not reasons:
        return Fitted(arrays, np.arange(table.num_rows), reasons)
    keep = np.ones(table.num_rows, bool)
    keep[list(reasons)] = False
    return Fitted({name: array[keep] for name, array in arrays.items()}, np.flatnonzero(keep), reasons)


def _checked(array: Array) -> Cast:
    if array.dtype.kind == "f":
        return Cast(array, np.isinf(array))
    return (cast(array, _INSTANTS) if array.dtype.kind == "M" else None) or Cast(array)


def can_be_missing(array: Array, nulls: Any) -> Array:
    """Of a type that can hold missing values, where there are any."""
    if nulls is not None and array.dtype.kind == "b":
        array = array.astype(object)
        array[nulls] = None
        return array
    if nulls is not None and array.dtype.kind in "iuf":
        return np.where(nulls, np.nan, array.astype(np.float64))
    return array
