"""What users would pick instead of a batch job, over the same rows with the same model."""

import os
import shutil
import subprocess
import time
import warnings
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
# MLflow hands onnxruntime the texts as pandas holds them, and onnxruntime does not take those of pandas 3.
_OLD_TEXTS: Final = {"PANDAS_FUTURE_INFER_STRING": "0"}


def run(console: Console, files: Files, model: Path, work_dir: Path) -> None:
    pieces = sorted(map(str, files.pieces.iterdir()))
    rows = _lines(files.floats)
    output = work_dir / "peer.csv"
    flat = work_dir / "flat"
    _save_flat(model, flat)
    predict = [
        *(str(_BIN / "mlflow"), "models", "predict", "--model-uri", str(flat), "--env-manager", "local"),
        *("--content-type", "csv", "--input-path", str(files.floats), "--output-path", str(work_dir / "peer.json")),
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
    console.print(f"peer: PANDAS_FUTURE_INFER_STRING=0 {' '.join(predict)}", soft_wrap=True)
    console.print(f"peer: {' '.join(loop)} {files.pieces}/*, a file of {MINI_BATCH:,} rows each", soft_wrap=True)


def _save_flat(model: Path, folder: Path) -> None:
    """The same graph with inputs `[rows]` instead of `[rows, 1]`: MLflow hands over the columns of a table so."""
    import mlflow.onnx
    import onnx
    from mlflow.models import get_model_info
    from onnx import TensorProto, helper

    made = onnx.load(model / "model.onnx")
    graph = made.graph
    names = [value.name for value in graph.input]
    for node in graph.node:
        renamed = [f"{name}_column" if name in names else name for name in node.input]
        del node.input[:]
        node.input.extend(renamed)
    for value in graph.input:
        value.type.tensor_type.shape.dim.pop()
        node = helper.make_node("Unsqueeze", [value.name, "column_axis"], [f"{value.name}_column"])
        graph.node.insert(0, node)
    graph.initializer.append(helper.make_tensor("column_axis", TensorProto.INT64, [1], [1]))
    shutil.rmtree(folder, ignore_errors=True)
    signature = get_model_info(str(model)).signature
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.onnx.save_model(made, folder, signature=signature, save_as_external_data=False, pip_requirements=[])


def _lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for _ in lines) - 1


def _seconds(command: Sequence[str]) -> float:
    started = time.perf_counter()
    _run(command, _OLD_TEXTS)
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
