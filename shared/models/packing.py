"""Rows of Python numbers as one matrix, packed by `struct`: it costs a quarter of numpy's own ways."""

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from shared.models.signature import Array

# No booleans: for them struct takes any value, by its truth.
FORMATS: Final = {
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

type Pack = Callable[[Sequence[Any]], Array | None]


def packer(dtype: np.dtype[Any], width: int) -> Pack | None:
    """Packs lists of `width` numbers: `[rows, width]`, or None where one is no such list, or a number does not fit.

    True and False pass as 1 and 0, NaN and infinity as they are: it is for values among which there are none.
    None for a `dtype` that cannot be packed.
    """
    if dtype.name not in FORMATS or width < 1:
        return None
    packed = struct.Struct(f"={width}{FORMATS[dtype.name]}").pack

    def pack(rows: Sequence[Any]) -> Array | None:
        if not rows:
            return None
        try:
            # In a bytearray, so that the array can be written to.
            held = bytearray().join([packed(*row) for row in rows])
        except (struct.error, OverflowError, TypeError):
            return None
        return np.frombuffer(held, dtype).reshape(-1, width)

    return pack
