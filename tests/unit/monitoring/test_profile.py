"""Bins: every value is in one, and in the same one however it came."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.monitoring.captured import Answer, Record, keep
from shared.monitoring.drift import distance
from shared.monitoring.profile import FeatureProfile, Profile, Value, counts, feature_profile, profile

NUMBERS = st.one_of(st.integers(), st.floats(), st.integers(-3, 3), st.just(10**400), st.just(-(10**400)))
ANYTHING = st.one_of(NUMBERS, st.booleans(), st.none(), st.text(max_size=150), st.sampled_from("abc"))
COLUMNS = st.one_of(st.lists(ANYTHING), st.lists(NUMBERS), st.lists(st.sampled_from("abc"), max_size=200))


@given(COLUMNS, COLUMNS)
def test_every_value_is_in_one_bin(expected: list[Value], actual: list[Value]) -> None:
    made = feature_profile(expected)
    assert sum(made.counts) == len(expected)
    assert sum(counts(made, actual)) == len(actual)
    assert counts(made, expected) == made.counts


@given(st.dictionaries(st.text(max_size=5), st.lists(ANYTHING, min_size=1), min_size=1, max_size=4))
def test_a_profile_is_the_same_once_it_was_written_and_read(columns: dict[str, list[Value]]) -> None:
    made = profile(columns)
    assert Profile.model_validate_json(made.model_dump_json()) == made
    assert Profile.model_validate(json.loads(json.dumps(made.model_dump(mode="json")))) == made


def test_numbers_are_divided_by_deciles_and_what_was_never_seen_has_bins_of_its_own() -> None:
    made = feature_profile([float(value) for value in range(1001)])
    assert made.counts == (0, *(101, *(100,) * 9), 0, 0)
    assert counts(made, [-1, -0.001, 0, 100, 100.1, 1000, 1000.1, None, math.nan, math.inf, "text", 10**400]) == (
        *(2, 2, 1),
        *(0,) * 7,
        *(1, 1, 5),
    )


def test_a_value_that_most_rows_have_has_a_bin_of_its_own() -> None:
    """Zero, of amounts that are mostly nothing: the least value is a decile, too."""
    random = np.random.default_rng(1)
    for share in (0.2, 0.8, 0.97):
        made = feature_profile(np.where(random.random(1000) < share, 0, random.exponential(1, 1000)).tolist())
        more = counts(made, np.where(random.random(500) < share / 2, 0, random.exponential(1, 500)).tolist())
        assert distance(made.counts, more).population_stability_index > 0.03 + (share > 0.5) / 2


@pytest.mark.parametrize("values", [[0.1, 0.2, 0.7] * 100, [number / 10 for number in range(300)]])
def test_a_number_of_32_bits_is_where_the_same_one_of_64_bits_is(values: list[float]) -> None:
    short = np.array(values, np.float32).tolist()
    assert short != values
    assert counts(feature_profile(values), short) == feature_profile(values).counts
    assert counts(feature_profile(short), values) == feature_profile(values).counts


@pytest.mark.parametrize(
    ("table", "array"),
    [
        ([1, 2] * 50, np.array([1.0, 2.0] * 50)),
        ([1.0, 2.0] * 50, np.array([1, 2] * 50, np.uint8)),
        ([0.0, 1.0] * 50, np.array([-0.0, 1.0] * 50)),
        ([True, False] * 50, np.array([True, False] * 50)),
        (["a", None] * 50, np.array(["a", None] * 50, object)),
        (["é" * 120, "\N{GRINNING FACE}"] * 50, np.array(["é" * 120, "\N{GRINNING FACE}"] * 50)),
        ([0.5, math.nan, math.inf] * 33, np.array([0.5, math.nan, -math.inf] * 33, np.float32)),
        ([2**63, 2**40, 0] * 33, np.array([2**63, 2**40, 0] * 33, np.uint64)),
        ([number * 1.1 for number in range(100)], np.arange(100) * 1.1),
    ],
)
def test_values_of_a_table_and_of_requests_are_in_the_same_bins(
    table: list[Value], array: np.ndarray[Any, Any]
) -> None:
    line = keep(Answer("flowers", "blue", "a", "iris/1", {"x": array}, {}), datetime.now(UTC)).line
    asked = Record.model_validate_json(line).inputs["x"]
    assert counts(feature_profile(table), asked) == feature_profile(table).counts
    assert feature_profile(asked) == feature_profile(table)


def test_a_number_a_text_and_a_truth_value_are_three_values() -> None:
    made = feature_profile([1] * 30 + ["1"] * 20 + [True] * 40)
    assert (made.categories, made.counts) == (("true", "1.0", "1"), (40, 30, 20, 0, 0))


def test_of_ids_and_rare_values_no_bin_is_made() -> None:
    assert feature_profile([f"id {number}" for number in range(1000)]).categories == ()
    assert feature_profile(["a"] * 1980 + ["b"] * 20).categories == ("a", "b")
    assert feature_profile(["a"] * 1981 + ["b"] * 19).categories == ("a",)
    assert feature_profile(["a"] * 100 + ["b"] * 14).categories == ("a",)


@pytest.mark.parametrize(
    "told",
    [
        {"edges": [1, 2], "categories": ["a"], "counts": [0] * 5},
        {"edges": [2, 1], "counts": [0] * 4},
        {"edges": [1, 1], "counts": [0] * 4},
        {"edges": [1], "counts": [0] * 2},
        {"counts": [-1, 0]},
        {"counts": [10**400, 0]},
    ],
)
def test_what_is_no_profile_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FeatureProfile.model_validate(told)
