"""The one scoring path: online and batch requests alike come through `predict`."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import ScoringFailed, ScoringTimeout
from shared.models.loader import LoadedModel
from shared.models.signature import Features, count_rows

# Below this predicted cost a model runs on the event loop: a thread would cost more than it saves.
_INLINE_S: Final = 0.001


class Predictions(NamedTuple):
    """`outputs`: output name to array, `[rows]` or `[rows, ...]`."""

    rows: int
    outputs: dict[str, np.ndarray[Any, Any]]


def predict(model: LoadedModel, features: Features) -> Predictions:
    """Raises ScoringFailed when the model raises, or returns another number of rows than it was given."""
    rows = count_rows(features)
    if rows == 0:
        return Predictions(0, {name: np.empty(0) for name in model.flavor.outputs})
    started = time.perf_counter()
    outputs = model.flavor.predict(features)
    model.measured(rows, time.perf_counter() - started)
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != rows:
            raise ScoringFailed(f"the output {name} does not have one entry for each of the {rows} rows")
    return Predictions(rows, outputs)


async def predict_online(model: LoadedModel, features: Features, timeout_s: float) -> Predictions:
    """As `predict`, without holding the event loop up. Raises ScoringTimeout after `timeout_s`."""
    if model.row_s * count_rows(features) < _INLINE_S:
        return predict(model, features)
    return await in_thread(lambda: predict(model, features), timeout_s)


async def in_thread[T](work: Callable[[], T], timeout_s: float) -> T:
    """Raises ScoringTimeout after `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            return await asyncio.to_thread(work)
    except TimeoutError:
        raise ScoringTimeout(
            f"the model did not answer within {timeout_s:g} s: send fewer rows, or raise request_timeout_ms"
        ) from None
