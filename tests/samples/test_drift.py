"""What monitoring says of the months of real flights, with January as the reference."""

from typing import Any, Final

import pytest

from samples.flights import data
from shared.monitoring.drift import Distance, distances
from shared.monitoring.profile import Profile, Value, profile
from shared.monitoring.settings import DriftThresholds

_FEATURES: Final = ("carrier", "origin", "dest", "dep_delay", "distance", "hour", "weekday")
_DEFAULTS: Final = DriftThresholds()


def columns(flights: Any) -> dict[str, list[Value]]:
    return {name: [None if value != value else value for value in flights[name].tolist()] for name in _FEATURES}


@pytest.fixture(scope="module")
def year() -> Any:
    return data.load()


@pytest.fixture(scope="module")
def january(year: Any) -> Profile:
    return profile(columns(data.month(year, 1)))


def against(january: Profile, flights: Any) -> dict[str, Distance]:
    return distances(january.features, columns(flights))


def test_a_year_of_flights_moves_with_the_seasons_and_raises_no_alarm(year: Any, january: Profile) -> None:
    months = {month: against(january, data.month(year, month)) for month in range(2, 13)}
    assert not [each for found in months.values() for each in found.values() if each.is_over(_DEFAULTS)]
    delays = {month: found["dep_delay"].population_stability_index for month, found in months.items()}
    assert sorted(delays, key=lambda month: -delays[month])[:3] == [12, 7, 6]
    assert delays[12] > 3 * delays[8]


@pytest.mark.parametrize("rows", [500, 5000])
@pytest.mark.parametrize("seed", range(5))
def test_a_sample_of_the_same_month_raises_no_alarm(year: Any, january: Profile, rows: int, seed: int) -> None:
    found = against(january, data.month(year, 1).sample(rows, random_state=seed))
    assert not [name for name, each in found.items() if each.is_over(_DEFAULTS)]


@pytest.mark.parametrize(
    ("feature", "change"),
    [
        ("dep_delay", lambda values: values + 10),  # minutes
        ("distance", lambda values: values * 1.609),  # km for miles
        ("hour", lambda values: (values + 5) % 24),  # UTC for New York
        ("carrier", lambda values: values.str.lower()),
        ("origin", lambda values: values.where(values != "JFK")),  # no more of one airport
        ("weekday", lambda values: values - 1),  # from 0 for from 1
    ],
)
def test_mistakes_that_pipelines_make_are_found_in_their_feature(
    year: Any, january: Profile, feature: str, change: Any
) -> None:
    flights = data.month(year, 1).sample(2000, random_state=1).copy()
    flights[feature] = change(flights[feature])
    found = against(january, flights)
    assert [name for name, each in found.items() if each.is_over(_DEFAULTS)] == [feature]
