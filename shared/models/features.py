"""From what callers send to what a model takes, compiled once from the signature."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.errors import SchemaMismatch
from shared.models import loose, typed
from shared.models.coercion import param_value
from shared.models.signature import Array, Features, Param, Params, Signature
from shared.models.tables import Table, check_lists, check_records, transposed
from shared.models.tensors import Tensors


class Converter:
    """Converts to arrays of the signature's types. Every method raises SchemaMismatch, naming column and row.

    A signature without inputs takes everything: the types are those of the values.
    """

    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self._table = Table(signature.columns) if signature.columns else None
        self._tensors = Tensors(signature.tensors) if signature.tensors else None

    def table(self, names: Sequence[str] | None, rows: Sequence[Sequence[Any]]) -> Features:
        """JSON values, `rows` being `[rows][columns]`; without `names` in the signature's order."""
        if self._table is not None:
            return self._table.rows(names, rows)
        if self._tensors is None:
            return loose.table(names, rows)
        if names is None or (len(self.signature.tensors) == 1 and self.signature.tensors[0].name not in names):
            return self._tensors.lists(rows)
        return self._tensors.lists({name: list(values) for name, values in transposed(names, rows).items()})

    def records(self, records: Sequence[Mapping[str, Any]]) -> Features:
        """One object a row; what one lacks is a missing value."""
        if self._table is not None:
            return self._table.records(records)
        check_records(records)
        names = list(dict.fromkeys(name for record in records for name in record))
        if self._tensors is None:
            return loose.table(names, [[record.get(name) for name in names] for record in records])
        return self._tensors.lists({name: [record.get(name) for record in records] for name in names})

    def columns(self, values: Mapping[str, Any]) -> Features:
        """A list a column; one row where no value is a list, or where the signature has columns of lists or objects.

        Source: MLflow's rules for a dictionary as input.
        """
        if self._tensors is not None:
            return self._tensors.lists(values)
        known = {column.name for column in self.signature.columns}
        values = {name: value for name, value in values.items() if not known or name in known}
        nested = any(column.type in {"array", "object"} for column in self.signature.columns)
        if nested or not any(isinstance(value, list) for value in values.values()):
            return self.records([values])
        check_lists(values)
        if self._table is None:
            return loose.columns(values)
        return self._table.rows(list(values), list(zip(*values.values(), strict=True)))

    def tensors(self, values: Mapping[str, Any] | Sequence[Any], *, are_plain: bool = False) -> Features:
        """Nested lists; one unnamed list serves a signature of one tensor, or of one column.

        `are_plain`: there is no True, False, NaN or infinity among the values, which spares a look at each.
        """
        if self._tensors is not None:
            return self._tensors.lists(values, are_plain=are_plain)
        if isinstance(values, Mapping):
            return self.columns(values)
        if self._table is None:
            return loose.tensor(values)
        if len(self.signature.columns) == 1:
            return self.columns({self.signature.columns[0].name: list(values)})
        names = [column.name for column in self.signature.columns]
        raise SchemaMismatch(f"the model takes columns by name: {', '.join(names)}", names)

    def arrays(self, arrays: Mapping[str, Array]) -> Features:
        """Arrays that have a type already; cast only where nothing is lost."""
        if self._tensors is not None:
            return typed.tensors(self.signature.tensors, arrays)
        if self.signature.columns:
            return typed.columns(self.signature.columns, arrays)
        # Without a signature nobody has said what they mean: they are taken as they are, with NaN and infinity.
        typed.check_rows(arrays)
        return dict(arrays)

    def params(self, given: Mapping[str, Any] | None) -> Params:
        """Defaults filled in; what the signature does not name is left out, as MLflow does."""
        if not self.signature.params:
            return {}
        given = given or {}
        return {param.name: _param(param, given) for param in self.signature.params}


def _param(param: Param, given: Mapping[str, Any]) -> Any:
    if param.name not in given:
        if not param.has_default:
            raise SchemaMismatch(f"the param '{param.name}' is missing, and has no default")
        return param.default
    try:
        return param_value(param.type, param.shape, given[param.name])
    except ValueError as error:
        raise SchemaMismatch(f"param '{param.name}': {error}") from None
