"""Columns put side by side in one array of one type: what most graphs want, at the least cost."""

import struct
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

import numpy as np

from shared.models.flavors.casts import check_range
from shared.models.matrix import MatrixFeatures
from shared.models.packing import FORMATS
from shared.models.signature import Array, Column, Features

# For one row, packing Python numbers takes a third of the time of numpy's own ways, and sees what does not fit.
_FORMATS: Final = {"bool": "?", **FORMATS}


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

    def matrix(self, features: Features) -> Array:
        """`[rows, columns]`, where these are all columns of the signature. Raises as `of` does."""
        if isinstance(features, MatrixFeatures) and not self._narrows:
            whole = features.matrix
            if whole.dtype == self._dtype:
                return whole
            if self._pack is not None and len(whole) == 1:
                return self._packed(whole[0].tolist(), features).reshape(whole.shape)
            return self._converted(lambda: whole.astype(self._dtype), features)
        flat, width = self.of(features), len(self.names)
        return flat.reshape(1, width) if len(flat) == width else flat.reshape(width, -1).T

    def of(self, features: Features) -> Array:
        """`[columns * rows]`, column after column.

        Raises SchemaMismatch for a value that is out of the range of the type, naming its column and row.
        """
        *arrays, first = self._pick(features)
        if self._as_it_is:
            return first  # type: ignore[no-any-return]
        if self._pack is not None and len(first) == 1:
            return self._packed(map(np.ndarray.item, arrays), features)
        if self._narrows:
            self._refuse(features)
        return self._converted(lambda: np.concatenate(arrays, dtype=self._dtype, casting="unsafe"), features)

    def _packed(self, values: Iterable[Any], features: Features) -> Array:
        assert self._pack is not None  # noqa: S101 - not for texts
        try:
            return np.frombuffer(self._pack(*values), self._dtype)
        except (OverflowError, struct.error):
            self._refuse(features)
            raise

    def _converted(self, convert: Callable[[], Array], features: Features) -> Array:
        try:
            with np.errstate(over="raise"):  # a number that is too large would become infinite, with nobody told
                return convert()
        except FloatingPointError:
            self._refuse(features)
            raise

    def _refuse(self, features: Features) -> None:
        """Raises SchemaMismatch for the first value that is out of range, if there is one."""
        for name in self.names:
            check_range(features[name], self._dtype, f"column '{name}'")
