"""What turned out to be right meets what was predicted."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.monitoring import feedback, results
from shared.monitoring.captured import is_sampled
from shared.monitoring.feedback import Feedback
from shared.ports import Container
from tests.unit.monitoring.watching import HOUR, Observatory, flowers

ASKED = {"output": "species", "accuracy": 0.8, "min_rows": 10, "ground_truth_delay_hours": 2}


def tell(observatory: Observatory, *truths: tuple[str, int, Any]) -> int:
    told = [{"request_id": request_id, "row": row, "ground_truth": truth} for request_id, row, truth in truths]
    document = Feedback.model_validate({"feedback": told})
    return feedback.save(observatory.store, "flowers", observatory.settings, document, observatory.now)


def predicted(observatory: Observatory, rows: int = 20) -> tuple[str, list[str]]:
    inputs, outputs = flowers(rows, seed=3)
    return observatory.answer(inputs, outputs), outputs["species"].tolist()


def performance(observatory: Observatory) -> dict[str, tuple[float, int, bool]]:
    observatory.pass_window()
    observatory.look()
    (result,) = results.page(observatory.store, "flowers", "blue", 1).results
    return {each.metric: (each.value, each.rows, each.is_violated) for each in result.model_performance}


@pytest.mark.parametrize(("wrong", "is_violated"), [(0, False), (4, False), (5, True)])
def test_accuracy_is_the_share_of_right_predictions(wrong: int, is_violated: bool) -> None:
    observatory = Observatory(model_performance=ASKED)
    request_id, species = predicted(observatory)
    tell(observatory, *((request_id, row, "other" if row < wrong else name) for row, name in enumerate(species)))
    assert performance(observatory) == {"accuracy": (1 - wrong / 20, 20, is_violated)}
    assert observatory.told("slipway.performance") == {("accuracy", str(is_violated)): 1 - wrong / 20}


def test_errors_are_those_of_numbers() -> None:
    asked = {"output": "delay", "mean_absolute_error": 2, "root_mean_squared_error": 2, "min_rows": 10}
    observatory = Observatory(model_performance=asked)
    request_id = observatory.answer({"x": [1.0] * 12}, {"delay": [5.0] * 12})
    told = [(request_id, row, truth) for row, truth in enumerate([5, 5, 5, 5, 5, 5, 5, 5, 5.0, 8.0, 11, "late"])]
    tell(observatory, *told)
    found = performance(observatory)
    assert found["mean_absolute_error"] == (9 / 11, 11, False)
    value, *rest = found["root_mean_squared_error"]
    assert value == pytest.approx((45 / 11) ** 0.5)
    assert rest == [11, True]


def test_errors_of_the_largest_numbers_are_a_result_too() -> None:
    asked = {"output": "delay", "mean_absolute_error": 2, "root_mean_squared_error": 2, "min_rows": 10}
    observatory = Observatory(model_performance=asked)
    request_id = observatory.answer({"x": [1.0] * 12}, {"delay": [1.7e308] * 12})
    tell(observatory, *((request_id, row, (-1) ** row * 1.7e308) for row in range(12)))
    found = performance(observatory)
    assert all(is_violated and 1e149 < value < 1e151 for value, _, is_violated in found.values())


def test_numbers_are_compared_to_the_last_digit() -> None:
    observatory = Observatory(model_performance={**ASKED, "output": "id"})
    request_id = observatory.answer({"x": [1] * 10}, {"id": [2**53 + 1] * 10})
    tell(observatory, *((request_id, row, 2**53 + row % 2) for row in range(10)))
    assert performance(observatory)["accuracy"] == (0.5, 10, True)


def test_a_truth_value_is_a_number_and_a_text_is_none() -> None:
    observatory = Observatory(model_performance={**ASKED, "output": "late"})
    request_id = observatory.answer({"x": [1] * 10}, {"late": [True] * 5 + [False] * 5})
    tell(observatory, *((request_id, row, truth) for row, truth in enumerate([1, 1.0, True, "1", 0] * 2)))
    assert performance(observatory)["accuracy"] == (0.4, 10, True)


def test_of_very_many_files_the_newest_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feedback, "_MOST_FILES", 10)
    observatory = Observatory(model_performance=ASKED)
    request_id, species = predicted(observatory)
    for row, name in enumerate(species):
        tell(observatory, (request_id, row, name if row >= 10 else "wrong"))
        observatory.now += timedelta(minutes=1)
    assert performance(observatory)["accuracy"] == (1, 10, False)


def test_a_truth_may_come_so_long_after_its_prediction_and_no_longer() -> None:
    observatory = Observatory(model_performance=ASKED)
    request_id, species = predicted(observatory)
    observatory.capture.flush()
    for hours, found in ((2, True), (1, False)):
        observatory.now += hours * HOUR
        tell(observatory, *((request_id, row, name) for row, name in enumerate(species)))
        told = performance(observatory)
        assert bool(told) == found
        observatory.now -= timedelta(minutes=6)


def test_of_two_truths_the_last_counts_and_a_repeated_one_once() -> None:
    observatory = Observatory(model_performance=ASKED)
    request_id, species = predicted(observatory)
    right = [(request_id, row, name) for row, name in enumerate(species)]
    for number in range(5):
        tell(observatory, *((request_id, row, f"wrong {number}") for row, _ in enumerate(species)))
        observatory.now += timedelta(seconds=1)
    tell(observatory, *right)
    tell(observatory, *right)
    assert performance(observatory)["accuracy"] == (1, 20, False)


def test_rows_of_large_requests_keep_their_numbers() -> None:
    observatory = Observatory(model_performance={**ASKED, "output": "y", "accuracy": 1})
    rows = 250
    request_id = observatory.answer({"x": list(range(rows))}, {"y": list(range(rows))})
    tell(observatory, *((request_id, row, row) for row in range(rows)))
    value, seen, _ = performance(observatory)["accuracy"]
    assert (value, seen) == (1, 84)  # every third


def test_truths_of_requests_that_were_not_kept_are_not_kept_either() -> None:
    observatory = Observatory(model_performance=ASKED, sampling_rate=0.5)
    ids = [observatory.answer({"x": [1.0]}, {"species": ["a"]}) for _ in range(200)]
    observatory.capture.flush()
    sampled = [each for each in ids if is_sampled(each, 0.5)]
    assert 60 < len(sampled) < 140
    assert tell(observatory, *((each, 0, "a") for each in ids)) == len(sampled)
    assert performance(observatory)["accuracy"] == (1, len(sampled), False)
    assert observatory.told("slipway.captured")


def test_truths_of_strangers_and_broken_lines_change_nothing() -> None:
    observatory = Observatory(model_performance=ASKED)
    request_id, species = predicted(observatory)
    tell(observatory, ("somebody-elses", 0, "x"), (request_id, 999, "x"))
    tell(observatory, *((request_id, row, name) for row, name in enumerate(species)))
    folder = observatory.now.strftime("flowers/_feedback/%Y/%m/%d/%H/")
    observatory.store.write(Container.CAPTURE, f"{folder}broken.jsonl", b'{"request_id": 1}\n\xff\n[[[')
    assert performance(observatory)["accuracy"] == (1, 20, False)


@pytest.mark.parametrize(
    "told",
    [
        {"feedback": []},
        {"feedback": [{"request_id": "", "ground_truth": 1}]},
        {"feedback": [{"request_id": "a", "row": -1, "ground_truth": 1}]},
        {"feedback": [{"request_id": "a", "ground_truth": None}]},
        {"feedback": [{"request_id": "a", "ground_truth": "x" * 101}]},
        {"feedback": [{"request_id": "a", "ground_truth": 1, "more": 1}]},
        {"feedback": [{"request_id": "a", "ground_truth": 1}] * 10_001},
        {},
    ],
)
def test_what_is_no_feedback_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Feedback.model_validate(told)


def test_no_number_that_is_not_finite_is_a_truth() -> None:
    for written in ("NaN", "Infinity", "1e999", "9" * 400):
        with pytest.raises(ValidationError):
            Feedback.model_validate_json(f'{{"feedback": [{{"request_id": "a", "ground_truth": {written}}}]}}')
