"""Cold starts of both platforms, and when an instance must always be ready."""

from typing import Any

import pytest

from cli.advice.cold_starts import always_ready_needed, cold_starts
from cli.advice.demand import demand_of
from cli.advice.records import ColdStart
from tests.unit.cli.advice.cases import STORED, answers, measured

TIMES = measured(
    cold_new_instance_s=2,
    cold_idle_s=30,
    first_answer_s=1,
    model_mb_per_s=50,
    cluster_start_s=300,
    azureml_scale_out_low_s=720,
    azureml_scale_out_high_s=1080,
)


def needed(**given: Any) -> str:
    asked = answers(**given)
    return always_ready_needed(asked, demand_of(asked), TIMES)


def told(always_ready: int = 0, **given: Any) -> tuple[ColdStart, ...]:
    asked = answers(**given)
    return cold_starts(asked, demand_of(asked), TIMES, always_ready)


@pytest.mark.parametrize(("within_s", "ready"), [(31.9, True), (32, False), (60, False)])
def test_callers_who_cannot_wait_for_a_cold_start_need_a_ready_instance(within_s: float, ready: bool) -> None:
    # 30 s of the platform, 1 s of the app, 50 MB of the model.
    assert bool(needed(answer_within_s=within_s, model_mb=50)) == ready


def test_a_larger_model_takes_longer_to_start() -> None:
    assert "up to 41 s" in needed(answer_within_s=32, model_mb=500)


def test_no_caller_ever_means_ready_instances_whatever_the_deadline() -> None:
    assert "No caller" in needed(answer_within_s=60, always_warm=True)


def test_jobs_need_no_ready_instance() -> None:
    assert needed(**STORED, always_warm=True, answer_within_s=0.1) == ""


def test_without_ready_instances_the_first_call_waits_longest() -> None:
    functions, azureml = told(model_mb=50)
    assert (functions.platform, functions.low_s, functions.high_s) == ("functions", 4, 32)
    assert (azureml.platform, azureml.low_s, azureml.high_s) == ("azureml", 0, 0)
    assert "12 to 18 minutes" in azureml.told


def test_with_ready_instances_only_a_further_one_is_waited_for() -> None:
    functions = told(always_ready=3, model_mb=50)[0]
    assert (functions.low_s, functions.high_s) == (0, 4)
    assert "instances: 3." in functions.told


def test_jobs_wait_for_an_instance_or_for_a_node() -> None:
    functions, azureml = told(**STORED, model_mb=50)
    assert (functions.part, functions.low_s, functions.high_s) == ("batch", 4, 32)
    assert (azureml.part, azureml.low_s, azureml.high_s) == ("batch", 300, 300)


def test_both_parts_are_told_where_both_are_asked_for() -> None:
    assert [start.part for start in told(**{**STORED, "use": "both"})] == ["online", "online", "batch", "batch"]
