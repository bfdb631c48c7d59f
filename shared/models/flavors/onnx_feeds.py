"""From a signature's arrays to a graph's inputs, decided once at load."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shared.errors import ModelNotReady, SchemaMismatch
from shared.models.coercion import KINDS, tensor_dtype
from shared.models.flavors.casts import cast, fits
from shared.models.flavors.onnx_blocks import Block
from shared.models.flavors.onnx_types import Slot
from shared.models.signature import Array, Column, Features, Param, Params, Signature, Tensor

type Feed = dict[str, Array]
type Fill = Callable[[Features, Feed], None]
"""Puts some of the graph's inputs into the feed."""


class Setting:
    """A param of the signature that a graph's input is named after: scalar or list as the input is one."""

    def __init__(self, slot: Slot, param: Param) -> None:
        self.name = slot.name
        self._label = f"param '{slot.name}'"
        self._default = param.default
        self._source = KINDS[param.type].dtype
        self._slot = slot
        _check_column_type(slot, self._label, param.type)
        is_list = param.shape is not None
        if len(slot.shape) > 1 or slot.shape not in ((), (None,), (1,)) or (is_list and slot.shape == (1,)):
            raise _misfit(slot, f"{self._label} is {'a list' if is_list else 'one value'}")

    def of(self, params: Params) -> Array:
        value = params.get(self.name, self._default)
        if value is None:
            raise SchemaMismatch(f"{self._label} has no value: send one")
        return cast(np.array(value, self._source, ndmin=len(self._slot.shape)), self._slot.dtype, self._label)


class Feeds(NamedTuple):
    """`fills` go by rows, `settings` do not. `one_by_one`: the graph takes one row a call."""

    fills: tuple[Fill, ...]
    settings: tuple[Setting, ...]
    one_by_one: bool

    def rows(self, features: Features) -> Feed:
        """Raises SchemaMismatch for a value that the graph's type cannot hold."""
        feed: Feed = {}
        for fill in self.fills:
            fill(features, feed)
        return feed

    def constants(self, params: Params) -> Feed:
        """Raises SchemaMismatch as `rows` does."""
        return {setting.name: setting.of(params) for setting in self.settings}


def compile_feeds(slots: Sequence[Slot], signature: Signature) -> Feeds:
    """Raises ModelNotReady, naming both sides, when the graph's inputs are not what the signature gives."""
    inputs = {column.name for column in signature.columns} | {tensor.name for tensor in signature.tensors}
    params = {param.name: param for param in signature.params if param.name not in inputs}
    of_params = [slot for slot in slots if slot.name in params]
    of_rows = [slot for slot in slots if slot.name not in params]
    if not of_rows:
        raise ModelNotReady("the graph has no input for the rows of a request")
    fills = _tensor_fills(of_rows, signature.tensors) if signature.tensors else _column_fills(of_rows, signature)
    return Feeds(
        fills=tuple(fills),
        settings=tuple(Setting(slot, params[slot.name]) for slot in of_params),
        one_by_one=_is_one_by_one(of_rows, signature),
    )


def _is_one_by_one(slots: Sequence[Slot], signature: Signature) -> bool:
    """Whether the graph takes one row only, while the signature says any number."""
    if signature.tensors and all(tensor.shape[0] != -1 for tensor in signature.tensors):
        return False
    fixed = [slot for slot in slots if slot.shape and slot.shape[0] is not None]
    for slot in fixed:
        if slot.shape[0] != 1:
            raise ModelNotReady(
                f"the graph's input {slot.name} is {slot.spelled}, which fixes the number of rows: "
                "export it with a first dimension of any size, or of 1"
            )
    return bool(fixed)


def _column_fills(slots: Sequence[Slot], signature: Signature) -> list[Fill]:
    columns = {column.name: column for column in signature.columns}
    if len(slots) == 1 and _takes_all(slots[0], columns):
        return [_matrix_fill(slots[0], signature.columns)]
    _check_names(slots, columns)
    groups: dict[tuple[np.dtype[Any], tuple[int, ...]], list[str]] = {}
    for slot in slots:
        _check_column_type(slot, f"column '{slot.name}'", columns[slot.name].type)
        if len(slot.shape) > 2 or (len(slot.shape) == 2 and slot.shape[1] not in (None, 1)):
            raise _misfit(slot, f"column '{slot.name}' is one value a row")
        tail = (1,) if len(slot.shape) == 2 else ()
        groups.setdefault((slot.dtype, tail), []).append(slot.name)
    return [
        _by_name_fill(Block([columns[name] for name in names], dtype), tail) for (dtype, tail), names in groups.items()
    ]


def _takes_all(slot: Slot, columns: Mapping[str, Column]) -> bool:
    """Whether the only input takes all columns side by side. MLflow's rule is always; one named input is fair too."""
    if slot.name not in columns:
        return True
    return len(columns) > 1 and len(slot.shape) == 2 and slot.shape[1] != 1


def _matrix_fill(slot: Slot, columns: Sequence[Column]) -> Fill:
    for column in columns:
        _check_column_type(slot, f"column '{column.name}'", column.type)
    width = len(columns)
    flat = len(slot.shape) == 1 and width == 1
    if not flat and (len(slot.shape) not in (0, 2) or (slot.shape and slot.shape[1] not in (None, width))):
        raise _misfit(slot, f"the signature has {width} columns")
    block, name = Block(columns, slot.dtype), slot.name

    def fill(features: Features, feed: Feed) -> None:
        matrix = block.matrix(features)
        feed[name] = matrix.reshape(-1) if flat else matrix

    return fill


def _by_name_fill(block: Block, tail: tuple[int, ...]) -> Fill:
    names = block.names
    if len(names) == 1:
        (only,) = names
        shape = (-1, *tail)

        def fill_one(features: Features, feed: Feed) -> None:
            feed[only] = block.of(features).reshape(shape)

        return fill_one
    side_by_side = (len(names), -1, *tail)

    def fill(features: Features, feed: Feed) -> None:
        feed.update(zip(names, block.of(features).reshape(side_by_side), strict=True))

    return fill


def _tensor_fills(slots: Sequence[Slot], tensors: Sequence[Tensor]) -> list[Fill]:
    if len(slots) == 1 and len(tensors) == 1:
        return [_tensor_fill(slots[0], tensors[0])]
    given = {tensor.name: tensor for tensor in tensors}
    _check_names(slots, given)
    return [_tensor_fill(slot, given[slot.name]) for slot in slots]


def _tensor_fill(slot: Slot, tensor: Tensor) -> Fill:
    label = f"tensor '{tensor.name}'" if tensor.name else "the tensor"
    if not fits(tensor_dtype(tensor.dtype), slot.dtype):
        raise _misfit(slot, f"{label} of the signature is {tensor.dtype}")
    # The number of rows is looked at apart.
    fixed = zip(slot.shape[1:], tensor.shape[1:], strict=False)
    differ = any(want is not None and size not in (-1, want) for want, size in fixed)
    first_differs = bool(slot.shape) and tensor.shape[0] != -1 and slot.shape[0] not in (None, tensor.shape[0])
    if slot.shape and (len(slot.shape) != len(tensor.shape) or differ or first_differs):
        raise _misfit(slot, f"{label} of the signature has the shape {list(tensor.shape)}")
    name, given, dtype = slot.name, tensor.name, slot.dtype

    def fill(features: Features, feed: Feed) -> None:
        array = features[given]
        feed[name] = array if array.dtype == dtype else cast(array, dtype, label)

    return fill


def _check_names(slots: Sequence[Slot], given: Mapping[str, Any]) -> None:
    if unknown := sorted(slot.name for slot in slots if slot.name not in given):
        raise ModelNotReady(f"the graph takes {', '.join(unknown)}, which the signature does not name")


def _check_column_type(slot: Slot, label: str, type_: str) -> None:
    dtype = KINDS[type_].dtype
    is_nested = dtype.kind == "O" and type_ != "string"
    if is_nested or not fits(dtype, slot.dtype):
        raise _misfit(slot, f"{label} of the signature is {type_}")


def _misfit(slot: Slot, but: str) -> ModelNotReady:
    return ModelNotReady(
        f"the graph's input {slot.name} takes {slot.spelled}, but {but}: log it with a signature that fits its graph"
    )
