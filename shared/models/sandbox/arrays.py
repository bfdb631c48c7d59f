"""Arrays as parts of a frame: numbers as their bytes, objects as JSON.

A spec is `[places, names, type, shape]` of one array, or of several that are alike: thirty columns are then one part,
and `places` says where each stands among all. The type is numpy's, or `O` or `o` for objects, as `tagging` packs them.
Also runs in the worker, so: Python 3.9, and nothing but numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np

from .tagging import packed, unpacked

# As texts, because the numpy of an old environment cannot be asked for the types of its arrays.
Array = Annotated["np.ndarray[Any, Any]", "of any type and shape"]
Arrays = dict[str, Array]
Spec = list[Any]

_NUMBERS = "biufcmM"


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
    return packed(array.reshape(-1).tolist())


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
        values = unpacked(kind, part)
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array.reshape(shape)
    dtype = np.dtype(kind)
    if dtype.kind not in _NUMBERS:
        raise ValueError(f"arrays of type {kind} are not sent as bytes")
    return np.frombuffer(part, dtype).reshape(shape) if len(part) else np.empty(shape, dtype)
