"""A month on Azure ML: a managed online endpoint day and night, a cluster for the time of its jobs.

Azure ML itself costs nothing: its machines are paid by the hour, an online deployment has one at least, and a cluster
may have none between jobs.
"""

from math import ceil
from typing import Final

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Measured, Prices, Sku
from cli.advice.records import Estimate, Line
from cli.advice.sizing import DAYS, MONTH_H, Sizing, fitting

# Workspace, blob, file, vault and registry.
_PRIVATE_ENDPOINTS: Final = 5


def azureml_estimate(answers: Answers, demand: Demand, sizing: Sizing, prices: Prices, measured: Measured) -> Estimate:
    """With the machines that cost least, each part its own; without a price where no machine holds the model."""
    skus = fitting(prices.skus, sizing, answers.gpu)
    if not skus:
        return Estimate(platform="azureml", machine="none that is priced", instances=0, lines=(), monthly_usd=None)
    online = min((_online(sku, demand, sizing, measured) for sku in skus), key=_by_cost)
    batch = min((_batch(sku, demand, sizing, measured) for sku in skus), key=_by_cost)
    used = [part for part in (online, batch) if part[2].monthly_usd]
    lines = (*(line for _, _, line in used), *_fixed(answers, demand, prices, measured))
    return Estimate(
        platform="azureml",
        machine=", ".join(f"{count} x {sku.name} ({line.part})" for sku, count, line in used),
        instances=sum(count for _, count, _ in used),
        lines=tuple(line for line in lines if line.monthly_usd),
        monthly_usd=sum(line.monthly_usd for line in lines),
    )


def _by_cost(part: tuple[Sku, int, Line]) -> float:
    return part[2].monthly_usd


def _online(sku: Sku, demand: Demand, sizing: Sizing, measured: Measured) -> tuple[Sku, int, Line]:
    """Sized for the busiest second: another instance takes a quarter of an hour to come."""
    needed = demand.peak_requests_per_s * sizing.request_cpu_s / sku.lanes / measured.utilisation.value
    count = max(1, ceil(needed)) if demand.requests_per_day else 0
    hour = sku.usd_per_hour.value
    line = Line(
        part="online",
        item=f"managed online endpoint, {sku.name}",
        arithmetic=f"{count} x {MONTH_H:.0f} h x {hour:g} USD",
        monthly_usd=count * MONTH_H * hour,
    )
    return sku, count, line


def _batch(sku: Sku, demand: Demand, sizing: Sizing, measured: Measured) -> tuple[Sku, int, Line]:
    """Nodes are paid while they start, work and wait for more; a cluster that never rests is paid by the month."""
    work_s = sizing.job_cpu_s / sku.lanes
    left_s = max(demand.job_within_s - measured.cluster_start_s.value, demand.job_within_s / 10)
    nodes = max(1, ceil(work_s / left_s)) if demand.jobs_per_day else 0
    start_s, idle_s = measured.cluster_start_s.value, measured.cluster_idle_s.value
    jobs = demand.jobs_per_day * DAYS
    work_h = jobs * work_s / 3600
    around_h = nodes * jobs * (start_s + idle_s) / 3600
    hours = max(work_h, min(work_h + around_h, nodes * MONTH_H))
    hour = sku.usd_per_hour.value
    line = Line(
        part="batch",
        item=f"cluster of {nodes}, {sku.name}",
        arithmetic=f"{hours:,.2f} node hours ({work_h:,.2f} of work, the rest starting and idle) x {hour:g} USD",
        monthly_usd=hours * hour,
    )
    return sku, nodes, line


def _fixed(answers: Answers, demand: Demand, prices: Prices, measured: Measured) -> list[Line]:
    day, hour = prices.registry_day.value, prices.private_endpoint_hour.value
    rows = demand.jobs_per_day * DAYS * demand.rows_per_job
    stored_gb = answers.model_mb / 1024 + rows * measured.prediction_bytes.value / 1e9
    endpoints = _PRIVATE_ENDPOINTS if answers.private_network else 0
    return [
        Line(
            part="fixed",
            item="container registry, Basic",
            arithmetic=f"{DAYS:.2f} days x {day:g} USD",
            monthly_usd=DAYS * day,
        ),
        Line(
            part="batch" if demand.jobs_per_day else "fixed",
            item="storage, model and a month of predictions",
            arithmetic=f"{stored_gb:,.3f} GB x {prices.blob_gb_month.value:g} USD",
            monthly_usd=stored_gb * prices.blob_gb_month.value,
        ),
        Line(
            part="fixed",
            item="private endpoints",
            arithmetic=f"{endpoints} x {MONTH_H:.0f} h x {hour:g} USD",
            monthly_usd=endpoints * MONTH_H * hour,
        ),
    ]
