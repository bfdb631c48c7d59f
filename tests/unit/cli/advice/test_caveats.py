"""What the figures do not say is said."""

from typing import Any

import pytest

from cli.advice.advise import advise
from cli.advice.figures import figures_of, load_measured, load_prices
from tests.unit.cli.advice.cases import STORED, answers


def told(**given: Any) -> str:
    return " ".join(advise(answers(**given)).warnings)


def test_every_assumption_is_named_with_its_value_and_basis() -> None:
    assumed = {
        name: figure
        for name, figure in (figures_of(load_prices()) | figures_of(load_measured())).items()
        if figure.assumed
    }
    text = told()
    assert assumed
    for name, figure in assumed.items():
        assert f"{name} {figure.value:g} ({figure.basis})" in text


def test_dates_of_prices_and_what_is_left_out_are_always_told() -> None:
    assert "read on 2026-11-27" in told()
    assert "Not in these figures" in told()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"gpu": True, "peak_requests_per_s": 501}, "Neither platform"),
        ({"rows_per_request": 1000, "cpu_s_per_1000_rows": 2, "answer_within_s": 1}, "no platform mends that"),
        ({}, "twice its file"),
        ({"answer_within_s": 1}, "Always-ready instances have been reported"),
        (STORED, "low-priority nodes"),
        ({}, "once a subscription"),
        ({"private_network": True}, "plan Premium"),
    ],
)
def test_a_warning_comes_where_it_matters(given: dict[str, Any], sentence: str) -> None:
    assert sentence in told(**given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"gpu": True}, "Neither platform"),
        ({"answer_within_s": 2}, "no platform mends that"),
        ({"memory_mb": 100}, "twice its file"),
        ({"answer_within_s": 120}, "Always-ready instances have been reported"),
        ({}, "low-priority nodes"),
        ({"gpu": True}, "once a subscription"),
        ({}, "plan Premium"),
    ],
)
def test_a_warning_does_not_come_where_it_does_not(given: dict[str, Any], sentence: str) -> None:
    assert sentence not in told(**given)


def test_parts_that_are_cheaper_apart_are_told() -> None:
    steady = {"requests_per_day": 8_000_000, "peak_requests_per_s": 120, "cpu_s_per_1000_rows": 20}
    apart = told(use="both", **steady, jobs_per_day=1, rows_per_job=1000, answer_within_s=60)
    assert "requests cost less on Azure ML and jobs on Azure Functions" in apart
    assert "Taken apart" not in told(use="both", jobs_per_day=1, rows_per_job=1000)
