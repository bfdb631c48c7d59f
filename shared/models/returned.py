"""What scripts return, item by item, as named arrays."""

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final

import numpy as np

from shared.errors import ScoringFailed
from shared.models.columns import filled
from shared.models.signature import Array

PREDICTION: Final = "prediction"
# Objects whose keys all differ would make a column of each.
_MOST_COLUMNS: Final = 1000


def columns_of(items: Sequence[Any]) -> dict[str, Array]:
    """Objects make a column of each key, anything else the one column `prediction`; None is a missing value in each.

    Raises ScoringFailed where objects and other items are mixed, or their keys are too many.
    """
    if not any(isinstance(item, dict) for item in items):
        return {PREDICTION: array_of(items)} if items else {}
    if not all(isinstance(item, dict | None) for item in items):
        raise ScoringFailed("the score.py returned objects and other values in one list: return the same for each")
    names = dict.fromkeys(name for item in items if item is not None for name in item)
    if len(names) > _MOST_COLUMNS:
        raise ScoringFailed(f"the score.py returned objects of more than {_MOST_COLUMNS} different keys")
    return {name: array_of([None if item is None else item.get(name) for item in items]) for name in names}


def array_of(values: Sequence[Any]) -> Array:
    """`[rows]`: of numbers where all are, NaN for those that are missing among fractions; else of objects."""
    kinds = set(map(type, values))
    if kinds == {bool}:
        return np.array(values, np.bool_)
    try:
        if kinds == {int}:
            return np.array(values, np.int64)
        if float in kinds and kinds <= {int, float, NoneType}:
            return np.array(values, np.float64)
    except OverflowError:  # Python's whole numbers know no bounds
        pass
    return filled(values, np.dtype(object))
