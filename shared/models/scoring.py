"""The one scoring path: online and batch requests alike come through here."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from shared.errors import ModelNotReady, ScoringFailed, ScoringTimeout
from shared.models import segments
from shared.models.batching import Lanes
from shared.models.file_inputs import features_of_files
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.loader import Loaded
from shared.models.served import ServedModel
from shared.models.signature import Array, Features, Inputs, Params, count_rows

# Below this predicted cost a model runs on the event loop: a thread would cost more than it saves.
_INLINE_S: Final = 0.001


class Predictions(NamedTuple):
    """`outputs`: output name to array, `[rows]` or `[rows, ...]`."""

    rows: int
    outputs: dict[str, Array]


class FilePredictions(NamedTuple):
    """`files`: the position of each row's file among those that were given; `faults`: the other files, with why."""

    predictions: Predictions
    files: Array
    faults: Mapping[int, str]


def predict(served: ServedModel, inputs: Inputs, *, key: str | None = None, abort: Abort | None = None) -> Predictions:
    """Blocks. `key`: which member of a package of many; None: the rows' columns say it, or there is only one.

    Raises ScoringFailed when the model raises, or returns another number of rows than it was given; ScoringTimeout when
    `abort` was fired; ModelNotFound for rows or a key without a model; MalformedRequest where a key is needed.
    """
    rows = count_rows(inputs.features)
    key = segments.by_name(served.package, None) if key is None else key
    if key is not None:
        return _called(served, key, inputs, rows, abort)
    divided = segments.split(served.package, inputs.features)
    segments.refuse_unknown(divided)
    if not divided.rows:
        return Predictions(0, {})
    parts = [
        (at, _called(served, member, _part(served, inputs, at), len(at), abort).outputs)
        for member, at in divided.rows.items()
    ]
    return Predictions(rows, segments.reassemble(rows, parts))


def predict_files(
    served: ServedModel,
    contents: Sequence[bytes],
    params: Params,
    *,
    key: str | None = None,
    abort: Abort | None = None,
) -> FilePredictions:
    """A row a file, as `predict`. Raises SchemaMismatch when the model takes no files, PayloadTooLarge."""
    key = segments.by_name(served.package, None) if key is None else key
    groups, faults = features_of_files(served.converter(key).signature, contents)
    files = np.array(sorted(at for group in groups for at in group.files), np.intp)
    parts = [
        (np.searchsorted(files, group.files), predict(served, Inputs(group.features, params), key=key, abort=abort))
        for group in groups
    ]
    try:
        outputs = segments.reassemble(len(files), [(at, answer.outputs) for at, answer in parts])
    except ScoringFailed:
        raise ScoringFailed(
            "files of different sizes have outputs of different shapes: set mini_batch_size to 1"
        ) from None
    return FilePredictions(Predictions(len(files), outputs), files, faults)


def unknown_rows(served: ServedModel, features: Features) -> Mapping[int, str]:
    """The rows that no model of the package answers for, with the reason; none where a model is asked for by name."""
    if served.package.segments is None or not served.package.segments.columns:
        return {}
    unknown = segments.split(served.package, features).unknown
    return {row: segments.reason(segment) for row, segment in unknown.items()}


async def predict_online(
    served: ServedModel, key: str | None, inputs: Inputs, lanes: Lanes, deadline: float
) -> Predictions:
    """As `predict`, without holding the event loop up. `key`: which member, None where the rows' columns say it.

    `deadline`: the loop's time, without that for loading members. Raises Overloaded, ScoringTimeout besides.
    """
    rows = count_rows(inputs.features)
    if key is not None:
        model, deadline = await _loaded(served, key, deadline)
        return await _called_online(served, model, inputs, rows, lanes, deadline, _INLINE_S)
    divided = segments.split(served.package, inputs.features)
    segments.refuse_unknown(divided)
    parts, left_s = [], _INLINE_S
    # One after the other: all of them at once need not fit into the memory, or into the queue.
    for member, at in divided.rows.items():
        part = _part(served, inputs, at)
        model, deadline = await _loaded(served, member, deadline)
        started = time.perf_counter()
        answer = await _called_online(served, model, part, len(at), lanes, deadline, left_s)
        left_s -= time.perf_counter() - started
        parts.append((at, answer.outputs))
    return Predictions(rows, segments.reassemble(rows, parts))


async def _loaded(served: ServedModel, key: str, deadline: float) -> tuple[LoadedModel, float]:
    """With the deadline put off by the time that it took: a first request is not to blame for it."""
    found = served.find(key)
    if found is None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await served.loaded_online(key)
        deadline += loop.time() - began
    return _model(found), deadline


def _part(served: ServedModel, inputs: Inputs, at: Array) -> Inputs:
    return Inputs(segments.fed(served.package, inputs.features, at), inputs.params)


def _model(loaded: Loaded) -> LoadedModel:
    if not isinstance(loaded, LoadedModel):
        raise ModelNotReady("this deployment serves a score.py, which takes whole requests and no rows")
    return loaded


def _called(served: ServedModel, member: str, inputs: Inputs, rows: int, abort: Abort | None) -> Predictions:
    if abort is not None and abort.fired:
        raise ScoringTimeout("nobody waits for this any more")
    model = _model(served.loaded(member))
    if not rows:
        return _no_rows(model)
    try:
        return _checked(model.predict(inputs.features, inputs.params, abort), rows)
    except ModelNotReady:
        if not model.is_gone:
            raise
    # It had to make room for others in between.
    return _checked(_model(served.loaded(member)).predict(inputs.features, inputs.params, abort), rows)


def _no_rows(model: LoadedModel) -> Predictions:
    return Predictions(0, {output.name: np.empty(0) for output in model.flavor.outputs})


async def _called_online(
    served: ServedModel,
    model: LoadedModel,
    inputs: Inputs,
    rows: int,
    lanes: Lanes,
    deadline: float,
    inline_s: float,
) -> Predictions:
    """`inline_s`: what may be spent on the event loop."""
    if not rows:
        return _no_rows(model)
    if model.is_quick(inputs.features, rows, inline_s):
        return _checked(model.predict(inputs.features, inputs.params), rows)
    try:
        return _checked(await lanes.predict(model, inputs, deadline), rows)
    except ModelNotReady:
        if not model.is_gone:
            raise
    # It had to make room for others while the request waited.
    model, deadline = await _loaded(served, model.member, deadline)
    return _checked(await lanes.predict(model, inputs, deadline), rows)


def _checked(outputs: dict[str, Array], rows: int) -> Predictions:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise ScoringFailed(f"the output {name} does not have one entry for each of the {rows} rows")
    return Predictions(rows, outputs)
