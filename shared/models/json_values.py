"""Arrays as the values that JSON is written of."""

import base64
from decimal import Decimal
from typing import Any

import numpy as np

from shared.models.signature import Array


def listed(array: Array) -> list[Any]:
    """An entry a row, nested as the array is; times in ISO 8601, and None where there is none."""
    kind = array.dtype.kind
    if kind == "M":
        texts: Array = np.datetime_as_string(array).astype(object)
        texts[np.isnat(array)] = None
        array = texts
    elif kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    return list(array.tolist())


def special(value: Any) -> Any:
    """What orjson has no word for: bytes as Base64, numpy's values as Python's. Raises TypeError."""
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, np.ndarray):
        return listed(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError
