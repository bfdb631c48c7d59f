"""Many models in one package: which row goes to which model, and how the answers come together again.

A key is the values of the segment columns in their order, joined by slashes: `UA/EWR`. A segment without a model of its
own goes to its parent (`UA`), and then along the package's fallbacks.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from shared.errors import MalformedRequest, ModelNotFound, ScoringFailed
from shared.models.package import ModelPackage, Segments
from shared.models.signature import Array, Features, count_rows


class Split(NamedTuple):
    """`rows` by the key of the model that answers them, as row numbers; `unknown`: the others, with their segment."""

    rows: dict[str, Array]
    unknown: dict[int, str]


def by_name(package: ModelPackage, name: str | None) -> str | None:
    """The key of the model that is asked for by name; None where columns decide.

    Raises ModelNotFound, and MalformedRequest when a name is needed, or of no use.
    """
    if package.segments is None:
        if name is not None:
            raise MalformedRequest("this deployment has one model: leave the model's name out")
        return ""
    if name is None:
        if package.segments.columns:
            return None
        name = next(iter(package.segments.fallback), None)
        if name is None:
            raise MalformedRequest('this deployment has many models: name one in "model" or the header x-slipway-model')
    if name not in package.models:
        raise ModelNotFound("this deployment has no model of that name")
    return name


def split(package: ModelPackage, features: Features) -> Split:
    """One index look-up a segment, not a row."""
    assert package.segments is not None  # noqa: S101 - the caller looked
    columns = [features[name] for name in package.segments.columns]
    total = count_rows(features)
    if total == 1:
        segment = key_of([column[:1].tolist()[0] for column in columns])
        key = _answering(package.segments, package.models, segment)
        return Split({key: np.zeros(1, np.intp)}, {}) if key is not None else Split({}, {0: segment})
    rows: dict[str, list[int]] = {}
    unknown: dict[int, str] = {}
    answering: dict[str, str | None] = {}
    for row, values in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        segment = key_of(values)
        if segment not in answering:
            answering[segment] = _answering(package.segments, package.models, segment)
        key = answering[segment]
        if key is None:
            unknown[row] = segment
        else:
            rows.setdefault(key, []).append(row)
    return Split({key: np.array(found, np.intp) for key, found in rows.items()}, unknown)


def refuse_unknown(split_rows: Split) -> None:
    """Raises ModelNotFound."""
    for row, segment in split_rows.unknown.items():
        raise ModelNotFound(f"row {row}: {reason(segment)}")


def reason(segment: str) -> str:
    return f"there is no model for the segment '{segment[:80]}', and none that stands in"


def key_of(values: Sequence[Any]) -> str:
    """`values`: of the segment columns, or of the first of them."""
    return "/".join(quote(str(value), safe=" ,+:;=@()") if value is not None else "" for value in values)


def _answering(segments: Segments, models: Mapping[str, Any], segment: str) -> str | None:
    parts = segment.split("/")
    for length in range(len(parts), 0, -1):
        key = "/".join(parts[:length])
        if key in models:
            return key
    return next(iter(segments.fallback), None)


def fed(package: ModelPackage, features: Features, rows: Array) -> Features:
    """What the model of a segment is given: its rows, without the columns that it does not take."""
    unfed = package.segments.unfed if package.segments else ()
    return {name: array[rows] for name, array in features.items() if name not in unfed}


def reassemble(total: int, parts: Sequence[tuple[Array, Mapping[str, Array]]]) -> dict[str, Array]:
    """The outputs of all rows in their order. Raises ScoringFailed when the models differ in what they give."""
    names = list(parts[0][1]) if parts else []
    if any(list(outputs) != names for _, outputs in parts):
        raise ScoringFailed("the models of this package give different outputs: ask for rows of one segment")
    order = np.argsort(np.concatenate([rows for rows, _ in parts])) if parts else np.empty(0, np.intp)
    if len(order) != total:
        raise ScoringFailed("some rows were not answered")
    try:
        return {name: np.concatenate([outputs[name] for _, outputs in parts])[order] for name in names}
    except ValueError:
        raise ScoringFailed("the models of this package give outputs of different shapes") from None
