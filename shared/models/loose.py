"""Inputs of a model that was logged without a signature: the types are those of the values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.columns import inferred_array
from shared.models.signature import Features


def table(names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> Features:
    """Without names the columns are called 0, 1, 2 and so on. Raises SchemaMismatch."""
    width = len(names) if names is not None else len(rows[0]) if rows else 0
    for number, row in enumerate(rows):
        if not isinstance(row, list | tuple):
            raise SchemaMismatch(f"row {number} is not a list of values")
        if len(row) != width:
            raise SchemaMismatch(f"row {number} has {len(row)} values, but there are {width} columns")
    given = [str(index) for index in range(width)] if names is None else list(names)
    if len(set(given)) != len(given):
        raise SchemaMismatch("a column name is given twice")
    values = zip(*rows, strict=True) if rows else [()] * width
    return {name: inferred_array(f"column '{name}'", each) for name, each in zip(given, values, strict=True)}


def tensor(values: Sequence[Any]) -> Features:
    """One array without a name. Raises SchemaMismatch."""
    raw = np.array(values, dtype=object)
    flat = raw.ravel().tolist()
    if list in set(map(type, flat)):
        raise SchemaMismatch("the list is ragged: lists of one level must be of one length")
    return {"": inferred_array("the list", flat).reshape(raw.shape)}
