"""What the advice calculates with: prices and measured numbers, each with where it comes from and when it was read.

`prices.yaml` and `measured.yaml` hold them. A number that no source could be found for says so, and on what it rests.
"""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, model_validator

from shared.documents import Document


class Figure(Document):
    """`source`: an address, or a document of this project. `source_date`: of the source; `read_on`: by us."""

    value: float = Field(ge=0, allow_inf_nan=False)
    unit: str = Field(min_length=1)
    source: str = ""
    source_date: date
    read_on: date
    assumed: bool = False
    basis: str = ""

    @model_validator(mode="after")
    def _told(self) -> Self:
        if not self.assumed and not self.source:
            raise ValueError("a figure without a source is assumed: say so, and on what it rests")
        if self.assumed and not self.basis:
            raise ValueError("an assumed figure needs the basis of the assumption")
        return self


class Price(Figure):
    """List price, pay as you go, without tax. `unit`: what `value` is paid for."""

    currency: Literal["USD"]
    region: str = Field(min_length=1)


class Sku(Document):
    """A virtual machine that Azure ML runs deployments and clusters on; `usd_per_hour` for Linux."""

    name: str
    cores: int = Field(ge=1)
    memory_mb: int = Field(ge=1)
    gpu: bool = False
    usd_per_hour: Price

    @property
    def lanes(self) -> int:
        """How many rows compute at once: one on a GPU, else one a core."""
        return 1 if self.gpu else self.cores


class Prices(Document):
    """Of both platforms. Executions are paid by the million, storage operations by 10,000."""

    on_demand_gb_s: Price
    on_demand_executions: Price
    ready_baseline_gb_s: Price
    ready_gb_s: Price
    ready_executions: Price
    free_gb_s: Figure
    free_executions: Figure
    blob_gb_month: Price
    blob_writes: Price
    blob_reads: Price
    private_endpoint_hour: Price
    registry_day: Price
    low_priority_share: Figure
    skus: tuple[Sku, ...] = Field(min_length=1)


class Measured(Document):
    """Times and rates. `cold_new_instance_s`: a further instance of an app that runs; `cold_idle_s`: after a pause."""

    cold_new_instance_s: Figure
    cold_idle_s: Figure
    first_answer_s: Figure
    model_mb_per_s: Figure
    azureml_scale_out_low_s: Figure
    azureml_scale_out_high_s: Figure
    cluster_start_s: Figure
    cluster_idle_s: Figure
    utilisation: Figure
    mini_batch_cpu_s: Figure
    mini_batch_writes: Figure
    mini_batch_reads: Figure
    tick_operations: Figure
    prediction_bytes: Figure


@cache
def load_prices() -> Prices:
    return Prices.model_validate(_read("prices.yaml"))


@cache
def load_measured() -> Measured:
    return Measured.model_validate(_read("measured.yaml"))


def figures_of(document: Prices | Measured) -> dict[str, Figure]:
    """Every figure of a document by its name; of a machine, by the machine's."""
    named = {name: value for name, value in document if isinstance(value, Figure)}
    if isinstance(document, Prices):
        named |= {sku.name: sku.usd_per_hour for sku in document.skus}
    return named


def _read(name: str) -> object:
    return yaml.safe_load(Path(__file__).with_name(name).read_text())
