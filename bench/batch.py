"""Batch jobs: rows per second beside others, the time of the smallest one, and what a mini-batch costs."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import batch_files, batch_peers, batch_small, batch_speed, endpoints, models
from bench.batch_verdict import Verdict
from devhost.stack import Stack
from samples.flights.train import DEFAULT_OUT

MODEL = DEFAULT_OUT / "models" / "blue"


def run(console: Console, stack: Stack, work_dir: Path) -> None:
    # Files in the inbox start no job by themselves.
    batch = {"drop": "folder", "mini_batch_size": batch_files.MINI_BATCH, "max_concurrency": 2}
    endpoints.publish(stack, endpoints.FLIGHTS, MODEL, {"blue": {}}, batch=batch)
    heavy = {**batch, "mini_batch_size": batch_files.HEAVY_ROWS}
    endpoints.publish(stack, endpoints.HEAVY, models.OUT / "heavy", {"blue": {}}, batch=heavy)
    with console.status("batch: writing the year of flights ten times over"):
        files = batch_files.make(work_dir / "files")
    verdicts = [
        *batch_speed.run(console, stack, files, MODEL / "model.onnx"),
        batch_small.one_row(console, stack, files),
        batch_small.concurrency(console, stack, files),
        batch_small.overhead(console, stack, files),
    ]
    batch_peers.run(console, files, MODEL, work_dir)
    _print(console, verdicts)


def _print(console: Console, verdicts: list[Verdict]) -> None:
    table = Table(title="Batch, held to its targets")
    for heading in ("what", "target", "measured", ""):
        table.add_column(heading)
    for each in verdicts:
        table.add_row(each.what, each.target, each.measured, "[green]met[/green]" if each.met else "[red]missed[/red]")
    console.print(table)
