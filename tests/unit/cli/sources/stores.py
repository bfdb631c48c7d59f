"""A real MLflow store with real models in it, and models of other makings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from onnx import ModelProto, TensorProto, helper

from cli.sources.quiet import quiet


class Store(NamedTuple):
    """`run_id`, `model_id`: of version 1 of the model `iris`, which has the alias `champion`."""

    uri: str
    run_id: str
    model_id: str


@contextmanager
def tracked(uri: str) -> Iterator[Any]:
    """MLflow with this store, and afterwards with none."""
    with quiet():
        import mlflow

        mlflow.set_tracking_uri(uri)
        try:
            yield mlflow
        finally:
            unset: Any = None
            mlflow.set_tracking_uri(unset)


def fill(uri: str, artifacts: str | None) -> Store:
    """Two versions of `iris`; the run of the first has a file besides, which is no model."""
    with tracked(uri) as mlflow:
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression

        features, species = load_iris(return_X_y=True, as_frame=True)
        model = LogisticRegression(max_iter=1000).fit(features, species)
        experiment = mlflow.create_experiment("flowers", artifact_location=artifacts)
        with mlflow.start_run(experiment_id=experiment) as run:
            mlflow.log_text("not a model", "notes.txt")
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                input_example=features.head(3),
                registered_model_name="iris",
                pip_requirements=["a==1"],
            )
        client = mlflow.MlflowClient()
        client.create_model_version("iris", logged.model_uri, run.info.run_id, model_id=logged.model_id)
        client.set_registered_model_alias("iris", "champion", "1")
        client.set_model_version_tag("iris", "1", "approved_by", "Ada")
        return Store(uri, run.info.run_id, logged.model_id)


def save_sklearn(folder: Path, model: Any, rows: Any, *, example: bool = True) -> Path:
    """Fitted already, with a signature from `rows`."""
    with quiet():
        import mlflow.sklearn
        from mlflow.models import infer_signature

        mlflow.sklearn.save_model(
            model,
            folder,
            signature=infer_signature(rows, model.predict(rows)),
            input_example=rows[:5] if example else None,
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    return folder


def identity(inputs: list[tuple[str, int, list[int | str | None]]]) -> ModelProto:
    """A graph with these inputs (name, type, shape), each of which it returns as `{name}_out`."""
    values = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in inputs]
    results = [helper.make_tensor_value_info(f"{name}_out", kind, shape) for name, kind, shape in inputs]
    nodes = [helper.make_node("Identity", [name], [f"{name}_out"]) for name, _, _ in inputs]
    graph = helper.make_graph(nodes, "same", values, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def weighted() -> ModelProto:
    """A graph of four numbers a row, times weights that can be kept beside it."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], np.ones(8, np.float32).tobytes(), raw=True)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2])
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "weighted", [x], [y], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
