"""From requests that were answered to what alerts look at."""

import logging

import pytest

from shared.errors import StorageUnavailable
from shared.monitoring import results
from shared.monitoring.profile import profile
from shared.monitoring.results import Result
from shared.monitoring.watch import Watcher
from shared.monitoring.windows import last_whole
from shared.ports import Blob, Container
from tests.unit.monitoring.test_metrics import read
from tests.unit.monitoring.watching import HOUR, Observatory, flowers


@pytest.fixture
def observatory() -> Observatory:
    return Observatory()


def ask(observatory: Observatory, rows: int, seed: int, shift: float = 0.0) -> None:
    """Requests of ten rows each."""
    inputs, outputs = flowers(rows, seed, shift)
    for at in range(0, rows, 10):
        columns = [{name: values[at : at + 10] for name, values in each.items()} for each in (inputs, outputs)]
        observatory.answer(*columns)


def newest(observatory: Observatory) -> Result:
    (result,) = results.page(observatory.store, "flowers", "blue", 1).results
    return result


def test_the_first_whole_window_is_the_baseline(observatory: Observatory) -> None:
    ask(observatory, 600, seed=1)
    observatory.pass_window()
    observatory.look()
    result = newest(observatory)
    assert (result.status, result.rows, result.model) == ("Baseline", 600, "iris/1")
    assert observatory.told("slipway.drift") == {
        ("data_drift", "petal_length", "False"): 0,
        ("data_drift", "origin", "False"): 0,
        ("prediction_drift", "species", "False"): 0,
    }


def test_a_window_like_the_first_is_ok(observatory: Observatory) -> None:
    for seed in (1, 2):
        ask(observatory, 600, seed)
        observatory.pass_window()
        observatory.look()
    result = newest(observatory)
    assert result.status == "Ok"
    assert all(0 < each.population_stability_index < 0.2 for each in (*result.data_drift, *result.prediction_drift))


def test_what_moves_is_told_by_feature_and_in_the_log(
    observatory: Observatory, caplog: pytest.LogCaptureFixture
) -> None:
    ask(observatory, 600, seed=1)
    observatory.pass_window()
    observatory.look()
    ask(observatory, 600, seed=2, shift=1.5)
    observatory.pass_window()
    with caplog.at_level(logging.INFO):
        observatory.look()
    assert newest(observatory).status == "Violated"
    told = observatory.told("slipway.drift")
    assert told["data_drift", "petal_length", "True"] > 1
    assert told["prediction_drift", "species", "True"] > 0.2
    assert ("data_drift", "origin", "True") not in told
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warnings == [
        "flowers/blue from 2026-03-02 01:00:00+00:00: Violated, 600 rows; drift of petal_length, species"
    ]


def test_a_reference_says_from_the_first_window_on_what_is_usual() -> None:
    trained, _ = flowers(5000, seed=7)
    observatory = Observatory(reference=profile({"petal_length": trained["petal_length"].tolist()}))
    ask(observatory, 600, seed=1, shift=1.5)
    observatory.pass_window()
    observatory.look()
    drift = {each.feature: each for each in newest(observatory).data_drift}
    assert drift["petal_length"].is_violated
    assert {name: each.compared_with for name, each in drift.items()} == {
        "petal_length": "reference",
        "origin": "baseline",
    }


def test_too_few_rows_say_nothing_and_make_no_baseline(observatory: Observatory) -> None:
    ask(observatory, 90, seed=1)
    observatory.pass_window()
    observatory.look()
    assert (newest(observatory).status, newest(observatory).rows) == ("TooFewRows", 90)
    assert observatory.told("slipway.drift") == {}
    assert not list(observatory.store.list(Container.METRICS, "flowers/blue/baselines/"))


def test_rows_of_an_earlier_model_do_not_count(observatory: Observatory) -> None:
    inputs, outputs = flowers(100, seed=1)
    observatory.answer(inputs, outputs, model="iris/0")
    observatory.answer(inputs, outputs)
    observatory.pass_window()
    observatory.look()
    assert newest(observatory).rows == 100


def test_a_window_is_told_at_every_tick_and_checked_once(observatory: Observatory) -> None:
    ask(observatory, 600, seed=1)
    observatory.pass_window()
    observatory.look()
    before = [item.etag for item in observatory.store.list(Container.METRICS)]
    ask(observatory, 600, seed=2)  # of the window that goes on
    observatory.look()
    observatory.look()
    assert [item.etag for item in observatory.store.list(Container.METRICS)] == before
    assert {sum(point.counts) for point in read(observatory.metrics)["slipway.drift"]} == {3}


def test_the_slower_of_two_takes_over_what_the_faster_found(observatory: Observatory) -> None:
    ask(observatory, 600, seed=1)
    observatory.pass_window()
    observatory.look()
    first = newest(observatory)
    window = last_whole(observatory.now, 1)
    other = first.model_copy(update={"rows": 1})
    assert results.create(observatory.store, window, other) == first


def test_a_target_that_cannot_be_looked_at_holds_up_none_of_the_others(
    observatory: Observatory, caplog: pytest.LogCaptureFixture
) -> None:
    class Down:
        def read(self, container: str, name: str, **named: object) -> Blob | None:
            if name.startswith("flowers/blue/"):
                raise StorageUnavailable("storage does not answer")
            return observatory.store.read(container, name)

        def __getattr__(self, name: str) -> object:
            return getattr(observatory.store, name)

    green = observatory.target._replace(deployment="green")
    observatory.pass_window()
    watcher = Watcher(Down(), lambda: observatory.now, observatory.metrics)  # type: ignore[arg-type]
    watcher.look([observatory.target, green], lambda: False)
    assert "flowers/blue is not looked at: storage does not answer" in caplog.text
    assert results.page(observatory.store, "flowers", "green", 1).results


def test_who_is_late_goes_on_at_the_next_tick(observatory: Observatory) -> None:
    observatory.pass_window()
    observatory.look(is_late=lambda: True)
    assert results.page(observatory.store, "flowers", "blue", 1).results == []
    observatory.look()
    assert newest(observatory).status == "TooFewRows"


def test_results_come_newest_first_page_by_page(observatory: Observatory) -> None:
    for _ in range(3):
        observatory.pass_window()
        observatory.look()
    first = results.page(observatory.store, "flowers", "blue", 2)
    rest = results.page(observatory.store, "flowers", "blue", 2, first.marker)
    starts = [each.window_start for each in (*first.results, *rest.results)]
    assert starts == sorted(starts, reverse=True)
    assert (starts[0] - starts[2], rest.marker) == (2 * HOUR, "")
