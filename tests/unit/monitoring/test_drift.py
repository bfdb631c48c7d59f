"""Distances, against their textbook forms, and what they make of chance and of shifts."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.monitoring.drift import distance
from shared.monitoring.profile import Value, counts, feature_profile

type Draw = Callable[[np.random.Generator, int], list[Value]]

COUNTS = st.integers(2, 32).flatmap(
    lambda bins: st.tuples(*[st.lists(st.integers(0, 2**53), min_size=bins, max_size=bins)] * 2)
)


@given(COUNTS)
def test_a_distance_is_symmetric_finite_and_0_for_equal_counts(counted: tuple[list[int], list[int]]) -> None:
    expected, actual = counted
    found, back = distance(expected, actual), distance(actual, expected)
    assert found == pytest.approx(back, rel=1e-9, abs=1e-12)
    assert 0 <= found.population_stability_index < math.inf
    assert 0 <= found.jensen_shannon_distance <= 1
    assert distance(expected, expected) == (0, 0)


@given(COUNTS)
def test_distances_are_those_of_the_shares_with_half_a_row_more_in_each_bin(
    counted: tuple[list[int], list[int]],
) -> None:
    sizes = [max(1, sum(each)) for each in counted]
    shares = [np.array(each) / size + 0.5 / min(sizes) for each, size in zip(counted, sizes, strict=True)]
    p, q = (each / each.sum() for each in shares)

    def entropy(of: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(-np.sum(of * np.log2(of)))

    divergence = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
    found = distance(*counted)
    assert found.population_stability_index == pytest.approx(np.sum((p - q) * np.log(p / q)), rel=1e-6, abs=1e-9)
    assert found.jensen_shannon_distance**2 == pytest.approx(divergence, rel=1e-6, abs=1e-9)


def test_equal_shares_are_not_apart_however_many_rows_there_are() -> None:
    assert distance([50, 50, 0, 0], [5_000_000, 5_000_000, 0, 0]) == pytest.approx((0, 0), abs=1e-12)


def words(many: int) -> Draw:
    return lambda random, rows: [f"word {each}" for each in random.integers(0, many, rows)]


CHANCE: dict[str, Draw] = {
    "normal": lambda random, rows: random.normal(size=rows).tolist(),
    "truth values": lambda random, rows: (random.random(rows) < 0.3).tolist(),
    "constant": lambda random, rows: [3] * rows,
    "ids": words(10**9),
    "mostly zero": lambda random, rows: np.where(random.random(rows) < 0.9, 0, random.normal(size=rows)).tolist(),
    "hours": lambda random, rows: random.integers(0, 24, rows).tolist(),
    "counts": lambda random, rows: random.poisson(50, rows).tolist(),
    "few texts": words(5),
    "more texts than bins": words(60),
    "many texts": words(100),
    "very many texts": words(200),
    "missing": lambda random, rows: [each if each > -1 else None for each in random.normal(size=rows)],
}


@pytest.mark.parametrize("rows", [500, 50_000], ids=["baseline", "reference"])
@pytest.mark.parametrize("draw", CHANCE.values(), ids=CHANCE)
def test_chance_alone_is_within_the_default_threshold(draw: Draw, rows: int) -> None:
    """Of 40 windows of as many rows as they have at least: with twelve bins the index is about what the docs say."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(40 if rows < 1000 else 2):
        made = feature_profile(draw(random, rows))
        found += [distance(made.counts, counts(made, draw(random, 500))) for _ in range(1 if rows < 1000 else 20)]
    indexes = [each.population_stability_index for each in found]
    assert max(indexes) < 0.2
    bins = sum(each > 0 for each in made.counts)
    assert np.mean(indexes) < 2 * bins * (1 / rows + 1 / 500)


SHIFTS: dict[str, tuple[Draw, Draw]] = {
    "mean": (CHANCE["normal"], lambda random, rows: random.normal(0.7, 1, rows).tolist()),
    "spread": (CHANCE["normal"], lambda random, rows: random.normal(0, 2, rows).tolist()),
    "unit": (CHANCE["counts"], lambda random, rows: (random.poisson(50, rows) * 25.4).tolist()),
    "truth values": (CHANCE["truth values"], lambda random, rows: (random.random(rows) < 0.6).tolist()),
    "constant": (CHANCE["constant"], lambda random, rows: [4] * rows),
    "zeros": (CHANCE["mostly zero"], CHANCE["normal"]),
    "now missing": (
        CHANCE["normal"],
        lambda random, rows: [None] * (rows // 5) + random.normal(size=4 * rows // 5).tolist(),
    ),
    "new texts": (CHANCE["few texts"], words(10)),
    "now texts": (CHANCE["hours"], CHANCE["few texts"]),
}


@pytest.mark.parametrize(("before", "after"), SHIFTS.values(), ids=SHIFTS)
def test_a_shift_is_over_the_default_threshold(before: Draw, after: Draw) -> None:
    random = np.random.default_rng(5)
    made = feature_profile(before(random, 500))
    assert distance(made.counts, counts(made, after(random, 500))).population_stability_index > 0.2
