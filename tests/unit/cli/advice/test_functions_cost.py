"""A month on Flex Consumption, calculated by hand."""

from math import exp
from typing import Any

import pytest

from cli.advice.functions_cost import functions_estimate
from cli.advice.records import Estimate
from tests.unit.cli.advice.cases import STORED, measured, prices, sized

MONTH_S = 2_628_000


def estimate(ready: int = 0, free_gb_s: float = 0, free_executions: float = 0, **given: Any) -> Estimate:
    figures = measured(tick_operations=0)
    cost = prices(free_gb_s=free_gb_s, free_executions=free_executions)
    return functions_estimate(*sized(**given), cost, figures, ready)


def usd(estimated: Estimate, item: str) -> float:
    return sum(line.monthly_usd for line in estimated.lines if line.item == item)


def test_rare_calls_are_paid_for_a_second_each() -> None:
    # 73,000 calls in 2,628,000 s: one in 36 s, each keeping the instance for its least second.
    told = estimate(requests_per_day=2400, cpu_s_per_1000_rows=0)
    assert usd(told, "on demand, answering") == pytest.approx(MONTH_S * (1 - exp(-1 / 36)) * 2 * 0.00003)
    assert usd(told, "on demand, executions") == pytest.approx(0.073 * 0.5)


def test_longer_calls_are_paid_by_tenths_of_a_second() -> None:
    told = estimate(requests_per_day=2400, cpu_s_per_1000_rows=1501)
    assert usd(told, "on demand, answering") == pytest.approx(MONTH_S * (1 - exp(-1.6 / 36)) * 2 * 0.00003)


def test_a_load_is_spread_over_instances_that_are_busy_for_seven_tenths() -> None:
    # 100 calls a second of 0.07 s are 7 cores, which are 10 instances: all of them always ready, as that is cheaper.
    told = estimate(requests_per_day=8_640_000, peak_requests_per_s=100, cpu_s_per_1000_rows=70)
    assert told.instances == 10
    assert usd(told, "always ready, baseline") == pytest.approx(10 * MONTH_S * 2 * 0.000005)
    assert usd(told, "always ready, answering") == pytest.approx(10 * MONTH_S * 2 * 0.00002)
    assert usd(told, "always ready, executions") == pytest.approx(262.8 * 0.5)
    assert usd(told, "on demand, answering") == pytest.approx(0, abs=1e-6)


def test_an_instance_that_is_seldom_busy_is_not_made_ready_unless_it_must_be() -> None:
    assert estimate(requests_per_day=2400).instances == 0
    told = estimate(ready=1, requests_per_day=2400)
    assert told.instances == 1
    assert usd(told, "always ready, baseline") == pytest.approx(MONTH_S * 2 * 0.000005)
    assert usd(told, "on demand, answering") == pytest.approx(0, abs=1e-9)


def test_a_larger_instance_has_twice_the_memory_and_the_cores() -> None:
    # 1 call a second of 2.8 s needs 4 instances of one core, or 2 of two.
    given: dict[str, Any] = {"requests_per_day": 86_400, "cpu_s_per_1000_rows": 2800}
    small, large = estimate(**given), estimate(memory_mb=2000, **given)
    assert (small.instances, large.instances) == (4, 2)
    assert usd(large, "always ready, answering") == pytest.approx(usd(small, "always ready, answering"))


def test_jobs_are_paid_by_their_computing() -> None:
    # 730 jobs of 2000 s and 100 mini-batches of 0.01 s each; 10 executions a job and 2 a mini-batch.
    told = estimate(**STORED)
    assert usd(told, "on demand, jobs") == pytest.approx(730 * 2001 * 2 * 0.00003)
    assert usd(told, "on demand, executions of jobs") == pytest.approx(730 * 210 / 1e6 * 0.5)


def test_jobs_ask_storage_and_keep_their_predictions() -> None:
    told = estimate(**STORED, model_mb=1024)
    assert usd(told, "storage, writes of mini-batches") == pytest.approx(73_000 * 3 / 10_000 * 0.05)
    assert usd(told, "storage, other operations of mini-batches") == pytest.approx(73_000 * 40 / 10_000 * 0.005)
    assert usd(told, "storage, model and a month of predictions") == pytest.approx((1 + 730 * 0.4) * 0.02)


def test_the_minute_timer_is_paid_day_and_night() -> None:
    told = estimate(requests_per_day=1)
    assert usd(told, "minute timer") == pytest.approx(43_800 * 2 * 0.00003)
    assert usd(told, "minute timer, executions") == pytest.approx(0.0438 * 0.5)


def test_free_grants_are_taken_off_what_runs_on_demand_only() -> None:
    told = estimate(ready=1, requests_per_day=2400, free_gb_s=1_000_000, free_executions=1_000_000)
    timer = usd(told, "minute timer") + usd(told, "minute timer, executions")
    assert usd(told, "free grants of the subscription") == pytest.approx(-timer)


def test_free_grants_are_not_exceeded() -> None:
    told = estimate(free_gb_s=1000, free_executions=1000, **STORED)
    assert usd(told, "free grants of the subscription") == pytest.approx(-(1000 * 0.00003 + 0.001 * 0.5))


def test_a_private_network_costs_five_private_endpoints() -> None:
    assert usd(estimate(private_network=True), "private endpoints") == pytest.approx(5 * 730 * 0.01)
    assert usd(estimate(), "private endpoints") == 0


def test_the_lines_add_up_and_show_their_arithmetic() -> None:
    told = estimate(ready=1, private_network=True, **{**STORED, "use": "both"})
    assert told.monthly_usd == pytest.approx(sum(line.monthly_usd for line in told.lines))
    assert all(" x " in line.arithmetic for line in told.lines)
