"""How far a converted graph is from the model that it was made of."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from shared.models.signature import Array

TOLERANCE: Final = 1e-5
"""Of probabilities as they are, of numbers in parts of the largest one.

float32 has seven digits; what sums over features and trees lose leaves five.
"""


LABEL: Final = "label"
PROBABILITIES: Final = "probabilities"
VARIABLE: Final = "variable"
"""skl2onnx's names of what a classifier and a regressor return."""


class Difference(NamedTuple):
    """Of one output. `largest`: of a label 1 where a row has another one, else 0; `beyond`: rows over the tolerance."""

    output: str
    largest: float
    beyond: int


class Agreement(NamedTuple):
    rows: int
    tolerance: float
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        return not any(each.beyond for each in self.differences)

    def spelled(self) -> str:
        """What is over the tolerance, for a message."""
        return ", ".join(
            f"{each.output}{'' if each.output == LABEL else f' by up to {each.largest:.1e}'} in {each.beyond} "
            f"of {self.rows} rows"
            for each in self.differences
            if each.beyond
        )


def joined(agreements: Iterable[Agreement]) -> Agreement:
    """Of many models that were converted: the largest differences of all."""
    each = list(agreements)
    outputs = dict.fromkeys(one.output for agreement in each for one in agreement.differences)
    differences = (
        max((one for agreement in each for one in agreement.differences if one.output == output), key=_largest)
        for output in outputs
    )
    return Agreement(sum(agreement.rows for agreement in each), each[0].tolerance, tuple(differences))


def _largest(difference: Difference) -> float:
    return difference.largest


def compare(original: Mapping[str, Array], converted: Mapping[str, Array], tolerance: float) -> Agreement:
    """By name: `label` `[rows]`, `probabilities` `[rows, classes]`, `variable` `[rows]` or `[rows, targets]`."""
    found = {name: _differences(name, values, converted[name]) for name, values in original.items()}
    if LABEL in found and PROBABILITIES in original:
        # Which of two classes with the same probability is named, is chance.
        found[LABEL][_ties(original[PROBABILITIES], tolerance)] = 0.0
    rows = len(next(iter(original.values())))
    differences = (
        Difference(name, float(each.max(initial=0.0)), int((each > tolerance).sum())) for name, each in found.items()
    )
    return Agreement(rows, tolerance, tuple(differences))


def _differences(name: str, original: Array, converted: Array) -> Array:
    """The largest of each row, `[rows]`."""
    rows = len(original)
    if name == LABEL:
        if original.dtype.kind in "biuf" and converted.dtype.kind in "biuf":
            differs = original.reshape(rows) != converted.reshape(rows)
        else:
            differs = original.reshape(rows).astype(str) != converted.reshape(rows).astype(str)
        return np.where(differs, 1.0, 0.0)
    before = original.reshape(rows, -1).astype(np.float64)
    after = converted.reshape(rows, -1).astype(np.float64)
    if before.shape != after.shape:
        return np.full(rows, np.inf)
    scale = 1.0
    if name != PROBABILITIES:
        scale = float(np.abs(before[np.isfinite(before)]).max(initial=0.0)) or 1.0
    with np.errstate(invalid="ignore"):  # infinity less itself
        gaps = np.abs(before - after) / scale
    gaps[(before == after) | (np.isnan(before) & np.isnan(after))] = 0.0
    return np.nan_to_num(gaps, nan=np.inf, posinf=np.inf).max(axis=1)


def _ties(probabilities: Array, tolerance: float) -> Array:
    """`[rows]`: whether the two best classes are as near to each other as the two models may be."""
    best = np.sort(probabilities, axis=1)[:, -2:]
    return np.asarray(best[:, -1] - best[:, 0] <= 2 * tolerance) if best.shape[1] == 2 else np.zeros(len(best), bool)
