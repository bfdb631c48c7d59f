"""What inputs looked like in training: of the table that an endpoint file names, the profile that is published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from cli.endpoint_file import EndpointFile
from cli.sources import sample
from cli.sources.sample import Sample
from shared.endpoints.spec import Draft
from shared.errors import MalformedRequest
from shared.models.coercion import KINDS
from shared.models.package import ModelPackage
from shared.models.signature import Signature
from shared.monitoring.profile import MOST_FEATURES, Value, profile
from shared.monitoring.settings import Monitoring

_SHOWN: Final = 10
_COMPARED: Final = ("boolean", "integer", "long", "float", "double", "string")

type Types = Mapping[str, str]
"""MLflow's, by column."""


class Profiled(NamedTuple):
    """`notes`: what of the reference does not count, which inputs it does not know, and what nothing is measured of."""

    draft: Draft
    notes: list[str]


class _Columns(NamedTuple):
    """`kept`: values by column, `[rows]` each. `left_out`: why, by column."""

    kept: dict[str, Sequence[Value]]
    left_out: dict[str, str]


def profiled(draft: Draft, file: EndpointFile, packages: Iterable[ModelPackage]) -> Profiled:
    """The draft with a profile of its file's reference, if that names one. Raises MalformedRequest."""
    if draft.monitoring is None:
        return Profiled(draft, [])
    signatures = [signature for package in packages for signature in _signatures(package)]
    taken = {column.name: column.type for signature in signatures for column in signature.columns}
    _check_features(draft.monitoring, taken)
    unmeasured = [*_unmeasured(draft.monitoring, signatures)]
    if file.reference is None:
        return Profiled(draft, unmeasured)
    table = sample.read(file.reference, texts=[name for name, kind in taken.items() if kind == "string"])
    found = _columns(table.rows, taken, draft.monitoring)
    if not found.kept:
        raise MalformedRequest(_nothing(table, taken, found))
    monitoring = draft.monitoring.model_copy(update={"reference": profile(found.kept)})
    notes = [*_notes(table, found), *_unknown(table, taken, monitoring), *unmeasured]
    return Profiled(draft.model_copy(update={"monitoring": monitoring}), notes)


def _check_features(monitoring: Monitoring, taken: Types) -> None:
    """Of models without a signature nobody knows. Raises MalformedRequest."""
    strange = [name for name in monitoring.features if name not in taken]
    if strange and taken:
        raise MalformedRequest(
            f"monitoring.features names {_some(strange)}, which no deployment takes: they take {_some([*taken])}"
        )


def _signatures(package: ModelPackage) -> Iterator[Signature]:
    """Its own, and those of its many models."""
    yield package.signature
    yield from (model.signature for model in package.all_models() if model.signature)


def _unmeasured(monitoring: Monitoring, signatures: Sequence[Signature]) -> Iterator[str]:
    """No error: a model may answer with more than its signature has."""
    answered = [output.name for each in signatures for output in each.outputs if len(output.shape) == 1]
    asked = monitoring.model_performance
    if asked and asked.output not in answered and any(each.outputs for each in signatures):
        columns = _some([*dict.fromkeys(answered)]) or "none"
        yield f"monitoring.model_performance: no deployment answers with a column {asked.output}: there are {columns}"


def _columns(rows: Any, taken: Types, monitoring: Monitoring) -> _Columns:
    found = _Columns({}, {})
    for name, column in rows.items():
        if name not in taken:
            found.left_out[str(name)] = "no deployment takes it"
        elif monitoring.features and name not in monitoring.features:
            found.left_out[name] = "monitoring.features does not name it"
        elif taken[name] not in _COMPARED:
            found.left_out[name] = f"a column of type {taken[name]} is not compared"
        elif len(found.kept) == MOST_FEATURES:
            found.left_out[name] = f"no more than {MOST_FEATURES} columns are compared"
        elif (values := _values(column, taken[name])) is None:
            found.left_out[name] = f"its values are not of the model's type {taken[name]}"
        else:
            found.kept[name] = values
    return found


def _values(column: Any, kind: str) -> list[Value] | None:
    """As the model takes them, which is how those of requests are kept: of a float's 0.1 what is left in four bytes.

    None for times, bytes, lists and objects, and where one of them cannot be of that type.
    """
    import pyarrow as pa

    try:
        values = pa.array(column, from_pandas=True)
        if pa.types.is_temporal(values.type) or pa.types.is_binary(values.type) or pa.types.is_nested(values.type):
            return None
        return list(values.cast(KINDS[kind].arrow).to_pylist())
    except (pa.ArrowException, OverflowError):
        return None


def _nothing(table: Sample, taken: Types, found: _Columns) -> str:
    if shared := {name: why for name, why in found.left_out.items() if name in taken}:
        told = "; ".join(f"{names}, as {why}" for why, names in _grouped(shared).items())
        return f"monitoring.reference: {table.file} has no column that is compared: {told}"
    columns, inputs = _some(list(map(str, table.rows))), _some(list(taken)) or "none"
    return f"monitoring.reference: {table.file} has {columns}, and no column that a deployment takes: {inputs}"


def _notes(table: Sample, found: _Columns) -> Iterator[str]:
    if table.is_cut:
        yield f"of {table.file} the first {len(table.rows):,} rows count"
    for why, names in _grouped(found.left_out).items():
        yield f"left out of {table.file}: {names}, as {why}"


def _unknown(table: Sample, taken: Types, monitoring: Monitoring) -> Iterator[str]:
    asked = [name for name, kind in taken.items() if kind in _COMPARED]
    lacking = [name for name in asked if name not in table.rows and (name in (monitoring.features or asked))]
    if lacking:
        yield f"{table.file} does not have {_some(lacking)}: compared with the first window instead"


def _grouped(reasons: Mapping[str, str]) -> dict[str, str]:
    """The names by reason."""
    names: dict[str, list[str]] = {}
    for name, why in reasons.items():
        names.setdefault(why, []).append(name)
    return {why: _some(each) for why, each in names.items()}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
