"""An MLflow signature, compiled once into converters from what callers send to what a model takes.

Source of the words and of what is accepted: MLflow's model signature enforcement. A column signature takes tables,
a tensor signature takes nested lists.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shared.documents import Document
from shared.errors import SchemaMismatch

type Features = dict[str, np.ndarray[Any, Any]]
"""Input name to array: `[rows]` for a column, `[rows, ...]` for a tensor."""

type ColumnType = Literal["boolean", "integer", "long", "float", "double", "string"]


_NUMBERS: Final = frozenset({int, float})


class _Kind(NamedTuple):
    """How one MLflow column type is taken: from which JSON types, and for whole numbers within which range."""

    dtype: Any
    accepts: frozenset[type]
    spelled: str
    missing: Any
    lowest: int = 0
    highest: int = 0


_KINDS: Final[Mapping[str, _Kind]] = {
    "boolean": _Kind(np.bool_, frozenset({bool}), "true or false", None),
    "integer": _Kind(np.int32, _NUMBERS, "a whole number", None, -(2**31), 2**31 - 1),
    "long": _Kind(np.int64, _NUMBERS, "a whole number", None, -(2**63), 2**63 - 1),
    "float": _Kind(np.float32, _NUMBERS, "a number", np.nan),
    "double": _Kind(np.float64, _NUMBERS, "a number", np.nan),
    "string": _Kind(np.object_, frozenset({str}), "a text", ""),
}
# Which JSON types a tensor takes, by the kind of its numpy type; numbers where it is not here.
_TENSOR_ACCEPTS: Final[Mapping[str, frozenset[type]]] = {"b": frozenset({bool}), "O": frozenset({str})}
# JSON numbers above this lose digits on the way through a double.
_EXACT: Final = 2**53


class Column(BaseModel):
    """One named column. An optional column may be left out, and its values may be missing."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    type: ColumnType
    required: bool = True

    @property
    def dtype(self) -> Any:
        return _KINDS[self.type].dtype

    @property
    def missing(self) -> Any:
        """What stands for a missing value in an optional column: NaN, or the empty text."""
        return _KINDS[self.type].missing

    @model_validator(mode="after")
    def _can_be_missing(self) -> Self:
        if not self.required and self.missing is None:
            raise ValueError(f"column '{self.name}' of type {self.type} cannot be optional: use double or string")
        return self


class Tensor(BaseModel):
    """One tensor, `shape` with -1 for a dimension of any size."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str = ""
    dtype: str
    shape: tuple[int, ...] = Field(min_length=1)

    @field_validator("dtype")
    @classmethod
    def _known(cls, value: str) -> str:
        _tensor_dtype(value)
        return value


def _tensor_dtype(name: str) -> np.dtype[Any]:
    """Texts are held as objects, as onnxruntime takes them. Raises ValueError."""
    try:
        dtype = np.dtype("O" if name == "string" else name)
    except TypeError:
        raise ValueError(f"'{name}' is not a type of tensors") from None
    if dtype.kind not in "biufUO":
        raise ValueError(f"tensors of type '{name}' are not supported")
    return np.dtype("O") if dtype.kind == "U" else dtype


class Signature(Document):
    """What goes in and what comes out. Exactly one of `columns` and `tensors` is filled."""

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    outputs: tuple[str, ...] = Field(default=(), description="names of the outputs, in order")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.columns) == bool(self.tensors):
            raise ValueError("a signature has columns or tensors, and not both")
        names = [column.name for column in self.columns] + [tensor.name for tensor in self.tensors]
        if len(set(names)) != len(names):
            raise ValueError("two inputs of a signature have the same name")
        return self


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
    kind = _KINDS[column.type]
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


def _whole(column: Column, kind: _Kind, values: Sequence[Any], types: set[type]) -> np.ndarray[Any, Any]:
    for row, value in enumerate(values):
        fits = kind.lowest <= value <= kind.highest
        if not fits or (type(value) is float and (not value.is_integer() or abs(value) > _EXACT)):
            raise SchemaMismatch(
                f"column '{column.name}', row {row}: {value!r} is not a whole number of type {column.type}"
            )
    return np.array([int(value) for value in values] if float in types else values, dtype=kind.dtype)


def _reject(column: Column, kind: _Kind, values: Sequence[Any]) -> None:
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
    dtype = _tensor_dtype(tensor.dtype)
    # As objects: numpy would read texts as numbers and numbers as texts, and pad every text to the longest.
    raw = np.array(value, dtype=object)
    types = set(map(type, raw.ravel()))
    if list in types:
        raise SchemaMismatch(f"{label} is ragged: lists of one level must be of one length")
    if not types <= _TENSOR_ACCEPTS.get(dtype.kind, _NUMBERS):
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


def count_rows(features: Features) -> int:
    return len(next(iter(features.values())))


def example(signature: Signature) -> Features:
    """One row that the signature takes: zeros and empty texts. For warming a model up."""
    if signature.columns:
        return {
            column.name: np.zeros(1, column.dtype) if column.type != "string" else np.array([""], dtype=object)
            for column in signature.columns
        }
    return {
        tensor.name: np.full(
            [1 if size == -1 else size for size in tensor.shape], "" if dtype.kind == "O" else 0, dtype
        )
        for tensor in signature.tensors
        for dtype in [_tensor_dtype(tensor.dtype)]
    }
