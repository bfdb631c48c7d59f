"""How right predictions were, once the ground truth is known."""

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from shared.monitoring.profile import Value
from shared.monitoring.settings import ModelPerformance

# No sum of so many squares is infinite.
_LARGEST_ERROR: Final = 1e150

type Metric = Literal["accuracy", "mean_absolute_error", "root_mean_squared_error"]


class Pair(NamedTuple):
    predicted: Value
    actual: Value


class Measured(NamedTuple):
    """`rows`: those that the metric could be taken of."""

    metric: Metric
    value: float
    rows: int
    is_violated: bool


def measure(pairs: Sequence[Pair], asked: ModelPerformance) -> list[Measured]:
    """The metrics that have a threshold, where there are rows enough for them."""
    errors = [error for pair in pairs if (error := _error(pair)) is not None]
    found: list[Measured] = []
    if asked.accuracy is not None and len(pairs) >= asked.min_rows:
        right = sum(_is_same(pair) for pair in pairs) / len(pairs)
        found.append(Measured("accuracy", right, len(pairs), right < asked.accuracy))
    if len(errors) < asked.min_rows:
        return found
    if asked.mean_absolute_error is not None:
        mean = math.fsum(map(abs, errors)) / len(errors)
        found.append(Measured("mean_absolute_error", mean, len(errors), mean > asked.mean_absolute_error))
    if asked.root_mean_squared_error is not None:
        root = math.sqrt(math.fsum(error * error for error in errors) / len(errors))
        found.append(Measured("root_mean_squared_error", root, len(errors), root > asked.root_mean_squared_error))
    return found


def _error(pair: Pair) -> float | None:
    """None where one of the two is no number."""
    if not isinstance(pair.predicted, (int, float)) or not isinstance(pair.actual, (int, float)):
        return None
    return max(-_LARGEST_ERROR, min(_LARGEST_ERROR, float(pair.predicted) - float(pair.actual)))


def _is_same(pair: Pair) -> bool:
    """True is 1, as labels are written in either way."""
    return pair.predicted is not None and pair.predicted == pair.actual
