"""What rules a platform out, one rule a function: each tells its obstacle, or an empty text."""

from collections.abc import Callable
from typing import Final, NamedTuple

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Measured, Prices
from cli.advice.records import Finding, Platform
from cli.advice.sizing import INSTANCES, Sizing, fitting

# Microsoft Learn, Flex Consumption plan: the default quota of a subscription and region, and CPUs by size.
_CORES: Final = 250
# Azure ML's limit for an online endpoint, unless support raises it.
_REQUESTS_PER_S: Final = 500
# batch.retry_settings.timeout at most, and batch.max_concurrency at most (docs/reference.md, Endpoint file).
_MINI_BATCH_S: Final = 600
_CONCURRENCY: Final = 64


class Work(NamedTuple):
    """All that a rule looks at."""

    answers: Answers
    demand: Demand
    sizing: Sizing
    prices: Prices
    measured: Measured


def gpu(work: Work) -> str:
    return "The model needs a GPU, and Azure Functions has none." if work.answers.gpu else ""


def memory(work: Work) -> str:
    """Half of the largest instance is for loaded models."""
    if work.sizing.instance is not None:
        return ""
    return (
        f"The loaded model takes {work.sizing.memory_mb:,.0f} MB, and an instance of Azure Functions has "
        f"{INSTANCES[-1].memory_mb:,} MB, half of it for models."
    )


def cores_at_peak(work: Work) -> str:
    """The busiest second needs more processors than a subscription has by default."""
    cores = work.demand.peak_requests_per_s * work.sizing.request_cpu_s / work.measured.utilisation.value
    if cores <= _CORES:
        return ""
    return (
        f"The busiest second needs {cores:,.0f} cores, and Flex Consumption has {_CORES} a subscription and region "
        "unless Microsoft raises the quota."
    )


def one_row(work: Work) -> str:
    """A mini-batch cannot be smaller than a row."""
    row_s = work.answers.cpu_s_per_1000_rows / 1000
    if not work.demand.jobs_per_day or row_s <= _MINI_BATCH_S:
        return ""
    return f"One row computes for {row_s:,.0f} s, and a mini-batch of Slipway may take {_MINI_BATCH_S} s."


def job_deadline(work: Work) -> str:
    """A job's mini-batches run side by side, but only so many."""
    lanes = min(_CONCURRENCY, max(1, work.sizing.mini_batches))
    shortest_s = work.sizing.job_cpu_s / lanes
    if not work.demand.jobs_per_day or shortest_s <= work.demand.job_within_s:
        return ""
    return (
        f"A job computes for {work.sizing.job_cpu_s:,.0f} s: with {lanes} mini-batches at once, Slipway's most, it "
        f"takes {shortest_s:,.0f} s, and it must be done within {work.demand.job_within_s:,.0f} s."
    )


def request_rate(work: Work) -> str:
    if work.demand.peak_requests_per_s <= _REQUESTS_PER_S:
        return ""
    return (
        f"The busiest second brings {work.demand.peak_requests_per_s:,.0f} requests, and an online endpoint of "
        f"Azure ML takes {_REQUESTS_PER_S} a second unless support raises the limit."
    )


def no_machine(work: Work) -> str:
    """None of the machines in prices.yaml holds the model; larger ones exist, but are not priced there."""
    if fitting(work.prices.skus, work.sizing, work.answers.gpu):
        return ""
    return (
        f"The loaded model takes {work.sizing.memory_mb:,.0f} MB, more than half of the largest machine that is priced "
        "here: look for a larger one."
    )


def cluster_start(work: Work) -> str:
    start_s = work.measured.cluster_start_s.value
    if not work.demand.jobs_per_day or work.demand.job_within_s > start_s:
        return ""
    return (
        f"A job must be done within {work.demand.job_within_s:,.0f} s, and a cluster of Azure ML needs about "
        f"{start_s:,.0f} s to get its first node."
    )


RULES: Final[tuple[tuple[Platform, Callable[[Work], str]], ...]] = (
    ("functions", gpu),
    ("functions", memory),
    ("functions", cores_at_peak),
    ("functions", one_row),
    ("functions", job_deadline),
    ("azureml", request_rate),
    ("azureml", no_machine),
    ("azureml", cluster_start),
)


def obstacles(work: Work) -> tuple[Finding, ...]:
    """Against each platform what rules it out; the finding's `platform` is the one that cannot do it."""
    return tuple(
        Finding(rule=rule.__name__, platform=platform, decides=True, told=told)
        for platform, rule in RULES
        if (told := rule(work))
    )
