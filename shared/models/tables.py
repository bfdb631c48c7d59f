"""Tables of JSON values to the arrays of a column signature, along a plan that is made before any row comes.

Columns of one type form a block, which numpy converts in one call. Only where that cannot be exact, or where a value
does not fit, the columns of the block are taken one by one.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import SchemaMismatch
from shared.models.coercion import KINDS, Kind
from shared.models.columns import column_array
from shared.models.matrix import columns_of
from shared.models.signature import Array, Column, Features

# As the method `all`, without its detour.
_every: Final = np.logical_and.reduce

# Names a column of the signature that are held from one request to the next: a caller may send any number of others.
_NAMES_KEPT: Final = 4
_ROWS: Final = frozenset({list, tuple})

type _Pick = Callable[[Any], Sequence[Any]]


class Block:
    """The columns of one type."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.names = [column.name for column in columns]
        self._kind: Kind = KINDS[columns[0].type]
        self._required = np.array([column.required for column in columns])

    def matrix(self, picked: Sequence[Sequence[Any]]) -> Array | None:
        """`[rows, columns]`; None where the columns must be taken one by one."""
        kind = self._kind
        if not picked:
            return np.empty((0, len(self.columns)), kind.dtype)
        for row in picked:
            if not kind.plain.issuperset(map(type, row)):
                return None
        try:
            matrix = np.array(picked, np.float64 if kind.dtype.kind == "f" else kind.dtype)
        except OverflowError:
            return None
        if kind.dtype.kind != "f":
            return matrix
        if kind.dtype != np.float64:
            with np.errstate(over="ignore"):
                matrix = matrix.astype(kind.dtype)
        if not _every(np.isfinite(matrix), None) and (np.isinf(matrix) | (np.isnan(matrix) & self._required)).any():
            return None
        return matrix

    def arrays(self, picked: Sequence[Sequence[Any]]) -> list[Array]:
        """One by one. Raises SchemaMismatch, naming column and row."""
        values = zip(*picked, strict=True) if picked else [()] * len(self.columns)
        return [column_array(column, each) for column, each in zip(self.columns, values, strict=True)]


class Plan(NamedTuple):
    """How rows of one form are taken: for each block what of a row is its own. `width`: values a row has."""

    width: int
    padded: bool
    blocks: list[tuple[Block, _Pick | None]]


class Table:
    """Compiled from the columns of a signature. Everything raises SchemaMismatch."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self._names = [column.name for column in columns]
        kinds = dict.fromkeys(column.type for column in columns)
        self._blocks = [Block([column for column in columns if column.type == kind]) for kind in kinds]
        self._natural = self._plan(self._names)
        # The names that came last, and their plan: most callers send the same ones again and again.
        self._last: tuple[list[str], Plan] = (self._names, self._natural)
        self._pick_records = [(block, picker(block.names)) for block in self._blocks]

    def rows(self, names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> Features:
        plan = self._natural if names is None else self._planned(names)
        for row in rows:
            if type(row) not in _ROWS or len(row) != plan.width:
                raise misshapen(rows, plan.width)
        if plan.padded:
            rows = [[*row, None] for row in rows]
        return self._features([(block, rows if pick is None else list(map(pick, rows))) for block, pick in plan.blocks])

    def records(self, records: Sequence[Mapping[str, Any]]) -> Features:
        try:
            picked = [(block, list(map(pick, records))) for block, pick in self._pick_records]
        except (KeyError, TypeError):
            return self.rows(None, self._completed(records))
        return self._features(picked)

    def _completed(self, records: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        check_records(records)
        if lacking := [
            column.name
            for column in self._columns
            if column.required and not any(column.name in record for record in records)
        ]:
            raise SchemaMismatch(f"missing columns: {', '.join(lacking)}", lacking)
        return [[record.get(name) for name in self._names] for record in records]

    def _features(self, picked: Sequence[tuple[Block, Sequence[Sequence[Any]]]]) -> Features:
        if len(picked) == 1:
            block, values = picked[0]
            matrix = block.matrix(values)
            if matrix is not None:
                return columns_of(self._names, matrix)
            return dict(zip(self._names, block.arrays(values), strict=True))
        found: Features = {}
        for block, values in picked:
            matrix = block.matrix(values)
            found |= zip(block.names, block.arrays(values) if matrix is None else matrix.T, strict=True)
        return {name: found[name] for name in self._names}

    def _planned(self, names: Sequence[str]) -> Plan:
        seen, plan = self._last
        if names != seen:
            plan = self._plan(list(names))
            if len(names) <= _NAMES_KEPT * len(self._names):
                self._last = (list(names), plan)
        return plan

    def _plan(self, names: list[str]) -> Plan:
        if len(set(names)) != len(names):
            raise SchemaMismatch("a column name is given twice")
        place = {name: index for index, name in enumerate(names)}
        if lacking := [column.name for column in self._columns if column.required and column.name not in place]:
            raise SchemaMismatch(f"missing columns: {', '.join(lacking)}", lacking)
        if names == self._names and len(self._blocks) == 1:
            return Plan(len(names), padded=False, blocks=[(self._blocks[0], None)])
        # What was left out stands behind the row's last value.
        blocks: list[tuple[Block, _Pick | None]] = [
            (block, picker([place.get(name, len(names)) for name in block.names])) for block in self._blocks
        ]
        return Plan(len(names), padded=any(name not in place for name in self._names), blocks=blocks)


def picker(keys: Sequence[Any]) -> _Pick:
    """From a row or a record to the values at `keys`."""
    if len(keys) == 1:
        only = keys[0]
        return lambda row: (row[only],)
    return itemgetter(*keys)


def misshapen(rows: Sequence[Any], width: int) -> SchemaMismatch:
    """Names the first row that is not a list of `width` values."""
    for number, row in enumerate(rows):
        if type(row) not in _ROWS:
            return SchemaMismatch(f"row {number} is not a list of values")
        if len(row) != width:
            break
    return SchemaMismatch(f"row {number} has {len(row)} values, but there are {width} columns")


def transposed(names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The values of each column. Without names the columns are called 0, 1, 2 and so on. Raises SchemaMismatch."""
    width = len(names) if names is not None else len(rows[0]) if rows and type(rows[0]) in _ROWS else 0
    if any(type(row) not in _ROWS or len(row) != width for row in rows):
        raise misshapen(rows, width)
    given = [str(index) for index in range(width)] if names is None else list(names)
    if len(set(given)) != len(given):
        raise SchemaMismatch("a column name is given twice")
    return dict(zip(given, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(given, ())


def check_records(records: Sequence[Any]) -> None:
    """Raises SchemaMismatch."""
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            raise SchemaMismatch(f"row {row} is not an object of named values")


def check_lists(values: Mapping[str, Any]) -> None:
    """Raises SchemaMismatch, naming the column that is no list, or of another length than the first."""
    rows: int | None = None
    for name, value in values.items():
        if not isinstance(value, list):
            raise SchemaMismatch(f"column '{name}' is not a list of values, as others are")
        rows = len(value) if rows is None else rows
        if len(value) != rows:
            raise SchemaMismatch(f"column '{name}' has {len(value)} values, but others have {rows}")
