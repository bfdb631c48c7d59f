"""Memory, instances, and how a job is cut."""

import pytest

from cli.advice.sizing import Instance, cold_start_s, fitting
from tests.unit.cli.advice.cases import GPU, LARGE, SMALL, STORED, measured, sized


@pytest.mark.parametrize(
    ("memory_mb", "instance"),
    [(1024, Instance(2048, 1)), (1025, Instance(4096, 2)), (2048, Instance(4096, 2)), (2049, None)],
)
def test_half_of_an_instance_holds_the_model(memory_mb: float, instance: Instance | None) -> None:
    assert sized(memory_mb=memory_mb)[2].instance == instance


def test_memory_that_is_not_known_is_twice_the_file() -> None:
    assert sized(model_mb=300)[2].memory_mb == 600
    assert sized(model_mb=300, memory_mb=400)[2].memory_mb == 400


@pytest.mark.parametrize(("cpu_s_per_1000_rows", "rows"), [(0, 20_000), (1, 20_000), (3, 10_000), (60_000, 1)])
def test_a_mini_batch_computes_for_half_a_minute_at_most(cpu_s_per_1000_rows: float, rows: int) -> None:
    sizing = sized(**{**STORED, "cpu_s_per_1000_rows": cpu_s_per_1000_rows})[2]
    assert sizing.mini_batch_rows == rows
    assert sizing.mini_batches == 2_000_000 // rows


@pytest.mark.parametrize(("within_s", "lanes"), [(4000, 2), (500, 8), (1, 64)])
def test_as_many_mini_batches_run_at_once_as_twice_what_the_deadline_needs(within_s: float, lanes: int) -> None:
    assert sized(**STORED, job_within_s=within_s)[2].max_concurrency == lanes


def test_machines_fit_by_half_of_their_memory_and_by_gpu() -> None:
    every = (SMALL, LARGE, GPU)
    assert fitting(every, sized(memory_mb=2048)[2], gpu=False) == (SMALL, LARGE)
    assert fitting(every, sized(memory_mb=2049)[2], gpu=False) == (LARGE,)
    assert fitting(every, sized(memory_mb=2049)[2], gpu=True) == (GPU,)
    assert fitting(every, sized(memory_mb=40_000)[2], gpu=False) == ()


def test_a_cold_start_is_the_platform_the_app_and_the_model() -> None:
    assert cold_start_s(100, 2, measured(first_answer_s=1, model_mb_per_s=50)) == 5
