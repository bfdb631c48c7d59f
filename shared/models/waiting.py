"""A request that waits for its model, and how those that wait together are called together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shared.errors import ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.matrix import joined
from shared.models.signature import Inputs, Params

# Requests with more params, longer lists or longer texts than this are not gathered.
_MOST_ENTRIES: Final = 16
_MOST_LETTERS: Final = 1000


@dataclass(eq=False, slots=True)
class Waiting:
    """`alone`: not to be taken together with others any more; `queued`: the model was busy when it came."""

    model: Any
    work: Callable[[Abort], Any] | None
    inputs: Inputs
    rows: int
    kind: object
    since: float
    deadline: float
    answer: asyncio.Future[Any]
    alone: bool = False
    queued: bool = False


def kind_of(model: LoadedModel, inputs: Inputs) -> object:
    """What may be taken together: one model, the same params, and arrays that differ in their rows only.

    None where there is too much of the params to be compared.
    """
    if not _are_few(inputs.params):
        return None
    shapes = tuple((name, array.dtype.str, array.shape[1:]) for name, array in inputs.features.items())
    return (id(model), repr(sorted(inputs.params.items())), shapes)


def _are_few(params: Params) -> bool:
    entries = [value if isinstance(value, list | tuple) else [value] for value in params.values()]
    return len(entries) <= _MOST_ENTRIES and all(
        len(values) <= _MOST_ENTRIES and all(_is_small(value) for value in values) for values in entries
    )


def _is_small(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _MOST_LETTERS)


def answers_of(group: list[Waiting], abort: Abort) -> list[Any]:
    """In a thread. One answer for each request of the group."""
    first = group[0]
    if abort.fired:
        raise ScoringTimeout("nobody waits for this any more")
    if first.work is not None:
        return [first.work(abort)]
    if len(group) == 1:
        return [first.model.predict(first.inputs.features, first.inputs.params, abort)]
    features = joined([each.inputs.features for each in group])
    outputs = first.model.predict(features, first.inputs.params, abort)
    total = sum(each.rows for each in group)
    if any(array.ndim == 0 or len(array) != total for array in outputs.values()):
        raise ScoringFailed("the outputs do not have one entry for each row")
    ends = np.cumsum([each.rows for each in group])[:-1]
    parts = {name: np.split(array, ends) for name, array in outputs.items()}
    return [{name: arrays[at] for name, arrays in parts.items()} for at in range(len(group))]
