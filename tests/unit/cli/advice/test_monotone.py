"""More of anything never costs less, on either platform."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.advice.answers import Answers
from cli.advice.azureml_cost import azureml_estimate
from cli.advice.demand import demand_of
from cli.advice.figures import load_measured, load_prices
from cli.advice.functions_cost import functions_estimate
from cli.advice.sizing import size
from tests.unit.cli.advice.cases import answers

PRICES, MEASURED = load_prices(), load_measured()
CENT = 0.01
FACTORS = st.floats(min_value=1, max_value=100)


def both(asked: Answers, ready: int = 0) -> tuple[float, float]:
    demand = demand_of(asked)
    sizing = size(asked, demand)
    functions = functions_estimate(asked, demand, sizing, PRICES, MEASURED, ready)
    azureml = azureml_estimate(asked, demand, sizing, PRICES, MEASURED)
    assert functions.monthly_usd is not None
    assert azureml.monthly_usd is not None
    return functions.monthly_usd, azureml.monthly_usd


def never_less(less: tuple[float, float], more: tuple[float, float]) -> bool:
    return all(after >= before - CENT for before, after in zip(less, more, strict=True))


@given(per_day=st.floats(min_value=1, max_value=1e6), factor=FACTORS, cpu=st.floats(min_value=0, max_value=1000))
def test_more_calls(per_day: float, factor: float, cpu: float) -> None:
    few = answers(requests_per_day=per_day, peak_requests_per_s=400, cpu_s_per_1000_rows=cpu)
    many = few.model_copy(update={"requests_per_day": per_day * factor})
    assert never_less(both(few), both(many))
    assert never_less(both(few, 1), both(many, 1))


@given(rows=st.integers(min_value=1, max_value=1000), more=st.integers(min_value=0, max_value=1000), cpu=FACTORS)
def test_more_rows_in_a_call(rows: int, more: int, cpu: float) -> None:
    few = answers(requests_per_day=100_000, peak_requests_per_s=10, rows_per_request=rows, cpu_s_per_1000_rows=cpu)
    assert never_less(both(few), both(few.model_copy(update={"rows_per_request": rows + more})))


@given(peak=st.floats(min_value=0.1, max_value=500), factor=FACTORS)
def test_a_higher_peak(peak: float, factor: float) -> None:
    low = answers(peak_requests_per_s=peak, cpu_s_per_1000_rows=100)
    assert never_less(both(low), both(low.model_copy(update={"peak_requests_per_s": peak * factor})))


@pytest.mark.parametrize("cpu", [0, 1, 100])
@given(jobs=st.floats(min_value=0.1, max_value=1000), factor=FACTORS)
def test_more_jobs(cpu: float, jobs: float, factor: float) -> None:
    few = answers(use="stored", jobs_per_day=jobs, rows_per_job=100_000, cpu_s_per_1000_rows=cpu)
    assert never_less(both(few), both(few.model_copy(update={"jobs_per_day": jobs * factor})))


@given(rows=st.integers(min_value=1, max_value=10**8), factor=st.integers(min_value=1, max_value=100))
def test_more_rows_in_a_job(rows: int, factor: int) -> None:
    few = answers(use="stored", jobs_per_day=3, rows_per_job=rows, cpu_s_per_1000_rows=1)
    assert never_less(both(few), both(few.model_copy(update={"rows_per_job": rows * factor})))


@given(cpu=st.floats(min_value=0, max_value=1000), factor=FACTORS)
def test_a_slower_model(cpu: float, factor: float) -> None:
    fast = answers(use="both", jobs_per_day=3, rows_per_job=10**6, cpu_s_per_1000_rows=cpu)
    slow = fast.model_copy(update={"cpu_s_per_1000_rows": cpu * factor})
    assert never_less(both(fast), both(slow))


@given(ready=st.integers(min_value=0, max_value=5))
def test_more_instances_that_must_be_ready(ready: int) -> None:
    assert both(answers(), ready)[0] <= both(answers(), ready + 1)[0] + CENT


@given(within=st.floats(min_value=301, max_value=86_400), factor=st.floats(min_value=0.1, max_value=1))
def test_a_shorter_deadline(within: float, factor: float) -> None:
    long = answers(use="stored", jobs_per_day=3, rows_per_job=10**8, cpu_s_per_1000_rows=1, job_within_s=within)
    assert never_less(both(long), both(long.model_copy(update={"job_within_s": within * factor})))


def test_a_private_network() -> None:
    assert never_less(both(answers()), both(answers(private_network=True)))
