"""A month on Azure Functions, Flex Consumption: time of instances, executions, storage, the timer that always runs.

Billing as Microsoft Learn tells it (Flex Consumption plan, Billing): an instance is paid while something runs on it, by
its memory, for 1 s at least; always-ready instances also while nothing does, at a lower rate, and without free grants.
"""

from math import ceil, exp
from typing import Final, NamedTuple

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Measured, Prices
from cli.advice.records import Estimate, Line, Part
from cli.advice.sizing import DAYS, INSTANCES, MONTH_H, MONTH_S, Sizing

# SLIPWAY_TICK_SCHEDULE: once a minute.
_TICKS: Final = MONTH_H * 60
_LEAST_S: Final = 1.0
# SLIPWAY_ENDPOINT_REFRESH_S.
_REFRESH_S: Final = 2.0
# Plan, promotion, and the orchestrator's own runs around them; each mini-batch is an activity and a run of it.
_EXECUTIONS_OF_A_JOB: Final = 10
_EXECUTIONS_OF_A_MINI_BATCH: Final = 2
# Blob, queue, table, vault and the app itself.
_PRIVATE_ENDPOINTS: Final = 5
_MOST_INSTANCES: Final = 1000


class Load(NamedTuple):
    """A month in instances. `busy`: instances that answer requests, on average; `jobs_s`: time of those of jobs."""

    gb: float
    busy: float
    requests: float
    jobs_s: float
    jobs: float
    mini_batches: float


def functions_estimate(
    answers: Answers, demand: Demand, sizing: Sizing, prices: Prices, measured: Measured, always_ready: int
) -> Estimate:
    """At least `always_ready` instances for requests, and more of them where that costs less than on demand."""
    instance = sizing.instance or INSTANCES[-1]
    load = _load(demand, sizing, measured, instance.cores, instance.memory_mb / 1024)
    most = min(_MOST_INSTANCES, max(always_ready, ceil(load.busy)))
    tried = [(ready, _compute(load, ready, prices)) for ready in range(always_ready, most + 1)]
    ready, compute = min(tried, key=lambda each: sum(line.monthly_usd for line in each[1]))
    lines = (*compute, *_storage(answers, demand, load, prices, measured), *_network(answers, prices))
    return Estimate(
        platform="functions",
        machine=f"instances of {instance.memory_mb} MB, {ready} always ready",
        instances=ready,
        lines=tuple(line for line in lines if line.monthly_usd),
        monthly_usd=sum(line.monthly_usd for line in lines),
    )


def _load(demand: Demand, sizing: Sizing, measured: Measured, cores: float, gb: float) -> Load:
    per_s = demand.requests_per_day * DAYS / MONTH_S
    alone_s = max(_LEAST_S, ceil(10 * sizing.request_cpu_s / min(cores, 1)) / 10)
    computing = per_s * sizing.request_cpu_s / cores
    spread = computing / measured.utilisation.value
    # Calls spread evenly over the month keep an instance busy for the part 1 - exp(-rate x time) of it (a queue
    # M/G/infinity), which is the dearest case. Once it has no room left, further instances come.
    busy = max(1 - exp(-per_s * alone_s), computing) if spread <= 1 else spread
    job_s = (sizing.job_cpu_s + sizing.mini_batches * measured.mini_batch_cpu_s.value) / cores
    jobs = demand.jobs_per_day * DAYS
    return Load(gb, busy, demand.requests_per_day * DAYS, jobs * max(_LEAST_S, job_s), jobs, jobs * sizing.mini_batches)


def _compute(load: Load, ready: int, prices: Prices) -> list[Line]:
    on_ready = min(load.busy, ready)
    share = on_ready / load.busy if load.busy else 0
    over_s = (load.busy - on_ready) * MONTH_S
    job_executions = load.jobs * _EXECUTIONS_OF_A_JOB + load.mini_batches * _EXECUTIONS_OF_A_MINI_BATCH
    demand_gb_s = (over_s + load.jobs_s + _TICKS * _LEAST_S) * load.gb
    demand_executions = load.requests * (1 - share) + job_executions + _TICKS
    free_gb_s = min(demand_gb_s, prices.free_gb_s.value)
    free = min(demand_executions, prices.free_executions.value)
    rate, each = prices.on_demand_gb_s.value, prices.on_demand_executions.value
    return [
        _time("online", "always ready, baseline", ready * MONTH_S, load.gb, prices.ready_baseline_gb_s.value),
        _time("online", "always ready, answering", on_ready * MONTH_S, load.gb, prices.ready_gb_s.value),
        _executions("online", "always ready, executions", load.requests * share, prices.ready_executions.value),
        _time("online", "on demand, answering", over_s, load.gb, rate),
        _executions("online", "on demand, executions", load.requests * (1 - share), each),
        _time("batch", "on demand, jobs", load.jobs_s, load.gb, rate),
        _executions("batch", "on demand, executions of jobs", job_executions, each),
        _time("fixed", "minute timer", _TICKS * _LEAST_S, load.gb, rate),
        _executions("fixed", "minute timer, executions", _TICKS, each),
        Line(
            part="fixed",
            item="free grants of the subscription",
            arithmetic=f"-({free_gb_s:,.0f} GB-s x {rate:.6f} + {free / 1e6:,.4f} million x {each:.2f})",
            monthly_usd=-(free_gb_s * rate + free / 1e6 * each),
        ),
    ]


def _time(part: Part, item: str, seconds: float, gb: float, rate: float) -> Line:
    arithmetic = f"{seconds:,.0f} s x {gb:g} GB x {rate:.6f} USD/GB-s"
    return Line(part=part, item=item, arithmetic=arithmetic, monthly_usd=seconds * gb * rate)


def _executions(part: Part, item: str, count: float, each: float) -> Line:
    arithmetic = f"{count / 1e6:,.4f} million x {each:.2f} USD"
    return Line(part=part, item=item, arithmetic=arithmetic, monthly_usd=count / 1e6 * each)


def _storage(answers: Answers, demand: Demand, load: Load, prices: Prices, measured: Measured) -> list[Line]:
    stored_gb = answers.model_mb / 1024 + load.jobs * demand.rows_per_job * measured.prediction_bytes.value / 1e9
    reads = min(load.requests, load.busy * MONTH_S / _REFRESH_S)
    return [
        Line(
            part="batch" if load.jobs else "fixed",
            item="storage, model and a month of predictions",
            arithmetic=f"{stored_gb:,.3f} GB x {prices.blob_gb_month.value:g} USD",
            monthly_usd=stored_gb * prices.blob_gb_month.value,
        ),
        _operations("online", "reads of the endpoint's documents", reads, prices.blob_reads.value),
        _operations(
            "batch",
            "writes of mini-batches",
            load.mini_batches * measured.mini_batch_writes.value,
            prices.blob_writes.value,
        ),
        _operations(
            "batch",
            "other operations of mini-batches",
            load.mini_batches * measured.mini_batch_reads.value,
            prices.blob_reads.value,
        ),
        _operations(
            "fixed", "operations of the timer", _TICKS * measured.tick_operations.value, prices.blob_writes.value
        ),
    ]


def _operations(part: Part, item: str, count: float, price: float) -> Line:
    arithmetic = f"{count:,.0f} / 10,000 x {price:g} USD"
    return Line(part=part, item=f"storage, {item}", arithmetic=arithmetic, monthly_usd=count / 10_000 * price)


def _network(answers: Answers, prices: Prices) -> list[Line]:
    if not answers.private_network:
        return []
    hour = prices.private_endpoint_hour.value
    return [
        Line(
            part="fixed",
            item="private endpoints",
            arithmetic=f"{_PRIVATE_ENDPOINTS} x {MONTH_H:.0f} h x {hour:g} USD",
            monthly_usd=_PRIVATE_ENDPOINTS * MONTH_H * hour,
        )
    ]
