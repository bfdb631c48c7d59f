"""How an endpoint's jobs are run: the file's `batch` part, and what of it one job may set for itself.

Names are Azure ML's where it has one.
"""

import codecs
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from shared.documents import Document
from shared.endpoints.deployment import Name

type Format = Literal["csv", "jsonl", "parquet"]
type InputFormat = Literal["auto", "csv", "jsonl", "parquet", "files"]
type OutputAction = Literal["append_row", "summary_only"]

ALL_COLUMNS = "*"
# Python's codecs that are no encodings of files; some take time that grows with the square of the length.
_NO_FILES = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7"})


def _rows_or_percent(threshold: int | str) -> int | str:
    if isinstance(threshold, str) and float(threshold.removesuffix("%")) > 100:
        raise ValueError("a percentage is at most 100%")
    return threshold


def _encoding(name: str) -> str:
    try:
        if codecs.lookup(name).name in _NO_FILES:
            raise LookupError
        "x".encode(name)  # unlike codecs.lookup, it refuses those that make no text
    except (LookupError, ValueError):
        raise ValueError(f"'{name}' is no encoding of files that is known: use utf-8, utf-16 or cp1252") from None
    return name


def _six_fields(cron: str) -> str:
    if len(cron.split()) != 6:
        raise ValueError("a schedule has six fields: {sec} {min} {hour} {day} {month} {dow}")
    try:
        first = next(CronSim(cron, datetime(2026, 1, 1)), None)  # noqa: DTZ001 - any time tells whether it comes
    except CronSimError as error:
        raise ValueError(f"'{cron}' is not a schedule: {error}") from None
    if first is None:
        raise ValueError(f"'{cron}' never comes: name a day that its months have")
    return cron


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        raise ValueError(f"'{name}' is no time zone: write it as Europe/Zurich or UTC") from None
    return name


type Threshold = Annotated[
    Annotated[int, Field(ge=-1)] | Annotated[str, Field(pattern=r"^\d{1,3}(\.\d{1,6})?%$")],
    AfterValidator(_rows_or_percent),
]
"""Rows, or a percentage of them, that may be rejected before the job fails; -1: any number."""


def _free_name(name: str) -> str:
    if name in _RELIED_ON or name.startswith("part-"):
        raise ValueError(f"'{name}' is what something else in an output is called: choose another name")
    return name


# What readers find in an output besides its predictions.
_RELIED_ON = ("manifest.json", "rejected.jsonl", "latest.json")
# No path: readers skip `_` and `.`.
type FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][-A-Za-z0-9_.]{0,127}$"), AfterValidator(_free_name)]
# Of ASCII, as both are looked for byte by byte.
type Delimiter = Annotated[str, Field(pattern=r"^[\t\x20!#-\x7e]$")]
type QuoteChar = Annotated[str, Field(pattern=r"^[!-\x7e]?$")]
type Encoding = Annotated[str, AfterValidator(_encoding)]


class RetrySettings(Document):
    """Of a mini-batch whose model fails in a way that may pass. `timeout`: of one try, s."""

    max_retries: int = Field(default=3, ge=0, le=10)
    timeout: float = Field(default=300, gt=0, le=600)


class CsvOptions(Document):
    """How a CSV is written. Without `header` its columns are those of the signature, in their order."""

    delimiter: Delimiter = ","
    quote_char: QuoteChar = '"'
    encoding: Encoding = "utf-8"
    header: bool = True


class JobSettings(Document):
    """What one job runs with: the endpoint's settings, and over them what its caller asked for."""

    mini_batch_size: int = Field(default=5000, ge=1, le=1_000_000, description="rows; of file inputs, files")
    max_concurrency: int = Field(default=2, ge=1, le=64, description="mini-batches at once")
    error_threshold: Threshold = -1
    retry_settings: RetrySettings = RetrySettings()
    input_format: InputFormat = "auto"
    csv: CsvOptions = CsvOptions()
    output_action: OutputAction = "append_row"
    output_format: Format = "parquet"
    output_file_name: FileName | None = None
    output_columns: tuple[str, ...] = Field(default=(), max_length=1000)

    def with_overrides(self, overrides: "Overrides") -> Self:
        """Raises pydantic's ValidationError."""
        given = overrides.model_dump(exclude_none=True)
        own = self.model_dump(include=set(given))
        merged = {name: own[name] | value if isinstance(value, dict) else value for name, value in given.items()}
        return type(self).model_validate(self.model_dump() | merged)


class RetryOverrides(Document):
    max_retries: int | None = Field(default=None, ge=0, le=10)
    timeout: float | None = Field(default=None, gt=0, le=600)


class CsvOverrides(Document):
    delimiter: Delimiter | None = None
    quote_char: QuoteChar | None = None
    encoding: Encoding | None = None
    header: bool | None = None


class Overrides(Document):
    """Fields of JobSettings that one job sets for itself; None: as the endpoint says."""

    mini_batch_size: int | None = Field(default=None, ge=1, le=1_000_000)
    max_concurrency: int | None = Field(default=None, ge=1, le=64)
    error_threshold: Threshold | None = None
    retry_settings: RetryOverrides | None = None
    input_format: InputFormat | None = None
    csv: CsvOverrides | None = None
    output_action: OutputAction | None = None
    output_format: Format | None = None
    output_file_name: FileName | None = None
    output_columns: tuple[str, ...] | None = Field(default=None, max_length=1000)


class CatchUp(StrEnum):
    """What becomes of due times that passed while nothing ran."""

    RUN_ONCE = "run_once"
    RUN_ALL = "run_all"
    SKIP = "skip"


class Schedule(Document):
    """`input`: a blob, or all blobs below a prefix with a slash at its end, or those that a pattern matches.

    `overlap`: whether a job starts while an earlier one of the same schedule is not over.
    """

    name: Name
    cron: Annotated[str, AfterValidator(_six_fields)]
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    input: str = Field(min_length=1, max_length=900)
    catch_up: CatchUp = CatchUp.RUN_ONCE
    overlap: Literal["allow", "skip"] = "allow"
    params: dict[str, Any] = {}


class BatchSettings(JobSettings):
    """`drop`: whether each dropped file is a job, or each folder once `_READY` lies in it.

    `allowed_inputs`, `allowed_outputs`: prefixes beside `inbox/{endpoint}/` and `predictions/{endpoint}/`.
    """

    deployment: Name | None = None
    drop: Literal["file", "folder"] = "file"
    allowed_inputs: tuple[str, ...] = Field(default=(), max_length=50)
    allowed_outputs: tuple[str, ...] = Field(default=(), max_length=50)
    schedules: tuple[Schedule, ...] = Field(default=(), max_length=50)

    @property
    def job(self) -> JobSettings:
        return JobSettings.model_validate({name: getattr(self, name) for name in JobSettings.model_fields})
