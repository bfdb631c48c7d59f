"""Python's values as JSON: plain texts and numbers as they are (`O`), tagged where lists, objects or bytes are among
them (`o`). Also runs in the worker, so: Python 3.9, and nothing but the standard library.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

_PLAIN = frozenset({str, int, float, bool, type(None)})
# pandas' own marks of what is missing.
_MISSING = frozenset({"NAType", "NaTType"})


def packed(values: Sequence[Any]) -> tuple[str, bytes]:
    """`O` or `o`, and the values. Raises TypeError for one that cannot be sent, naming its type."""
    if _PLAIN.issuperset(map(type, values)):
        return "O", json.dumps(values).encode()
    return "o", json.dumps(list(map(tagged, values))).encode()


def unpacked(kind: str, part: memoryview) -> list[Any]:
    """Raises ValueError for what `packed` did not make."""
    values = json.loads(bytes(part))
    if not isinstance(values, list):
        raise ValueError("no list of values")
    return values if kind == "O" else list(map(untagged, values))


def tagged(value: Any) -> Any:
    """As JSON, with a letter before what JSON has no word for. Raises TypeError."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return ["b", base64.b64encode(value).decode()]
    if isinstance(value, Mapping):
        return ["d", *([str(key), tagged(each)] for key, each in value.items())]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return tagged(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ["l", *map(tagged, value)]
    if type(value).__name__ in _MISSING:
        return None
    return _plain(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    for plain in (str, int, float):
        if isinstance(value, plain):
            return plain(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


def untagged(value: Any) -> Any:
    """Raises ValueError for what `tagged` did not make."""
    if type(value) is not list:
        return value
    kind, *rest = value
    if kind == "l":
        return [untagged(each) for each in rest]
    if kind == "d":
        return {key: untagged(each) for key, each in rest}
    if kind == "b":
        return base64.b64decode(rest[0])
    raise ValueError(f"'{kind}' is no kind of value")
