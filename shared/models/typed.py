"""Arrays that have a type already, as typed tensors and Parquet bring them: cast only where nothing is lost."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.coercion import KINDS, Kind, element
from shared.models.columns import column_value, filled, missing_column
from shared.models.matrix import columns_of
from shared.models.signature import Array, Column, Features, Tensor
from shared.models.tensors import check_shape, named, one_length
from shared.models.values import EARLIEST, EXACT, LATEST, MISSING, NOT_FINITE

type _Mask = np.ndarray[Any, np.dtype[np.bool_]]


class Cast(NamedTuple):
    """`array`: of the wanted type, with any value where `bad`. `bad`: None where all values fit."""

    array: Array
    bad: _Mask | None = None


def cast(array: Array, dtype: np.dtype[Any]) -> Cast | None:
    """To numbers or truth values of another type; None where the types have nothing in common.

    Fractions are rounded only on the way from double to float, as JSON's are; infinity and NaN pass.
    """
    if array.dtype == dtype:
        return Cast(array)
    if array.dtype.kind == dtype.kind == "M":
        bad = (array < EARLIEST) | (array >= LATEST)
        return _cast(np.where(bad, EARLIEST.astype(array.dtype), array).astype(dtype), bad)
    pair = array.dtype.kind + dtype.kind
    if pair[0] not in "iuf" or pair[1] not in "iuf":
        return None
    if np.can_cast(array.dtype, dtype, "safe") and pair not in ("if", "uf"):
        return Cast(array.astype(dtype))
    if pair == "ff":
        with np.errstate(over="ignore"):
            narrow = array.astype(dtype)
        return _cast(narrow, np.isinf(narrow) & ~np.isinf(array))
    if pair[1] == "f":
        with np.errstate(over="ignore"):
            wide = array.astype(dtype)
        return _cast(wide, (array > EXACT) | (array < -EXACT) | np.isinf(wide))
    limits = np.iinfo(dtype)
    if pair[0] == "f":
        array = array.astype(np.float64)
        bad = ~((np.abs(array) <= EXACT) & (array >= limits.min) & (array <= limits.max) & (np.trunc(array) == array))
    else:
        bad = (array < limits.min) | (array > limits.max)
    return _cast(np.where(bad, array.dtype.type(0), array).astype(dtype), bad)


def _cast(array: Array, bad: _Mask) -> Cast:
    return Cast(array, bad if bad.any() else None)


def column_cast(
    column: Column, array: Array, nulls: _Mask | None = None, most: int | None = None
) -> tuple[Array, dict[int, str]]:
    """`[rows]` of the column's type, and for the rows that do not fit the reason; their value there is any.

    `most`: how many reasons of a kind are wanted, the first ones; there may then be fewer rows.
    """
    kind = KINDS[column.type]
    done = cast(array, kind.dtype) if kind.dtype.kind != "O" else None
    if done is None:
        return _one_by_one(column, array, nulls, most)
    reasons: dict[int, str] = {}
    taken, odd = done.array, done.bad
    if nulls is not None:
        taken = np.where(nulls, kind.dtype.type(kind.missing if kind.optional else 0), taken)
        odd = None if odd is None else odd & ~nulls
        if column.required:
            reasons |= dict.fromkeys(np.flatnonzero(nulls).tolist(), MISSING)
    if odd is not None:
        reasons |= {row: _reason(kind, _plain(array[row])) for row in np.flatnonzero(odd)[:most].tolist()}
    if taken.dtype.kind == "f" and not np.isfinite(taken).all():
        endless = ~np.isfinite(taken) if column.required else np.isinf(taken)
        reasons = dict.fromkeys(np.flatnonzero(endless).tolist(), NOT_FINITE) | reasons
    if taken.dtype.kind == "M" and column.required:
        reasons = dict.fromkeys(np.flatnonzero(np.isnat(taken)).tolist(), MISSING) | reasons
    return taken, reasons


def _reason(kind: Kind, value: Any) -> str:
    try:
        kind.take(value)
    except ValueError as error:
        return str(error)
    return f"{value} is not held exactly by this type"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, np.datetime64) else value.item()


def _one_by_one(column: Column, array: Array, nulls: _Mask | None, most: int | None) -> tuple[Array, dict[int, str]]:
    taken: list[Any] = []
    reasons: dict[int, str] = {}
    for row, value in enumerate(array.tolist()):
        try:
            given = None if nulls is not None and nulls[row] else _decoded(value, column.type == "binary")
            taken.append(column_value(column, given))
        except ValueError as error:
            reasons[row] = str(error)
            if len(reasons) == most:
                break
            taken.append(KINDS[column.type].take(KINDS[column.type].sample))
    return filled(taken, KINDS[column.type].dtype), reasons


def _decoded(value: Any, binary: bool) -> Any:
    if type(value) is not bytes or binary:
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError("the bytes are not text in UTF-8") from None


def columns(wanted: Sequence[Column], arrays: Mapping[str, Array]) -> Features:
    """`[rows]` or `[rows, 1]` a column, or one tensor `[rows, columns]` of all. Raises SchemaMismatch."""
    names = [column.name for column in wanted]
    if len(arrays) == 1 and (only := next(iter(arrays))) not in names:
        whole = arrays[only]
        if whole.ndim != 2 or whole.shape[1] != len(names):
            raise SchemaMismatch(
                f"tensor '{only}' has the shape {list(whole.shape)}, but all columns together have {[-1, len(names)]}"
            )
        return _matrix(wanted, whole)
    if lacking := [column.name for column in wanted if column.required and column.name not in arrays]:
        raise SchemaMismatch(f"missing columns: {', '.join(lacking)}", lacking)
    known = {name: array for name, array in arrays.items() if name in names}
    rows = check_rows(known or arrays)
    return {
        column.name: _column(column, known[column.name]) if column.name in known else missing_column(column, rows)
        for column in wanted
    }


def _matrix(wanted: Sequence[Column], whole: Array) -> Features:
    """All at once where that is exact: a column at a time costs thirty times as much for thirty columns."""
    if len({column.type for column in wanted}) == 1 and wanted[0].dtype.kind != "O":
        done = cast(whole, wanted[0].dtype)
        if done is not None and done.bad is None and (done.array.dtype.kind != "f" or np.isfinite(done.array).all()):
            return columns_of([column.name for column in wanted], done.array)
    return {column.name: _column(column, whole[:, index]) for index, column in enumerate(wanted)}


def _column(column: Column, array: Array) -> Array:
    if array.ndim == 2 and array.shape[1] == 1 and column.type != "array":
        array = array.reshape(-1)
    if array.ndim != 1 and column.type != "array":
        raise SchemaMismatch(f"column '{column.name}' has the shape {list(array.shape)}, but the model takes [-1]")
    taken, reasons = column_cast(column, array, most=1)
    for row in sorted(reasons):
        raise SchemaMismatch(f"column '{column.name}', row {row}: {reasons[row]}")
    return taken


def tensors(wanted: Sequence[Tensor], arrays: Mapping[str, Array]) -> Features:
    """By name; a signature of one unnamed tensor takes the only one. NaN and infinity pass. Raises SchemaMismatch."""
    if len(wanted) == 1 and not wanted[0].name and len(arrays) == 1:
        arrays = {"": next(iter(arrays.values()))}
    if missing := [tensor.name for tensor in wanted if tensor.name not in arrays]:
        raise SchemaMismatch(f"missing tensors: {', '.join(missing)}", missing)
    return one_length({tensor.name: tensor_cast(tensor, arrays[tensor.name]) for tensor in wanted})


def tensor_cast(tensor: Tensor, array: Array) -> Array:
    """NaN and infinity pass. Raises SchemaMismatch."""
    check_shape(tensor, array.shape)
    kind = element(tensor.dtype)
    if kind.dtype.kind == "O":
        return _texts(tensor, array)
    done = cast(array, kind.dtype)
    if done is None:
        raise SchemaMismatch(f"{named(tensor)} is of type {array.dtype}, but the model takes {tensor.dtype}")
    if done.bad is not None:
        place = [int(at) for at in np.argwhere(done.bad)[0]]
        raise SchemaMismatch(f"{named(tensor)}, at {place}: {array[tuple(place)]} does not fit the type {tensor.dtype}")
    return done.array


def _texts(tensor: Tensor, array: Array) -> Array:
    taken = []
    for index, value in enumerate(array.ravel().tolist()):
        try:
            text = _decoded(value, binary=False)
            taken.append(KINDS["string"].take(text))
        except ValueError as error:
            place = [int(at) for at in np.unravel_index(index, array.shape)]
            raise SchemaMismatch(f"{named(tensor)}, at {place}: {error}") from None
    return filled(taken, np.dtype(object)).reshape(array.shape)


def check_rows(arrays: Mapping[str, Array]) -> int:
    """How many rows there are. Raises SchemaMismatch where the arrays differ in that."""
    rows: int | None = None
    for name, array in arrays.items():
        if array.ndim == 0:
            raise SchemaMismatch(f"column '{name}' has no rows")
        rows = len(array) if rows is None else rows
        if len(array) != rows:
            raise SchemaMismatch(f"column '{name}' has {len(array)} values, but others have {rows}")
    return rows or 0
