"""Columns put side by side in one array of one type: what most graphs want, at the least cost."""

import struct
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np

from shared.models.flavors.casts import cast, check_range
from shared.models.signature import Array, Column, Features

# For one row, packing Python numbers takes a third of the time of numpy's own ways, and sees what does not fit.
_FORMATS: Final = {
    "bool": "?",
    "float16": "e",
    "float32": "f",
    "float64": "d",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
}


class Block:
    """Some columns as one flat array, column after column. Their types fit `dtype`, as `casts.fits` says."""

    def __init__(self, columns: Sequence[Column], dtype: np.dtype[Any]) -> None:
        self.names = [column.name for column in columns]
        self._dtype = dtype
        self._sources = [np.dtype(column.dtype) for column in columns]
        self._as_it_is = len(columns) == 1 and self._sources[0] == dtype
        self._narrows = dtype.kind in "iu" and not all(np.can_cast(source, dtype) for source in self._sources)
        self._pick = itemgetter(*self.names, self.names[0])  # never a single value
        self._pack = struct.Struct(f"={len(columns)}{_FORMATS[dtype.name]}").pack if dtype.kind != "O" else None

    def of(self, features: Features) -> Array:
        """`[columns * rows]`. Raises SchemaMismatch for a value that is out of the range of the type."""
        *arrays, first = self._pick(features)
        if self._as_it_is:
            return first  # type: ignore[no-any-return]
        if self._pack is not None and len(first) == 1:
            try:
                return np.frombuffer(self._pack(*map(np.ndarray.item, arrays)), self._dtype)
            except (OverflowError, struct.error):
                self._refuse(arrays)
                raise
        if self._narrows:
            arrays = [cast(array, self._dtype, self._label(at)) for at, array in enumerate(arrays)]
        try:
            with np.errstate(over="raise"):  # a number that is too large would become infinite, with nobody told
                return np.concatenate(arrays, dtype=self._dtype, casting="same_kind")
        except FloatingPointError:
            self._refuse(arrays)
            raise

    def _refuse(self, arrays: Sequence[Array]) -> None:
        for at, array in enumerate(arrays):
            check_range(array, self._dtype, self._label(at))

    def _label(self, at: int) -> str:
        return f"column '{self.names[at]}'"
