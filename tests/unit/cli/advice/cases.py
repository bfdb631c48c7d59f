"""Answers, and round prices that can be calculated with by hand."""

from datetime import date
from typing import Any

from cli.advice.answers import Answers
from cli.advice.demand import Demand, demand_of
from cli.advice.figures import Figure, Measured, Price, Prices, Sku, load_measured
from cli.advice.limits import Work
from cli.advice.sizing import Sizing, size

DAY = date(2026, 11, 27)
# In a month of 730 h a load of 24 a day comes 730 times.
HOURLY = 24.0
STORED: dict[str, Any] = {"use": "stored", "jobs_per_day": HOURLY, "rows_per_job": 2_000_000, "cpu_s_per_1000_rows": 1}
MEASURED = load_measured()


def answers(**given: Any) -> Answers:
    return Answers.model_validate(given)


def sized(**given: Any) -> tuple[Answers, Demand, Sizing]:
    asked = answers(**given)
    demand = demand_of(asked)
    return asked, demand, size(asked, demand)


def work(**given: Any) -> Work:
    return Work(*sized(**given), prices(), MEASURED)


def price(value: float) -> Price:
    return Price(
        value=value, unit="one", source="a test", source_date=DAY, read_on=DAY, currency="USD", region="nowhere"
    )


def figure(value: float) -> Figure:
    return Figure(value=value, unit="one", source="a test", source_date=DAY, read_on=DAY)


def sku(name: str, cores: int, memory_mb: int, usd_per_hour: float, gpu: bool = False) -> Sku:
    return Sku(name=name, cores=cores, memory_mb=memory_mb, gpu=gpu, usd_per_hour=price(usd_per_hour))


SMALL, LARGE, GPU = sku("small", 1, 4096, 0.1), sku("large", 8, 65536, 0.5), sku("gpu", 4, 28672, 1.0, gpu=True)


def prices(*skus: Sku, free_gb_s: float = 0, free_executions: float = 0) -> Prices:
    """Without free grants unless they are named; an always-ready instance that is busy is cheaper than on demand."""
    return Prices(
        on_demand_gb_s=price(0.00003),
        on_demand_executions=price(0.5),
        ready_baseline_gb_s=price(0.000005),
        ready_gb_s=price(0.00002),
        ready_executions=price(0.5),
        free_gb_s=figure(free_gb_s),
        free_executions=figure(free_executions),
        blob_gb_month=price(0.02),
        blob_writes=price(0.05),
        blob_reads=price(0.005),
        private_endpoint_hour=price(0.01),
        registry_day=price(0.12),
        low_priority_share=figure(0.2),
        skus=skus or (SMALL, LARGE, GPU),
    )


def measured(**values: float) -> Measured:
    """As it is in measured.yaml, but for these values."""
    return MEASURED.model_copy(update={name: figure(value) for name, value in values.items()})
