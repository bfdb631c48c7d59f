"""Real-time, batch or both, and requests that are better made into jobs."""

import pytest

from cli.advice.demand import demand_of, nobody_waits, request_too_large, request_too_long
from tests.unit.cli.advice.cases import STORED, answers


def test_predictions_that_are_used_now_are_real_time() -> None:
    demand = demand_of(answers(requests_per_day=5000, rows_per_request=3))
    assert (demand.choice, demand.requests_per_day, demand.rows_per_request) == ("real-time", 5000, 3)
    assert demand.jobs_per_day == 0
    assert "used at once" in demand.reasons[0]


def test_predictions_that_are_stored_are_batch() -> None:
    demand = demand_of(answers(**STORED))
    assert (demand.choice, demand.jobs_per_day, demand.rows_per_job) == ("batch", 24, 2_000_000)
    assert (demand.requests_per_day, demand.peak_requests_per_s) == (0, 0)


def test_both_are_both() -> None:
    demand = demand_of(answers(**{**STORED, "use": "both"}))
    assert (demand.choice, demand.requests_per_day, demand.jobs_per_day) == ("both", 1000, 24)


@pytest.mark.parametrize(("within_s", "moved"), [(180, False), (181, True)])
def test_callers_who_can_wait_longer_than_a_request_lasts_get_jobs(within_s: float, moved: bool) -> None:
    assert bool(nobody_waits(answers(answer_within_s=within_s))) == moved


@pytest.mark.parametrize(("rows", "moved"), [(180, False), (181, True)])
def test_a_request_that_computes_too_long_becomes_a_job(rows: int, moved: bool) -> None:
    assert bool(request_too_long(answers(rows_per_request=rows, cpu_s_per_1000_rows=1000))) == moved


@pytest.mark.parametrize(("rows", "moved"), [(100_000, False), (100_001, True)])
def test_a_request_of_too_many_rows_becomes_a_job(rows: int, moved: bool) -> None:
    assert bool(request_too_large(answers(rows_per_request=rows))) == moved


def test_rows_are_collected_for_half_of_the_deadline() -> None:
    demand = demand_of(answers(answer_within_s="6 h", requests_per_day=50_000, rows_per_request=2))
    assert (demand.choice, demand.jobs_per_day, demand.rows_per_job) == ("batch", 8, 12_500)
    assert demand.job_within_s == 21_600


def test_rare_requests_are_a_job_each() -> None:
    demand = demand_of(answers(answer_within_s="6 h", requests_per_day=2, rows_per_request=7))
    assert (demand.jobs_per_day, demand.rows_per_job) == (2, 7)


def test_moved_requests_join_the_jobs_that_there_are_and_the_shorter_deadline_counts() -> None:
    demand = demand_of(
        answers(use="both", rows_per_request=200_000, requests_per_day=10, jobs_per_day=10, rows_per_job=100_000)
    )
    assert (demand.choice, demand.jobs_per_day, demand.rows_per_job) == ("batch", 20, 150_000)
    assert demand.job_within_s == 1


def test_rules_of_requests_do_not_look_at_stored_predictions() -> None:
    assert demand_of(answers(**STORED, answer_within_s="1 d")).jobs_per_day == 24
