"""Folders of models as their authors leave them, to be published and called over HTTP."""

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.models.package import CodeConfiguration

CODE: Final = CodeConfiguration(code="code", scoring_script="score.py", model="model")

# Does as it is told; it tells which process it is, and what init() found.
SCORE: Final = """
import json, os, threading
from pathlib import Path

def init():
    global greeting
    greeting = (Path(os.environ["AZUREML_MODEL_DIR"]) / "greeting.txt").read_text()

def run(raw_data):
    asked = json.loads(raw_data)
    do = asked.get("do")
    if do == "fail":
        raise ValueError("the password is hunter2")
    if do == "tell":
        return sorted(os.environ)
    if do == "hang":
        threading.Event().wait()
    if do == "wait":
        Path(os.environ["GATE"]).read_text()
    return {"pid": os.getpid(), "greeting": greeting, "asked": asked}
"""

# Is given the whole request; its reply claims to be another's.
RAW: Final = """
import json
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init(): pass

@rawhttp
def run(request):
    told = {"method": request.method, "args": dict(request.args), "body": request.get_data().decode(),
            "headers": {name.lower(): value for name, value in request.headers.items()}}
    own = {"x-own": "1", "x-request-id": "mine", "azureml-model-deployment": "red", "x-slipway-model": "other/1"}
    return AMLResponse(json.dumps(told), 201, own, json_str=False)
"""


def save_script(folder: Path, source: str = SCORE) -> None:
    """A score.py with the model `greeting.txt`; its CodeConfiguration is `CODE`."""
    for name, text in (("code/score.py", source), ("model/greeting.txt", "grüezi")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def save_times(folder: Path, factor: float, *columns: str) -> None:
    """An onnx model that multiplies its column `x`; `columns` are in its signature besides, for others to read."""
    from onnx import TensorProto, helper

    numbers = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["rows", 1]) for name in ("x", "y")]
    constant = helper.make_tensor("factor", TensorProto.DOUBLE, [1], np.array([factor]))
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    graph = helper.make_graph(nodes, "times", numbers[:1], numbers[1:], [constant])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _save_onnx(made, folder, columns)


def _save_onnx(graph: Any, folder: Path, columns: tuple[str, ...]) -> None:
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    texts = [ColSpec("string", name) for name in columns]
    signature = ModelSignature(Schema([*texts, ColSpec("double", "x")]), Schema([ColSpec("double", "y")]))
    mlflow.onnx.save_model(graph, folder, signature=signature, save_as_external_data=False, pip_requirements=["onnx"])


def save_many(folder: Path, segments: str, factors: dict[str, float], *columns: str) -> None:
    """Models by their keys; `segments`: what is in segments.yaml."""
    for key, factor in factors.items():
        save_times(folder / "models" / key, factor, *columns)
    (folder / "segments.yaml").write_text(segments)


def save_image_model(folder: Path) -> None:
    """An onnx model that takes images of any size, and gives the mean of their pixels as `mean`."""
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec
    from onnx import TensorProto, helper

    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["images", "height", "width", 3])
    mean = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["images"])
    axes = helper.make_tensor("axes", TensorProto.INT64, [3], np.array([1, 2, 3]))
    nodes = [helper.make_node("ReduceMean", ["pixels", "axes"], ["mean"], keepdims=0)]
    graph = helper.make_graph(nodes, "brightness", [pixels], [mean], [axes])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    spec = TensorSpec(np.dtype(np.float32), (-1, -1, -1, 3), "pixels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        signature = ModelSignature(Schema([spec]), Schema([ColSpec("float", "mean")]))
        mlflow.onnx.save_model(
            made, folder, signature=signature, save_as_external_data=False, pip_requirements=["onnx"]
        )
