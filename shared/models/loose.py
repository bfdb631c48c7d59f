"""Inputs of a model that was logged without a signature: the types are those of the values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.columns import inferred_array
from shared.models.signature import Array, Features
from shared.models.tables import transposed


def table(names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> Features:
    """Without names the columns are called 0, 1, 2 and so on. Raises SchemaMismatch."""
    return {name: inferred_array(f"column '{name}'", each) for name, each in transposed(names, rows).items()}


def columns(values: Mapping[str, list[Any]]) -> Features:
    """Lists of one length; nested ones make tensors. Raises SchemaMismatch."""
    return {name: _nested(f"column '{name}'", value) for name, value in values.items()}


def tensor(values: Sequence[Any]) -> Features:
    """One array without a name. Raises SchemaMismatch."""
    return {"": _nested("the list", values)}


def _nested(label: str, values: Sequence[Any]) -> Array:
    raw = np.array(values, dtype=object)
    flat = raw.ravel().tolist()
    if list in set(map(type, flat)):
        raise SchemaMismatch(f"{label} is ragged: lists of one level must be of one length")
    return inferred_array(label, flat).reshape(raw.shape)
