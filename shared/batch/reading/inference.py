"""Rows for a model that was logged without a signature: the types are those that the file tells."""

from typing import Any

import numpy as np
import pyarrow as pa

from shared.batch.reading.fitting import Fitted
from shared.models.arrow import numpy_of
from shared.models.signature import Array
from shared.models.values import NOT_FINITE


def inferred(table: pa.Table) -> Fitted:
    """Rows with an infinite number are set aside."""
    arrays = {name: typed(*numpy_of(table[name])) for name in table.column_names}
    reasons: dict[int, str] = {}
    for name, array in arrays.items():
        if array.dtype.kind == "f":
            for row in np.flatnonzero(np.isinf(array)).tolist():
                reasons.setdefault(row, f"{name}: {NOT_FINITE}")
    keep = np.ones(table.num_rows, bool)
    keep[list(reasons)] = False
    features = {name: array[keep] for name, array in arrays.items()} if reasons else arrays
    return Fitted(features, np.flatnonzero(keep), reasons)


def typed(array: Array, nulls: Any) -> Array:
    """Missing values need a type that can hold them."""
    if array.dtype.kind == "M":
        return array.astype("datetime64[ns]")
    if nulls is not None and array.dtype.kind == "b":
        array = array.astype(object)
        array[nulls] = None
        return array
    if nulls is not None and array.dtype.kind in "iuf":
        return np.where(nulls, np.nan, array.astype(np.float64))
    return array
