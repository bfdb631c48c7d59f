"""How far apart two distributions over the same bins are."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from shared.monitoring.profile import FeatureProfile, Value, counts
from shared.monitoring.settings import DriftThresholds

# Added to each bin, so that one that is empty by chance is no infinite distance. Half a value, Jeffreys' prior, of the
# smaller of the two: the same share of both, or equal shares would be apart.
_PRIOR: Final = 0.5


class Distance(NamedTuple):
    """Both are 0 for equal shares. The index has no upper bound; the distance is at most 1, its logarithm's base 2."""

    population_stability_index: float
    jensen_shannon_distance: float

    def is_over(self, thresholds: DriftThresholds) -> bool:
        pairs = (
            (self.population_stability_index, thresholds.population_stability_index),
            (self.jensen_shannon_distance, thresholds.jensen_shannon_distance),
        )
        return any(most is not None and found > most for found, most in pairs)


def distance(expected: Sequence[int], actual: Sequence[int]) -> Distance:
    """Of counts by bin, `[bins]` each.

    Sources: B. Yurdakul, Statistical properties of the population stability index, 2018, equation 1.1; J. Lin,
    Divergence measures based on the Shannon entropy, 1991, of which the distance is the square root.
    """
    prior = _PRIOR / max(1, min(sum(expected), sum(actual)))
    p, q = _shares(expected, prior), _shares(actual, prior)
    index = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    divergence = sum(_divergence(a, b) for a, b in zip(p, q, strict=True))
    return Distance(index, math.sqrt(min(max(divergence, 0.0), 1.0)))


def distances(expected: Mapping[str, FeatureProfile], actual: Mapping[str, Sequence[Value]]) -> dict[str, Distance]:
    """Of each feature that both have."""
    return {
        name: distance(profile.counts, counts(profile, actual[name]))
        for name, profile in expected.items()
        if name in actual
    }


def _shares(counted: Sequence[int], prior: float) -> list[float]:
    rows = max(1, sum(counted))
    weights = [count / rows + prior for count in counted]
    total = sum(weights)
    return [weight / total for weight in weights]


def _divergence(a: float, b: float) -> float:
    middle = (a + b) / 2
    return (a * math.log2(a / middle) + b * math.log2(b / middle)) / 2
