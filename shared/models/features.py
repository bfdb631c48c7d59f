"""From what callers send to what a model takes, compiled once from the signature."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.coercion import EXACT, KINDS, NUMBERS, TENSOR_ACCEPTS, Kind, tensor_dtype
from shared.models.signature import Array, Column, Features, Params, Signature, Tensor


class Converter:
    """Converts to arrays of the signature's types. Every method raises SchemaMismatch, naming column and row."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature

    def table(self, names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> Features:
        """JSON values, `rows` being `[rows][columns]`; without `names` in the signature's order."""
        return from_table(self.signature, names, rows)

    def records(self, records: Sequence[Mapping[str, Any]]) -> Features:
        """One object a row."""
        raise NotImplementedError

    def tensors(self, values: Mapping[str, Any] | Sequence[Any]) -> Features:
        """Nested lists; one unnamed list serves a signature of one tensor."""
        return from_tensors(self.signature, values)

    def arrays(self, arrays: Mapping[str, Array]) -> Features:
        """Arrays that have a type already; cast only where nothing is lost."""
        raise NotImplementedError

    def params(self, given: Mapping[str, Any] | None) -> Params:
        """Defaults filled in; what the signature does not name is left out, as MLflow does."""
        raise NotImplementedError


def from_table(signature: Signature, names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> Features:
    """Converts a table of JSON values, `rows` being `[rows][columns]`, to arrays of the signature's types.

    Without `names` the columns come in the signature's order. Columns that the model does not know are left out.
    Raises SchemaMismatch, naming column and row.
    """
    width = len(signature.columns if names is None else names)
    for number, row in enumerate(rows):
        if len(row) != width:
            raise SchemaMismatch(f"row {number} has {len(row)} values, but there are {width} columns")
    given = [column.name for column in signature.columns] if names is None else list(names)
    if len(set(given)) != len(given):
        raise SchemaMismatch("a column name is given twice")
    values = dict(zip(given, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(given, ())
    missing = [column.name for column in signature.columns if column.required and column.name not in values]
    if missing:
        raise SchemaMismatch(f"missing columns: {', '.join(missing)}")
    return {
        column.name: _converted(column, values[column.name])
        if column.name in values
        else np.full(len(rows), column.missing, dtype=column.dtype)
        for column in signature.columns
    }


def _converted(column: Column, values: Sequence[Any]) -> np.ndarray[Any, Any]:
    kind = KINDS[column.type]
    types = set(map(type, values))
    if not column.required and type(None) in types:
        values = [kind.missing if value is None else value for value in values]
        types.discard(type(None))
    if not types <= kind.accepts:
        _reject(column, kind, values)
    if kind.highest:
        return _whole(column, kind, values, types)
    try:
        if kind.dtype is not np.float32:
            return np.array(values, dtype=kind.dtype)
        with np.errstate(over="raise"):  # a number that is too large would become infinite, with nobody told
            return np.array(values, dtype=kind.dtype)
    except (OverflowError, FloatingPointError):
        highest = float(np.finfo(kind.dtype).max)
        row = next(row for row, value in enumerate(values) if abs(value) > highest)
        raise SchemaMismatch(
            f"column '{column.name}', row {row}: {_shown(values[row])} is too large for type {column.type}"
        ) from None


def _whole(column: Column, kind: Kind, values: Sequence[Any], types: set[type]) -> np.ndarray[Any, Any]:
    for row, value in enumerate(values):
        fits = kind.lowest <= value <= kind.highest
        if not fits or (type(value) is float and (not value.is_integer() or abs(value) > EXACT)):
            raise SchemaMismatch(
                f"column '{column.name}', row {row}: {value!r} is not a whole number of type {column.type}"
            )
    return np.array([int(value) for value in values] if float in types else values, dtype=kind.dtype)


def _reject(column: Column, kind: Kind, values: Sequence[Any]) -> None:
    for row, value in enumerate(values):
        if value is None:
            raise SchemaMismatch(f"column '{column.name}', row {row}: the value is missing")
        if type(value) not in kind.accepts:
            raise SchemaMismatch(f"column '{column.name}', row {row}: {_shown(value)} is not {kind.spelled}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def from_tensors(signature: Signature, values: Mapping[str, Any] | Sequence[Any]) -> Features:
    """Converts nested lists to arrays of the signature's types and shapes.

    One unnamed list serves a signature of one tensor. Raises SchemaMismatch.
    """
    if not isinstance(values, Mapping):
        if len(signature.tensors) != 1:
            names = ", ".join(tensor.name for tensor in signature.tensors)
            raise SchemaMismatch(f"the model takes named tensors: {names}")
        values = {signature.tensors[0].name: values}
    missing = [tensor.name for tensor in signature.tensors if tensor.name not in values]
    if missing == [""]:
        raise SchemaMismatch("the model takes one unnamed tensor: send it as a list")
    if missing:
        raise SchemaMismatch(f"missing tensors: {', '.join(missing)}")
    features = {tensor.name: _tensor(tensor, values[tensor.name]) for tensor in signature.tensors}
    if len({len(array) for array in features.values()}) > 1:
        raise SchemaMismatch("the tensors differ in their number of rows")
    return features


def _tensor(tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    label = f"tensor '{tensor.name}'" if tensor.name else "the tensor"
    dtype = tensor_dtype(tensor.dtype)
    # As objects: numpy would read texts as numbers and numbers as texts, and pad every text to the longest.
    raw = np.array(value, dtype=object)
    types = set(map(type, raw.ravel()))
    if list in types:
        raise SchemaMismatch(f"{label} is ragged: lists of one level must be of one length")
    if not types <= TENSOR_ACCEPTS.get(dtype.kind, NUMBERS):
        raise SchemaMismatch(f"{label} holds values that are not of type {tensor.dtype}")
    if dtype.kind in "iu" and float in types:
        raise SchemaMismatch(f"{label} holds fractions, but its type is {tensor.dtype}")
    if raw.ndim != len(tensor.shape) or any(
        want not in (-1, size) for want, size in zip(tensor.shape, raw.shape, strict=True)
    ):
        raise SchemaMismatch(f"{label} has the shape {list(raw.shape)}, but the model takes {list(tensor.shape)}")
    try:
        with np.errstate(over="raise"):
            return raw.astype(dtype)
    except (OverflowError, FloatingPointError):
        raise SchemaMismatch(f"{label} holds a number that is out of the range of {tensor.dtype}") from None
