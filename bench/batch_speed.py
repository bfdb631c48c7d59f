"""Rows per second of a large job, beside a bare pyarrow + onnxruntime loop over the same local file, in turns."""

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from bench import contest, endpoints, jobs
from bench.batch_files import YEARS, Files
from bench.batch_verdict import Verdict, at_least
from bench.jobs import Took
from devhost.stack import Stack

_PAIRS: Final = 3
_TARGETS: Final = {"csv": 0.6, "parquet": 0.7}


class _Bare(NamedTuple):
    rows_s: float
    seconds: float
    cpu_s: float


def run(console: Console, stack: Stack, files: Files, model: Path) -> list[Verdict]:
    return [_beside(console, stack, file, model) for file in (files.csv, files.parquet)]


def _beside(console: Console, stack: Stack, file: Path, model: Path) -> Verdict:
    form = file.suffix.removeprefix(".")
    output = file.with_name(f"bare-{form}.parquet")
    command = [sys.executable, "-m", "bench.bare_loop", str(file), str(model), str(output), "2"]
    with console.status(f"batch: {file.name}"):
        location = jobs.upload(stack, f"{endpoints.FLIGHTS}/{file.name}", file)
        jobs.run(stack, endpoints.FLIGHTS, location)  # loads the model
        pairs = [_pair(stack, location, command, turn) for turn in range(_PAIRS)]
    mine, theirs = zip(*pairs, strict=True)
    _print(console, f"{form}, {file.stat().st_size / 1e6:,.0f} MB", mine, theirs)
    console.print(f"bare loop: {' '.join(['python', *command[1:]])}", soft_wrap=True)
    title = f"{form}: rows/s, slipway / bare loop"
    measured = contest.ratio(console, title, [job.rows_s for job in mine], [loop.rows_s for loop in theirs])
    return at_least(title, _TARGETS[form], measured)


def _pair(stack: Stack, location: str, command: list[str], turn: int) -> tuple[Took, _Bare]:
    """Every other pair goes the other way about."""
    if turn % 2:
        bare = _bare(command)
        return jobs.run(stack, endpoints.FLIGHTS, location), bare
    return jobs.run(stack, endpoints.FLIGHTS, location), _bare(command)


def _bare(command: list[str]) -> _Bare:
    environ = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    rows, seconds, cpu_s = map(float, done.stdout.split())
    return _Bare(rows / seconds, seconds, cpu_s)


def _print(console: Console, title: str, mine: tuple[Took, ...], theirs: tuple[_Bare, ...]) -> None:
    rows = mine[0].counts.rows
    table = Table(title=f"Batch, the year of flights {YEARS} times ({rows:,} rows), {title}: medians of {_PAIRS} pairs")
    for heading in ("who", "rows/s", "wall", "of it planning", "own CPU", "storage's CPU"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    told = [(job.rows_s, job.seconds, job.planning_s, job.app_cpu_s, job.storage_cpu_s) for job in mine]
    rate, seconds, planning_s, app_s, storage_s = map(statistics.median, zip(*told, strict=True))
    table.add_row(
        "slipway: submitted to ended, storage included",
        f"{rate:,.0f}", f"{seconds:.1f} s", f"{planning_s:.1f} s", f"{app_s:.1f} s", f"{storage_s:.1f} s",
    )  # fmt: skip
    rate, seconds, cpu_s = map(statistics.median, zip(*theirs, strict=True))
    table.add_row(
        "bare loop: a local file, nothing checked", f"{rate:,.0f}", f"{seconds:.1f} s", "", f"{cpu_s:.1f} s", ""
    )
    console.print(table)
