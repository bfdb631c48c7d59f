"""What speaks for a platform, and which is chosen."""

from typing import Any

import pytest

from cli.advice import preferences
from cli.advice.demand import demand_of
from cli.advice.preferences import Case, choose, findings
from cli.advice.records import Finding, Platform
from tests.unit.cli.advice.cases import MEASURED, STORED, answers


def case(here: float | None = 10, there: float | None = 20, **given: Any) -> Case:
    asked = answers(**given)
    return Case(asked, demand_of(asked), MEASURED, here, there)


def obstacle(platform: Platform) -> Finding:
    return Finding(rule="gpu", platform=platform, decides=True, told="It cannot.")


def says(told: preferences.Told) -> Platform | None:
    return None if told is None else told[0]


@pytest.mark.parametrize(
    ("here", "there", "platform"),
    [(10, 20, "functions"), (10, 10, "functions"), (20, 10, "azureml"), (None, 10, None), (10, None, None)],
)
def test_what_costs_less_is_preferred(here: float | None, there: float | None, platform: Platform | None) -> None:
    assert says(preferences.cost(case(here, there))) == platform


@pytest.mark.parametrize(
    ("operations", "there", "platform"),
    [("none", 12.5, "azureml"), ("none", 12.6, None), ("none", 9, None), ("part_time", 12, None), ("team", 12, None)],
)
def test_where_nobody_looks_after_an_app_azure_ml_may_cost_a_quarter_more(
    operations: str, there: float, platform: Platform | None
) -> None:
    assert says(preferences.unattended(case(10, there, operations=operations))) == platform


@pytest.mark.parametrize(("peak", "platform"), [(9.9, None), (10, "functions")])
def test_a_peak_of_ten_times_the_average_speaks_for_functions(peak: float, platform: Platform | None) -> None:
    assert says(preferences.spiky(case(requests_per_day=86_400, peak_requests_per_s=peak))) == platform


def test_rules_of_requests_and_of_jobs_keep_to_their_own() -> None:
    online, batch = case(), case(**STORED, start="drop")
    assert says(preferences.always_paid(online)) == "functions"
    assert says(preferences.never_cold(online)) == "azureml"
    assert says(preferences.job_starts_at_once(online)) is None
    assert says(preferences.dropped_files(online)) is None
    assert says(preferences.always_paid(batch)) is None
    assert says(preferences.never_cold(batch)) is None
    assert says(preferences.spiky(batch)) is None
    assert says(preferences.job_starts_at_once(batch)) == "functions"
    assert says(preferences.dropped_files(batch)) == "functions"


def test_only_a_dropped_file_speaks_for_dropped_files() -> None:
    assert preferences.dropped_files(case(**STORED, start="schedule")) is None


@pytest.mark.parametrize("operations", ["none", "part_time", "team"])
def test_a_platform_of_ones_own_always_has_its_price(operations: str) -> None:
    assert says(preferences.runs_itself(case(operations=operations))) == "azureml"


def test_what_costs_less_is_chosen() -> None:
    assert choose((), findings(case(10, 20))) == "functions"
    assert choose((), findings(case(20, 10))) == "azureml"


def test_a_finding_that_decides_goes_before_costs() -> None:
    assert choose((), findings(case(10, 12, operations="none"))) == "azureml"


def test_what_is_ruled_out_is_not_chosen_whatever_it_costs() -> None:
    assert choose((obstacle("functions"),), findings(case(None, 20))) == "azureml"
    assert choose((obstacle("azureml"),), findings(case(10, None, operations="none"))) == "functions"


def test_where_neither_is_left_it_is_azure_ml() -> None:
    assert choose((obstacle("azureml"), obstacle("functions")), findings(case(None, None))) == "azureml"
