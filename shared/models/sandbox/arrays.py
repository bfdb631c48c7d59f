"""Arrays as parts of a frame: numbers as their bytes, objects as JSON.

A spec is `[places, names, type, shape]` of one array, or of several that are alike: thirty columns are then one part,
and `places` says where each stands among all. The type is numpy's, `O` for plain texts and numbers, `o` where lists,
objects or bytes are among them, which are then tagged. Also runs in the worker, so: Python 3.9, and nothing but numpy.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import numpy as np

# As texts, because the numpy of an old environment cannot be asked for the types of its arrays.
Array = Annotated["np.ndarray[Any, Any]", "of any type and shape"]
Arrays = dict[str, Array]
Spec = list[Any]

_NUMBERS = "biufcmM"
_PLAIN = frozenset({str, int, float, bool, type(None)})
# pandas' own marks of what is missing.
_MISSING = frozenset({"NAType", "NaTType"})


def pack(arrays: Mapping[str, Array]) -> tuple[list[Spec], list[memoryview | bytes]]:
    """Raises TypeError for an object that cannot be sent, naming its type."""
    alike: dict[Any, list[tuple[int, str, Array]]] = {}
    for place, (name, array) in enumerate(arrays.items()):
        numbers = array.dtype.kind in _NUMBERS
        alike.setdefault((array.dtype, array.shape) if numbers else place, []).append((place, name, array))
    specs: list[Spec] = []
    parts: list[memoryview | bytes] = []
    for group in alike.values():
        places, names, given = zip(*group)
        kind, part = _part(given[0] if len(given) == 1 else np.stack(given))
        specs.append([places, names, kind, given[0].shape])
        parts.append(part)
    return specs, parts


def _part(array: Array) -> tuple[str, memoryview | bytes]:
    if array.dtype.kind in _NUMBERS:
        return array.dtype.str, memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    if array.dtype.kind == "V":
        raise TypeError(f"an array of type {array.dtype} cannot be sent")
    values = array.reshape(-1).tolist()
    if _PLAIN.issuperset(map(type, values)):
        return "O", json.dumps(values).encode()
    return "o", json.dumps(list(map(tagged, values))).encode()


def unpack(specs: Sequence[Spec], parts: Sequence[memoryview]) -> dict[str, Array]:
    """Raises ValueError or TypeError when specs and parts do not fit each other."""
    if len(specs) != len(parts):
        raise ValueError("arrays and parts differ in number")
    found: list[tuple[int, str, Array]] = []
    for (places, names, kind, shape), part in zip(specs, parts):
        group = _array(kind, [len(names), *shape], part)
        found.extend((place, name, group[number, ...]) for number, (place, name) in enumerate(zip(places, names)))
    found.sort(key=lambda each: each[0])
    return {name: array for _, name, array in found}


def _array(kind: str, shape: list[int], part: memoryview) -> Array:
    if kind in ("O", "o"):
        values = json.loads(bytes(part))
        array = np.empty(len(values), dtype=object)
        array[:] = values if kind == "O" else list(map(untagged, values))
        return array.reshape(shape)
    dtype = np.dtype(kind)
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"arrays of type {kind} are not sent as bytes")
    return np.frombuffer(part, dtype).reshape(shape) if len(part) else np.empty(shape, dtype)


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
