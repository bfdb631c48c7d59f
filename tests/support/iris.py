"""One tiny real model: logistic regression on the iris data, as an MLflow model with an onnx flavor."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def save(folder: Path) -> None:
    """Optional column: `petal_width`, imputed where it is missing. Outputs: `species` and `probabilities`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _save(folder)


def _save(folder: Path) -> None:
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.datasets import load_iris
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    data = load_iris(as_frame=True)
    frame = data.data.astype(np.float32)
    frame.columns = list(COLUMNS)
    pipeline = make_pipeline(
        ColumnTransformer([("numbers", SimpleImputer(), list(COLUMNS))]), LogisticRegression(max_iter=1000)
    ).fit(frame, data.target)
    graph = to_onnx(
        pipeline,
        initial_types=[(name, FloatTensorType([None, 1])) for name in COLUMNS],
        options={"zipmap": False},
        target_opset=18,
    )
    signature = ModelSignature(
        inputs=Schema([ColSpec("double", name, required=name != "petal_width") for name in COLUMNS]),
        outputs=Schema([ColSpec("long", "label")]),
    )
    mlflow.onnx.save_model(graph, folder, signature=signature, save_as_external_data=False)


def save_large(folder: Path) -> None:
    """A neural network on the same data, whose weights MLflow puts into a file of their own, as it does by default."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _save_large(folder)


def _save_large(folder: Path) -> None:
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec
    from onnx import numpy_helper
    from skl2onnx import to_onnx
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier

    features, species = load_iris(return_X_y=True)
    network = MLPClassifier((400,), max_iter=5, random_state=0).fit(features.astype(np.float32), species)
    graph = to_onnx(network, features[:1].astype(np.float32), options={"zipmap": False}, target_opset=18)
    for tensor in graph.graph.initializer:  # as most other exporters write them; only such weights are moved out
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    signature = ModelSignature(inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, 4))]))
    mlflow.onnx.save_model(graph, folder, signature=signature)


def rows(count: int) -> list[list[float]]:
    """Real flowers, `[count][4]`, again from the start when there are no more."""
    from sklearn.datasets import load_iris

    data: Any = load_iris().data
    return [[float(value) for value in data[row % len(data)]] for row in range(count)]


def request(count: int) -> bytes:
    return json.dumps({"input_data": {"columns": list(COLUMNS), "data": rows(count)}}).encode()


def csv(count: int) -> bytes:
    lines = [",".join(COLUMNS), *(",".join(map(str, row)) for row in rows(count))]
    return "\n".join(lines).encode() + b"\n"
