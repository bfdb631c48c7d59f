"""What counts as the same answer."""

from typing import Any

import numpy as np
import pytest

from cli.sources.agreement import compare


def beyond(output: str, original: list[Any], converted: list[Any]) -> int:
    agreement = compare({output: np.array(original)}, {output: np.array(converted)}, 1e-5)
    return agreement.differences[0].beyond


@pytest.mark.parametrize(
    ("output", "original", "converted", "expected"),
    [
        ("label", [0, 1, 2], [0, 1, 2], 0),
        ("label", [0, 1, 2], [0, 1, 1], 1),
        ("label", [False, True], [0, 1], 0),
        ("label", ["a", "b"], ["a", "c"], 1),
        ("probabilities", [[0.5, 0.5]], [[0.500009, 0.499991]], 0),
        ("probabilities", [[0.5, 0.5]], [[0.5001, 0.4999]], 1),
        ("variable", [1e6, 1.0], [1e6 + 5, 1.0], 0),
        ("variable", [1e-6, 1e-7], [1e-6, 2e-7], 1),
        ("variable", [1.0, np.nan], [1.0, np.nan], 0),
        ("variable", [1.0, np.nan], [1.0, 2.0], 1),
        ("variable", [np.inf, 1.0], [np.inf, np.nan], 1),
        ("variable", [0.0, 0.0], [0.0, 0.0], 0),
        ("variable", [[1.0, 2.0]], [[1.0]], 1),
    ],
)
def test_labels_are_compared_exactly_and_numbers_by_the_largest(
    output: str, original: list[Any], converted: list[Any], expected: int
) -> None:
    assert expected == beyond(output, original, converted)


def test_which_of_two_equal_classes_is_named_does_not_count() -> None:
    original = {"label": np.array([0, 0]), "probabilities": np.array([[0.5, 0.5], [0.6, 0.4]])}
    converted = {"label": np.array([1, 1]), "probabilities": original["probabilities"]}
    agreement = compare(original, converted, 1e-5)
    assert [each.beyond for each in agreement.differences] == [1, 0]
    assert agreement.spelled() == "label in 1 of 2 rows"
    assert not agreement.holds
