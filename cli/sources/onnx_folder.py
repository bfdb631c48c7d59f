"""An MLflow model folder with the onnx flavor, whose bytes depend on the graph and its signature alone.

What MLflow writes itself has new ids and times each time, so that the same model could not be published twice.
Source of the fields: mlflow.onnx.save_model and https://mlflow.org/docs/latest/ml/model/#model-format
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

GRAPH_FILE: Final = "model.onnx"
_REQUIREMENTS: Final = ("mlflow", "onnx", "onnxruntime")


class WrittenSignature(NamedTuple):
    """Lists of column or tensor specs in MLflow's own words."""

    inputs: Sequence[Mapping[str, Any]]
    outputs: Sequence[Mapping[str, Any]]


def write(folder: Path, graph: bytes, signature: WrittenSignature, about: Mapping[str, Any]) -> None:
    """Into a folder that is there. `about`: further fields of the MLmodel file, such as its run_id."""
    (folder / GRAPH_FILE).write_bytes(graph)
    (folder / "requirements.txt").write_text("".join(f"{name}\n" for name in _REQUIREMENTS))
    mlmodel = {
        **about,
        "flavors": {
            "onnx": {"data": GRAPH_FILE, "providers": ["CPUExecutionProvider"], "onnx_session_options": None},
            "python_function": {"data": GRAPH_FILE, "loader_module": "mlflow.onnx"},
        },
        "model_uuid": hashlib.sha256(graph).hexdigest()[:32],
        "signature": {
            "inputs": json.dumps([dict(each) for each in signature.inputs]),
            "outputs": json.dumps([dict(each) for each in signature.outputs]) if signature.outputs else None,
            "params": None,
        },
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(mlmodel, sort_keys=True))
