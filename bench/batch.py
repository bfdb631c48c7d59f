"""Rows per second of a batch job, beside a bare pyarrow + onnxruntime loop over the same file."""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import psutil
import requests
from rich.console import Console
from rich.table import Table

from devhost.stack import Stack
from samples.flights.local import ENDPOINT, storage, token
from samples.flights.train import DEFAULT_OUT
from shared.auth.access import Role
from shared.batch.job import dropped_id
from shared.ports import Container

_PAIRS: Final = 5
_MODEL: Final = DEFAULT_OUT / "models" / "blue" / "model.onnx"


def run(console: Console, stack: Stack, work_dir: Path) -> None:
    year = _write_year(work_dir)
    command = [sys.executable, "-m", "bench.bare_loop", str(year), str(_MODEL), str(work_dir / "bare.parquet"), "2"]
    pairs: list[tuple[float, float, float]] = []
    with console.status("batch: the year of flights"):
        _job_rows_s(stack, year, "warm-up")
        for number in range(_PAIRS):
            job, cpu_s = _job_rows_s(stack, year, str(number))
            pairs.append((job, _bare_rows_s(command), cpu_s))
    _print(console, pairs, command)


def _write_year(work_dir: Path) -> Path:
    from samples.flights import data  # pandas

    year = work_dir / "2013.csv"
    data.write_csv(year, data.load())
    return year


def _job_rows_s(stack: Stack, year: Path, name: str) -> tuple[float, float]:
    """From the start of planning to the end of the job, by the job document; and the host's CPU seconds."""
    pid = stack.host_pid
    assert pid is not None  # noqa: S101 - the stack runs
    process = psutil.Process(pid)
    before = sum(process.cpu_times()[:2])
    inbox = storage(stack).get_container_client(Container.INBOX.value)
    if not inbox.exists():
        inbox.create_container()
    blob = f"{ENDPOINT}/bench-{name}.csv"
    etag = inbox.upload_blob(blob, year.read_bytes()).get_blob_properties().etag
    job = _finished(stack, dropped_id(f"{Container.INBOX}/{blob}", etag))
    seconds = _instant(job["finished_at"]) - _instant(job["created_at"])
    return job["counts"]["rows"] / seconds, sum(process.cpu_times()[:2]) - before


def _finished(stack: Stack, job_id: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token(stack, [Role.READ])}"}
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        reply = requests.get(f"{stack.url}/endpoints/{ENDPOINT}/jobs/{job_id}", headers=headers, timeout=30)
        if reply.ok and (job := reply.json())["finished_at"]:
            if job["status"] != "Completed":
                raise RuntimeError(job["error"]["message"])
            return dict(job)
        time.sleep(0.5)
    raise TimeoutError("the job did not end")


def _instant(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


def _bare_rows_s(command: list[str]) -> float:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    )
    rows, seconds = done.stdout.split()
    return int(rows) / float(seconds)


def _print(console: Console, pairs: list[tuple[float, float, float]], command: list[str]) -> None:
    table = Table(title=f"Batch, 336,776 flights in CSV, medians of {_PAIRS} rounds")
    table.add_column("who")
    table.add_column("rows/s", justify="right")
    jobs, loops, cpu_s = zip(*pairs, strict=True)
    table.add_row("slipway: job created to job closed, Azurite beside it", f"{statistics.median(jobs):,.0f}")
    table.add_row("bare pyarrow + onnxruntime loop, local file", f"{statistics.median(loops):,.0f}")
    console.print(table)
    ratios = sorted(mine / theirs for mine, theirs, _ in pairs)
    console.print(
        f"rows/s, slipway / bare loop, pair by pair: median [bold]{statistics.median(ratios):.2f}[/bold] "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}); host CPU a job {statistics.median(cpu_s):.1f} s"
    )
    console.print(f"peer: {' '.join(['python', *command[1:]])}", soft_wrap=True)
