"""How large the work is: memory, instance, CPU time of a request and of a job, and how a job is cut."""

from math import ceil
from typing import Final, NamedTuple

from cli.advice.answers import Answers
from cli.advice.demand import Demand
from cli.advice.figures import Measured, Sku

MONTH_H: Final = 730.0
MONTH_S: Final = MONTH_H * 3600
DAYS: Final = MONTH_H / 24

# Time of one mini-batch that is aimed at: a tenth of the 300 s that one try may take by default.
_MINI_BATCH_S: Final = 30.0
# Four times the default, so that storage and the engine are asked less often; wide rows still fit in memory.
_MINI_BATCH_ROWS: Final = 20_000
_MAX_CONCURRENCY: Final = 64


class Instance(NamedTuple):
    """A size of Flex Consumption: its memory, and the processors that come with it."""

    memory_mb: int
    cores: float


# Microsoft Learn, Flex Consumption plan, quotas. 512 MB is left out: host, pyarrow and a model do not fit in it.
INSTANCES: Final = (Instance(2048, 1.0), Instance(4096, 2.0))


class Sizing(NamedTuple):
    """`instance`: None where none holds the model; `mini_batches`: of a job; CPU times without what the app adds."""

    memory_mb: float
    instance: Instance | None
    request_cpu_s: float
    job_cpu_s: float
    mini_batch_rows: int
    mini_batches: int
    max_concurrency: int


def size(answers: Answers, demand: Demand) -> Sizing:
    row_s = answers.cpu_s_per_1000_rows / 1000
    memory_mb = answers.memory_mb or 2 * answers.model_mb
    rows = _mini_batch_rows(row_s)
    job_cpu_s = demand.rows_per_job * row_s
    return Sizing(
        memory_mb=memory_mb,
        # Half of an instance is for loaded models (docs/design.md, Models and their time).
        instance=next((each for each in INSTANCES if memory_mb <= each.memory_mb / 2), None),
        request_cpu_s=demand.rows_per_request * row_s,
        job_cpu_s=job_cpu_s,
        mini_batch_rows=rows,
        mini_batches=ceil(demand.rows_per_job / rows),
        # Twice what the deadline needs, so that a slow day keeps it, too.
        max_concurrency=min(_MAX_CONCURRENCY, max(2, ceil(2 * job_cpu_s / demand.job_within_s))),
    )


def fitting(skus: tuple[Sku, ...], sizing: Sizing, gpu: bool) -> tuple[Sku, ...]:
    """The machines that hold the model in half of their memory, as the instances of Azure Functions are held to."""
    return tuple(sku for sku in skus if sku.gpu == gpu and sizing.memory_mb <= sku.memory_mb / 2)


def cold_start_s(model_mb: float, platform_s: float, measured: Measured) -> float:
    """From the platform's own part to the first answer: the app starts, and the model is fetched and loaded."""
    return platform_s + measured.first_answer_s.value + model_mb / measured.model_mb_per_s.value


def _mini_batch_rows(row_s: float) -> int:
    return _MINI_BATCH_ROWS if row_s * _MINI_BATCH_ROWS <= _MINI_BATCH_S else max(1, int(_MINI_BATCH_S / row_s))
