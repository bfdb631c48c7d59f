"""Nested lists to the arrays of a tensor signature."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.coercion import Element, element
from shared.models.columns import filled
from shared.models.packing import Pack, packer
from shared.models.signature import Array, Features, Tensor


class Tensors:
    """Compiled from the tensors of a signature. Everything raises SchemaMismatch."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._tensors = [(tensor, element(tensor.dtype)) for tensor in tensors]
        self._names = [tensor.name for tensor in tensors]
        self._pack = _packer(tensors[0]) if len(tensors) == 1 else None

    def lists(self, values: Mapping[str, Any] | Sequence[Any], *, are_plain: bool = False) -> Features:
        """Nested lists by name; one unnamed list serves a signature of one tensor. `are_plain`: as in Converter."""
        if are_plain and self._pack is not None and type(values) is list:
            matrix = self._pack(values)
            if matrix is not None:
                return {self._names[0]: matrix}
        if not isinstance(values, Mapping):
            if len(self._names) != 1:
                raise SchemaMismatch(f"the model takes named tensors: {', '.join(self._names)}")
            values = {self._names[0]: values}
        self._check_names(values)
        return one_length({tensor.name: _tensor(tensor, kind, values[tensor.name]) for tensor, kind in self._tensors})

    def _check_names(self, given: Mapping[str, Any]) -> None:
        missing = [name for name in self._names if name not in given]
        if missing == [""]:
            raise SchemaMismatch("the model takes one unnamed tensor: send it as a list", missing)
        if missing:
            raise SchemaMismatch(f"missing tensors: {', '.join(missing)}", missing)


def _packer(tensor: Tensor) -> Pack | None:
    if len(tensor.shape) != 2 or tensor.shape[0] != -1:
        return None
    return packer(element(tensor.dtype).dtype, tensor.shape[1])


def one_length(features: Features) -> Features:
    """Raises SchemaMismatch where the arrays differ in their rows."""
    if any(array.ndim == 0 for array in features.values()) or len({len(array) for array in features.values()}) > 1:
        raise SchemaMismatch("the tensors differ in their number of rows")
    return features


def named(tensor: Tensor) -> str:
    return f"tensor '{tensor.name}'" if tensor.name else "the tensor"


def check_shape(tensor: Tensor, shape: tuple[int, ...]) -> None:
    """Raises SchemaMismatch."""
    if len(shape) != len(tensor.shape) or any(
        want not in (-1, size) for want, size in zip(tensor.shape, shape, strict=True)
    ):
        raise SchemaMismatch(f"{named(tensor)} has the shape {list(shape)}, but the model takes {list(tensor.shape)}")


def _tensor(tensor: Tensor, kind: Element, value: Any) -> Array:
    # As objects: numpy would read texts as numbers and numbers as texts, and pad every text to the longest.
    raw = np.array(value, dtype=object)
    flat = raw.ravel().tolist()
    types = set(map(type, flat))
    if list in types:
        raise SchemaMismatch(f"{named(tensor)} is ragged: lists of one level must be of one length")
    if types <= kind.plain:
        check_shape(tensor, raw.shape)
        try:
            with np.errstate(over="ignore"):
                array = raw.astype(kind.dtype)
            if kind.dtype.kind != "f" or np.isfinite(array).all():
                return array
        except OverflowError:
            pass
    taken = []
    for index, each in enumerate(flat):
        try:
            taken.append(kind.take(each))
        except ValueError as error:
            place = [int(at) for at in np.unravel_index(index, raw.shape)]
            raise SchemaMismatch(f"{named(tensor)}{f', at {place}' if place else ''}: {error}") from None
    check_shape(tensor, raw.shape)
    return filled(taken, kind.dtype).reshape(raw.shape)
