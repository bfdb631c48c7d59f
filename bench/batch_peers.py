"""What users would pick instead of a batch job, over the same rows with the same model."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.batch_files import MINI_BATCH, YEARS, Files
from bench.peers.process import QUIET

_BIN: Final = Path("build/envs/mlflowserver/bin")
_LOOP: Final = Path("bench/peers/mini_batches.py")
_SCRIPT: Final = Path("bench/peers/azureml_batch/score.py")
_DEADLINE_S: Final = 300


def run(console: Console, files: Files, model: Path, work_dir: Path) -> None:
    pieces = sorted(map(str, files.pieces.iterdir()))
    rows = _lines(files.year)
    output = work_dir / "peer.csv"
    predict = [
        *(str(_BIN / "mlflow"), "models", "predict", "--model-uri", str(model), "--env-manager", "local"),
        *("--content-type", "csv", "--input-path", str(files.year), "--output-path", str(work_dir / "peer.json")),
    ]
    loop = [str(_BIN / "python"), str(_LOOP), str(_SCRIPT), str(output), "2"]
    table = Table(title="Batch, what users would pick instead, local files, one run each")
    for heading in ("who", "rows", "rows/s"):
        table.add_column(heading, justify="left" if heading == "who" else "right")
    with console.status("batch: mlflow models predict"):
        seconds = _seconds(predict)
        table.add_row("mlflow models predict, its start included", f"{rows:,}", f"{rows / seconds:,.0f}")
    with console.status("batch: run(mini_batch)"):
        rows *= YEARS
        environ = {"AZUREML_MODEL_DIR": str(model.absolute())}
        seconds = float(_run([*loop, *pieces], environ))
        table.add_row("run(mini_batch) in two processes, pandas", f"{rows:,}", f"{rows / seconds:,.0f}")
    console.print(table)
    console.print(f"peer: {' '.join(predict)}", soft_wrap=True)
    console.print(f"peer: {' '.join(loop)} {files.pieces}/*, a file of {MINI_BATCH:,} rows each", soft_wrap=True)


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines) - 1


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    _run(command, {})
    return time.perf_counter() - started


def _run(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """Raises RuntimeError with the last of what it said."""
    path = os.pathsep.join([str(_BIN.absolute()), os.environ.get("PATH", "")])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        env={**os.environ, **QUIET, "PATH": path, **environ},
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} …: {done.stderr.strip()[-500:]}")
    return done.stdout
