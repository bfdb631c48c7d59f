"""What MLflow's models return, in its many shapes, as named arrays.

Names: the signature's outputs where their number fits; else a data frame's columns, a series' name or a dict's keys;
else `predictions` for a single output that nobody named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .arrays import Array, Arrays

UNNAMED = "predictions"


def arrays_of(result: Any, names: Sequence[str], rows: int) -> Arrays:
    """Output name to array, `[rows]` or `[rows, ...]`; `[rows, 1]` comes as `[rows]`."""
    if isinstance(result, pd.DataFrame):
        columns = {column: as_array(result[column]) for column in result.columns}
        return _named(columns, names)
    if isinstance(result, Mapping):
        return _named({key: _one_a_row(as_array(value), rows) for key, value in result.items()}, names)
    own = result.name if isinstance(result, pd.Series) and isinstance(result.name, str) else UNNAMED
    array = _one_a_row(as_array(result), rows)
    if len(names) > 1 and array.ndim == 2 and array.shape[1] == len(names):
        return {name: array[:, number] for number, name in enumerate(names)}
    return {names[0] if len(names) == 1 else own: _flat(array)}


def _named(arrays: Mapping[Any, Array], names: Sequence[str]) -> Arrays:
    """By their own names where the signature knows those, or knows another number of outputs; else by its order."""
    given = {str(key): _flat(array) for key, array in arrays.items()}
    if set(given) == set(names):
        return {name: given[name] for name in names}
    if len(names) == len(given) and all(isinstance(key, int) for key in arrays):
        return dict(zip(names, given.values()))
    return given


def as_array(value: Any) -> Array:
    """Objects for texts, and for whatever numpy has no type for; NaN for a number that is missing."""
    if isinstance(value, (pd.Series, pd.Index, pd.api.extensions.ExtensionArray)):
        return _from_pandas(pd.Series(value))
    if hasattr(value, "toarray"):  # scipy's sparse matrices
        value = value.toarray()
    try:
        array = np.asarray(value)
    except ValueError:  # ragged lists
        array = _objects(value)
    if array.dtype.kind in "US" and not isinstance(value, np.ndarray):
        array = np.asarray(value, dtype=object)  # numpy makes texts of the numbers beside them
    return array if array.dtype.kind in "biufcmMO" else array.astype(object)


def _from_pandas(series: Any) -> Array:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return as_array(series.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return as_array(series.astype(dtype.categories.dtype))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return np.asarray(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    missing = bool(series.isna().any())
    if pd.api.types.is_bool_dtype(dtype) or not pd.api.types.is_numeric_dtype(dtype):
        return series.to_numpy(dtype=object, na_value=None) if missing else as_array(series.to_numpy(dtype=object))
    if missing or pd.api.types.is_float_dtype(dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    return np.asarray(series.to_numpy(dtype=getattr(dtype, "numpy_dtype", np.int64)))


def _objects(values: Sequence[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _one_a_row(array: Array, rows: int) -> Array:
    """A single value for a single row may come bare."""
    return array.reshape(1) if array.ndim == 0 and rows == 1 else array


def _flat(array: Array) -> Array:
    return array.reshape(-1) if array.ndim == 2 and array.shape[1] == 1 else array
