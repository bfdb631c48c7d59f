"""The whole advice: where it recommends what, and that it holds together."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from cli.advice.advise import advise
from cli.advice.answers import Answers
from cli.advice.records import Advice, Estimate
from tests.unit.cli.advice.cases import STORED, answers
from tests.unit.cli.advice.strategies import ANSWERS

STEADY: dict[str, Any] = {
    "requests_per_day": 8_000_000,
    "peak_requests_per_s": 120,
    "cpu_s_per_1000_rows": 20,
    "answer_within_s": 1,
}


def costs(advice: Advice) -> tuple[Estimate, Estimate]:
    functions, azureml = advice.costs
    return functions, azureml


@pytest.mark.parametrize(
    ("given_", "choice", "platform"),
    [
        ({}, "real-time", "functions"),
        ({"requests_per_day": 20, "answer_within_s": 60}, "real-time", "functions"),
        (STEADY, "real-time", "azureml"),
        ({"gpu": True}, "real-time", "azureml"),
        ({"memory_mb": 8000}, "real-time", "azureml"),
        ({"use": "stored", "jobs_per_day": 1, "rows_per_job": 1_000_000}, "batch", "functions"),
        ({"answer_within_s": "6 h", "requests_per_day": 50_000}, "batch", "functions"),
        ({"use": "both", "jobs_per_day": 1, "rows_per_job": 1_000_000}, "both", "functions"),
        ({**STORED, "job_within_s": 20}, "batch", "azureml"),
        ({"peak_requests_per_s": 800, "requests_per_day": 1000}, "real-time", "functions"),
    ],
)
def test_it_recommends(given_: dict[str, Any], choice: str, platform: str) -> None:
    advice = advise(answers(**given_))
    assert (advice.choice, advice.platform) == (choice, platform)


def test_under_a_steady_load_azure_ml_wins_by_the_prices() -> None:
    functions, azureml = costs(advise(answers(**STEADY)))
    assert functions.monthly_usd is not None
    assert azureml.monthly_usd is not None
    assert azureml.monthly_usd < functions.monthly_usd


def test_a_short_deadline_with_rare_calls_has_a_ready_instance_in_its_price() -> None:
    soon, later = (advise(answers(requests_per_day=20, answer_within_s=within)) for within in (1, 120))
    assert [costs(advice)[0].instances for advice in (soon, later)] == [1, 0]
    assert any("always-ready instance is in its price" in reason for reason in soon.reasons)


def test_what_cannot_run_has_no_price_and_says_why() -> None:
    advice = advise(answers(gpu=True))
    functions, azureml = costs(advice)
    assert (functions.monthly_usd, functions.lines) == (None, ())
    assert azureml.monthly_usd is not None
    assert "The model needs a GPU, and Azure Functions has none." in advice.reasons


def test_it_also_says_what_speaks_against_it() -> None:
    assert any("Slipway must be deployed" in told for told in advise(answers()).against)
    assert any("paid day and night" in told for told in advise(answers(gpu=True)).against)


def test_the_price_of_ready_instances_is_told_even_where_azure_ml_is_chosen() -> None:
    assert any("always-ready" in told for told in advise(answers(**STEADY)).warnings)


def test_it_is_dumped_as_json_and_read_again() -> None:
    advice = advise(answers(**{**STORED, "use": "both"}))
    assert Advice.model_validate(json.loads(advice.model_dump_json())) == advice


@pytest.mark.parametrize("use", ["now", "stored", "both"])
@pytest.mark.parametrize("amount", [0, 1e-9, 1e12])
def test_the_least_and_the_most_that_can_be_answered_is_advised_on(use: str, amount: float) -> None:
    numbers = {"requests_per_day": 1e12, "jobs_per_day": 1e12, "rows_per_job": 10**12, "rows_per_request": 10**9}
    asked = answers(use=use, cpu_s_per_1000_rows=amount, memory_mb=0, model_mb=1e7, peak_requests_per_s=1e12, **numbers)
    assert advise(asked).model_dump_json()
    few = answers(use=use, cpu_s_per_1000_rows=amount, requests_per_day=1e-9, jobs_per_day=1e-9, rows_per_job=1)
    assert advise(few).model_dump_json()


@given(asked=ANSWERS)
@settings(max_examples=200)
def test_there_is_always_an_answer_that_holds_together(asked: Answers) -> None:
    advice = advise(asked)
    functions, azureml = costs(advice)
    assert (functions.platform, azureml.platform) == ("functions", "azureml")
    assert advice.reasons
    assert advice.against
    for estimate in advice.costs:
        total = sum(line.monthly_usd for line in estimate.lines)
        assert estimate.monthly_usd is None or abs(estimate.monthly_usd - total) < 1e-6 * (1 + total)
    if functions.monthly_usd is not None and azureml.monthly_usd is not None and asked.operations != "none":
        assert (advice.platform == "functions") == (functions.monthly_usd <= azureml.monthly_usd)
    for start in advice.cold_starts:
        assert 0 <= start.low_s <= start.high_s
