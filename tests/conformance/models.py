"""The models that the clients call: small, real where that tells more, and of every type that the protocols carry."""

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import mlflow.onnx
import mlflow.pyfunc
import mlflow.sklearn
import numpy as np
import onnx
import onnxruntime
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from tests.conformance.handover import Sample

COLUMNS: Final = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
ROWS: Final = 3
_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}


def save_all(folder: Path) -> dict[str, Sample]:
    """MLflow model folders by the names of the endpoints that will serve them, and a sample of each."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    makers: dict[str, Callable[[Path], Sample]] = {
        "iris-columns": _columns,
        "iris-tensor": _tensor,
        "many-types": _many_types,
        "iris-plain": _plain,
        "iris-params": _params,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: make(folder / name) for name, make in makers.items()}


def _flowers() -> tuple[Any, Any]:
    features, species = load_iris(return_X_y=True)
    return features.astype(np.float32), species


def _rows(features: Any) -> list[list[float]]:
    """Three flowers, one of each species."""
    return [[round(float(value), 1) for value in features[row]] for row in (0, 60, 120)]


def _columns(folder: Path) -> Sample:
    """Boosted trees behind a column signature, the last column optional: a graph that MLflow's server can run, too."""
    features, species = _flowers()
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(features, species)
    graph = to_onnx(model, features[:1], target_opset=_OPSETS)
    columns: list[ColSpec | TensorSpec] = [ColSpec("double", name, required=name != "petal_width") for name in COLUMNS]
    signature = ModelSignature(inputs=Schema(columns), outputs=Schema([ColSpec("float", "variable")]))
    mlflow.onnx.save_model(graph, folder, signature=signature, save_as_external_data=False)
    rows = _rows(features)
    (predicted,) = _run(graph, {"X": np.array(rows, np.float32)})
    return Sample(COLUMNS, rows, {"variable": predicted.reshape(-1).tolist()})


def _tensor(folder: Path) -> Sample:
    features, species = _flowers()
    model = LogisticRegression(max_iter=1000).fit(features, species)
    graph = to_onnx(model, features[:1], options={"zipmap": False}, target_opset=_OPSETS)
    outputs: list[ColSpec | TensorSpec] = [
        TensorSpec(np.dtype(np.int64), (-1,), "label"),
        TensorSpec(np.dtype(np.float32), (-1, 3), "probabilities"),
    ]
    signature = ModelSignature(inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 4), "X")]), outputs=Schema(outputs))
    mlflow.onnx.save_model(graph, folder, signature=signature, save_as_external_data=False)
    rows = _rows(features)
    label, probabilities = _run(graph, {"X": np.array(rows, np.float32)})
    return Sample(["X"], rows, {"label": label.tolist(), "probabilities": probabilities.tolist()})


# name, ONNX type, numpy type, shape after the rows, and the operator that makes the output `{name}_out` of it
_TYPES: Final[tuple[tuple[str, int, str, tuple[int, ...], str], ...]] = (
    ("text", TensorProto.STRING, "object", (), "Identity"),
    ("whole", TensorProto.INT64, "int64", (), "Neg"),
    ("short", TensorProto.INT32, "int32", (), "Neg"),
    ("precise", TensorProto.DOUBLE, "float64", (), "Neg"),
    ("single", TensorProto.FLOAT, "float32", (3,), "Neg"),
    ("half", TensorProto.FLOAT16, "float16", (), "Neg"),
    ("flag", TensorProto.BOOL, "bool", (), "Not"),
)
_MANY: Final[dict[str, list[Any]]] = {
    "text": ["zürich", ""],
    "whole": [2**60 + 1, -7],
    "short": [2**31 - 1, -1],
    "precise": [0.1, 1e300],
    "single": [[1.5, -2.0, 0.25], [3.0, 0.0, -1.0]],
    "half": [0.5, -2.0],
    "flag": [True, False],
}


def _many_types(folder: Path) -> Sample:
    """Every input negated; texts as they are."""
    nodes = [helper.make_node(operator, [name], [f"{name}_out"]) for name, *_, operator in _TYPES]
    inputs, outputs = (
        [helper.make_tensor_value_info(name + ending, kind, ["rows", *shape]) for name, kind, _, shape, _ in _TYPES]
        for ending in ("", "_out")
    )
    opsets = [helper.make_opsetid("", 18)]
    graph = helper.make_model(helper.make_graph(nodes, "many", inputs, outputs), opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(graph)
    signature = ModelSignature(inputs=_schema(""), outputs=_schema("_out"))
    mlflow.onnx.save_model(graph, folder, signature=signature, save_as_external_data=False)
    feeds = {name: np.array(_MANY[name], dtype) for name, _, dtype, _, _ in _TYPES}
    names = [f"{name}_out" for name, *_ in _TYPES]
    said = dict(zip(names, (array.tolist() for array in _run(graph, feeds)), strict=True))
    columns = [name for name, *_ in _TYPES]
    return Sample(columns, [[_MANY[name][row] for name in columns] for row in range(2)], said)


def _schema(ending: str) -> Schema:
    specs: list[ColSpec | TensorSpec] = [
        TensorSpec(np.dtype(dtype), (-1, *shape), name + ending) for name, _, dtype, shape, _ in _TYPES
    ]
    return Schema(specs)


def _plain(folder: Path) -> Sample:
    """Logged without a signature."""
    features, species = _flowers()
    frame = pd.DataFrame(features, columns=COLUMNS)
    model = LogisticRegression(max_iter=1000).fit(frame, species)
    mlflow.sklearn.save_model(model, folder, pip_requirements=[])
    rows = _rows(features)
    return Sample(COLUMNS, rows, {"": model.predict(pd.DataFrame(rows, columns=COLUMNS)).tolist()})


def _params(folder: Path) -> Sample:
    features, _ = _flowers()
    signature = ModelSignature(
        inputs=Schema([ColSpec("double", name) for name in COLUMNS]),
        outputs=Schema([ColSpec("double")]),
        params=ParamSchema([ParamSpec("factor", "double", 1.0)]),
    )
    code = folder.parent / "scaled.py"
    code.write_text(_SCALED)
    mlflow.pyfunc.save_model(folder, python_model=str(code), signature=signature, pip_requirements=[])
    rows = _rows(features)
    return Sample(COLUMNS, rows, {"": [sum(row) for row in rows]})


# Written out, and not pickled from here: MLflow's server must be able to load it without this checkout.
_SCALED: Final = """
import mlflow.pyfunc
import pandas as pd
from mlflow.models import set_model


class Scaled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None):
        return (model_input.sum(axis=1) * (params or {}).get("factor", 1.0)).tolist()


set_model(Scaled())
"""


def _run(graph: Any, feeds: dict[str, Any]) -> list[Any]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))
