"""What becomes of windows and baselines where the endpoint's file, its models, or the endpoint itself change."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.endpoints.audit import Author
from shared.monitoring import results
from shared.monitoring.profile import profile
from shared.monitoring.results import Result
from shared.monitoring.settings import Monitoring
from shared.monitoring.watch import Watcher
from shared.ports import Container
from tests.unit.endpoints.desk import Desk
from tests.unit.endpoints.documents import NOW
from tests.unit.monitoring.watching import HOUR, Observatory, flowers


def change(observatory: Observatory, **settings: Any) -> None:
    observatory.settings = Monitoring.model_validate({"window_hours": 1, "min_rows": 100, **settings})


def history(observatory: Observatory) -> list[Result]:
    return results.page(observatory.store, "flowers", "blue", 100).results


def newest(observatory: Observatory) -> Result:
    return history(observatory)[0]


def pass_with(observatory: Observatory, seed: int, model: str = "iris/1", **inputs: Any) -> Result:
    """An hour of 300 rows, and what was found in it."""
    columns, outputs = flowers(300, seed)
    for at in range(0, 300, 100):
        part = [
            {name: values[at : at + 100] for name, values in each.items()} for each in ({**columns, **inputs}, outputs)
        ]
        observatory.answer(*part, model=model)
    observatory.pass_window()
    Watcher(observatory.store, lambda: observatory.now, observatory.metrics).look(
        [observatory.target._replace(model=model)], lambda: False
    )
    return newest(observatory)


def test_results_come_newest_first_whatever_the_length_of_their_windows() -> None:
    """From hours to days and back: a day is newer than the hours that it has, once it is over."""
    observatory = Observatory()
    for _ in range(3):
        pass_with(observatory, seed=1)
    change(observatory, window_hours=24)
    for _ in range(2):
        observatory.look()
        observatory.now += 24 * HOUR
    change(observatory, window_hours=1)
    observatory.look()
    ends = [(each.window_end - each.window_start, each.window_end) for each in history(observatory)]
    assert [end for _, end in ends] == sorted((end for _, end in ends), reverse=True)
    assert [length // HOUR for length, _ in ends] == [1, 24, 1, 1, 1, 24]


def test_the_baseline_of_an_hour_is_not_the_day_that_begins_with_it() -> None:
    observatory = Observatory()
    assert pass_with(observatory, seed=1).status == "Baseline"
    change(observatory, window_hours=24)
    observatory.now += timedelta(hours=24)
    observatory.look()
    assert newest(observatory).status == "Ok"
    assert newest(observatory).window_end - newest(observatory).window_start == 24 * HOUR


def test_a_model_that_comes_back_finds_its_baseline() -> None:
    observatory = Observatory()
    assert [pass_with(observatory, seed=1, model=each).status for each in ("iris/1", "iris/2", "iris/1")] == [
        "Baseline",
        "Baseline",
        "Ok",
    ]
    assert len(list(observatory.store.list(Container.METRICS, "flowers/blue/baselines/"))) == 2


def test_without_its_reference_a_feature_is_compared_with_the_baseline() -> None:
    usual, _ = flowers(1000, seed=9)
    observatory = Observatory(reference=profile({"petal_length": usual["petal_length"].tolist()}))
    pass_with(observatory, seed=1)
    with_reference = {each.feature: each.compared_with for each in newest(observatory).data_drift}
    change(observatory)
    without = {each.feature: each.compared_with for each in pass_with(observatory, seed=2).data_drift}
    assert with_reference == {"petal_length": "reference", "origin": "baseline"}
    assert without == {"petal_length": "baseline", "origin": "baseline"}


def test_a_feature_that_is_kept_no_more_is_compared_no_more() -> None:
    observatory = Observatory()
    pass_with(observatory, seed=1)
    change(observatory, features=["origin"])
    result = pass_with(observatory, seed=2)
    assert [each.feature for each in result.data_drift] == ["origin"]
    assert [each.feature for each in result.prediction_drift] == ["species"]


def test_a_column_that_few_requests_have_says_nothing() -> None:
    """Of a model without a signature, callers may send what they like."""
    observatory = Observatory()
    for seed in (1, 2):
        observatory.answer({"seldom": [seed] * 50}, {"species": ["virginica"] * 50})
        result = pass_with(observatory, seed=seed)
    assert "seldom" not in {each.feature for each in result.data_drift}
    assert result.rows == 350


def test_inputs_are_watched_where_all_outputs_are_tensors() -> None:
    observatory = Observatory()
    for shift, status in ((0, "Baseline"), (2, "Violated")):
        columns, _ = flowers(100, seed=3, shift=shift)
        for _ in range(3):
            observatory.answer(columns, {"probabilities": [[0.1, 0.9]] * 100})
        observatory.pass_window()
        observatory.look()
        assert (newest(observatory).rows, newest(observatory).status) == (300, status)


def test_an_endpoint_that_is_made_anew_begins_without_what_was_found_of_the_old_one() -> None:
    desk, ann = Desk(), Author("ann", NOW)
    desk.publish("blue", monitoring={})
    others = ("flowers-2/blue/results/1.json", "other/blue/baselines/iris/1.json")
    for name in (*others, "flowers/blue/results/1.json", "flowers/blue/baselines/iris/1.json"):
        desk.store.write(Container.METRICS, name, b"{}")
    desk.publish("blue", "green", monitoring={})
    assert len(desk.blobs(Container.METRICS)) == 4
    desk.changes.delete("flowers", ann)
    assert len(desk.blobs(Container.METRICS)) == 4
    desk.publish("blue", monitoring={})
    assert desk.blobs(Container.METRICS) == sorted(others)


def test_a_watcher_forgets_what_is_gone() -> None:
    observatory = Observatory()
    watcher = Watcher(observatory.store, lambda: observatory.now, observatory.metrics)
    green = observatory.target._replace(deployment="green")
    watcher.look([observatory.target, green], lambda: False)
    observatory.store.delete_all(Container.METRICS, [item.name for item in observatory.store.list(Container.METRICS)])
    watcher.look([green], lambda: False)
    assert results.page(observatory.store, "flowers", "green", 1).results == []
    watcher.look([observatory.target, green], lambda: False)
    assert len(history(observatory)) == 1


def test_windows_and_delays_that_are_longer_than_requests_are_kept_are_refused() -> None:
    def settings(window_hours: int, delay: int) -> Monitoring:
        asked = {"output": "y", "accuracy": 0.5, "ground_truth_delay_hours": delay}
        return Monitoring.model_validate({"window_hours": window_hours, "model_performance": asked})

    assert settings(24, 672).window_hours == settings(168, 551).window_hours - 144
    with pytest.raises(ValidationError, match="at most 719 together"):
        settings(168, 552)


def test_performance_of_jobs_alone_is_refused_as_their_rows_have_no_request() -> None:
    with pytest.raises(ValidationError, match="needs online among the sources"):
        Monitoring.model_validate({"sources": ["batch"], "model_performance": {"output": "y", "accuracy": 0.5}})
