"""A month on Azure ML, calculated by hand."""

from typing import Any

import pytest

from cli.advice.azureml_cost import azureml_estimate
from cli.advice.figures import Sku
from cli.advice.records import Estimate
from tests.unit.cli.advice.cases import GPU, LARGE, SMALL, STORED, measured, prices, sized


def estimate(*skus: Sku, **given: Any) -> Estimate:
    times = measured(cluster_start_s=300, cluster_idle_s=120, utilisation=0.7)
    return azureml_estimate(*sized(**given), prices(*skus), times)


def usd(estimated: Estimate, part: str, item: str = "") -> float:
    return sum(line.monthly_usd for line in estimated.lines if line.part == part and line.item.startswith(item))


def test_an_online_endpoint_is_paid_day_and_night() -> None:
    told = estimate(requests_per_day=1)
    assert usd(told, "online") == pytest.approx(730 * 0.1)
    assert told.machine == "1 x small (online)"


def test_it_is_sized_for_the_busiest_second() -> None:
    # 70 a second of 0.1 s are 7 cores, and 10 of them at seven tenths.
    given: dict[str, Any] = {"requests_per_day": 10, "peak_requests_per_s": 70, "cpu_s_per_1000_rows": 100}
    assert usd(estimate(SMALL, **given), "online") == pytest.approx(10 * 730 * 0.1)
    assert usd(estimate(LARGE, **given), "online") == pytest.approx(2 * 730 * 0.5)


def test_the_machine_that_costs_least_is_taken() -> None:
    # Ten small ones cost 1.00 an hour, ten cores of two large ones too; with eleven the large ones win.
    assert "large" in estimate(requests_per_day=10, peak_requests_per_s=77, cpu_s_per_1000_rows=100).machine
    assert "small" in estimate(requests_per_day=10, peak_requests_per_s=6, cpu_s_per_1000_rows=100).machine


def test_a_cluster_is_paid_while_it_starts_works_and_waits() -> None:
    told = estimate(SMALL, **STORED)
    assert usd(told, "batch", "cluster") == pytest.approx(730 * (2000 + 300 + 120) / 3600 * 0.1)


def test_a_deadline_asks_for_more_nodes_which_all_start() -> None:
    # 2000 s of work within 1300 s, of which 300 s are gone before the first node is there: two nodes.
    told = estimate(SMALL, **STORED, job_within_s=1300)
    assert told.instances == 2
    assert usd(told, "batch", "cluster") == pytest.approx(730 * (2000 + 2 * 420) / 3600 * 0.1)


def test_a_cluster_that_never_rests_is_paid_by_the_month() -> None:
    told = estimate(SMALL, **{**STORED, "jobs_per_day": 1440, "rows_per_job": 50_000})
    assert usd(told, "batch", "cluster") == pytest.approx(730 * 0.1)


def test_without_requests_there_is_no_online_endpoint_and_without_jobs_no_cluster() -> None:
    assert usd(estimate(**STORED), "online") == 0
    assert usd(estimate(), "batch") == 0


def test_a_gpu_model_runs_on_a_gpu_one_row_after_another() -> None:
    told = estimate(gpu=True, requests_per_day=10, peak_requests_per_s=6, cpu_s_per_1000_rows=100)
    assert told.machine == "1 x gpu (online)"
    assert usd(told, "online") == pytest.approx(730 * 1.0)


def test_registry_and_private_endpoints_are_paid_beside() -> None:
    told = estimate(private_network=True)
    assert usd(told, "fixed", "container registry") == pytest.approx(730 / 24 * 0.12)
    assert usd(told, "fixed", "private endpoints") == pytest.approx(5 * 730 * 0.01)


def test_without_a_machine_that_holds_the_model_there_is_no_price() -> None:
    told = estimate(SMALL, GPU, memory_mb=5000)
    assert (told.monthly_usd, told.lines, told.machine) == (None, (), "none that is priced")


def test_the_lines_add_up() -> None:
    told = estimate(**{**STORED, "use": "both"})
    assert told.monthly_usd == pytest.approx(sum(line.monthly_usd for line in told.lines))
