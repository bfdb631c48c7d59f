"""From a trained pipeline to what is published: an ONNX graph in an MLflow model folder."""

import uuid
import warnings
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import mlflow.onnx
import numpy as np
import pandas as pd
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from onnx import ModelProto, TensorProto, checker, helper
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from cli.sources.graphs import to_graph
from samples.flights.data import INPUTS, NUMBERS, OPTIONAL, STRINGS

LABEL_OUTPUT: Final = "late"
PROBABILITY_OUTPUT: Final = "late_probability"

_STRING_INPUTS: list[ColSpec | TensorSpec] = [ColSpec("string", name) for name in STRINGS]
_NUMBER_INPUTS: list[ColSpec | TensorSpec] = [
    ColSpec("double", name, required=name not in OPTIONAL) for name in NUMBERS
]
SIGNATURE: Final = ModelSignature(
    inputs=Schema(_STRING_INPUTS + _NUMBER_INPUTS),
    outputs=Schema([ColSpec("long", LABEL_OUTPUT), ColSpec("float", PROBABILITY_OUTPUT)]),
)

_CREATED_AT = "2013-10-01 00:00:00"


def onnx_model(pipeline: Pipeline, name: str, strings: Sequence[str] = STRINGS) -> ModelProto:
    """The pipeline as a graph: an input `[rows, 1]` per column; `late` and `late_probability` `[rows]` out.

    `strings`: which of the string columns the pipeline takes.
    Raises what `onnx.checker` raises if the graph is not a valid one.
    """
    columns = [(column, StringTensorType([None, 1])) for column in strings]
    columns += [(column, FloatTensorType([None, 1])) for column in NUMBERS]
    model = to_graph(pipeline, name, columns)
    _name_outputs(model)
    checker.check_model(model, full_check=True)
    return model


def _name_outputs(model: ModelProto) -> None:
    """skl2onnx ends in `label` and `probabilities [rows, 2]`; callers want words, and one number a row."""
    graph = model.graph
    graph.initializer.append(helper.make_tensor("late_class", TensorProto.INT64, [], [1]))
    graph.node.append(helper.make_node("Identity", ["label"], [LABEL_OUTPUT], name="name_label"))
    graph.node.append(
        helper.make_node("Gather", ["probabilities", "late_class"], [PROBABILITY_OUTPUT], name="take_late", axis=1)
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(LABEL_OUTPUT, TensorProto.INT64, [None]))
    graph.output.append(helper.make_tensor_value_info(PROBABILITY_OUTPUT, TensorProto.FLOAT, [None]))


def feeds(inputs: pd.DataFrame, columns: Iterable[str] = INPUTS) -> dict[str, np.ndarray]:
    """The graph's inputs, each `[rows, 1]`, from those `columns` of `data.inputs` that it takes."""
    return {column: inputs[column].to_numpy().reshape(-1, 1) for column in columns}


def save(model: ModelProto, example: pd.DataFrame, folder: Path) -> None:
    """An MLflow model (onnx flavor) in `folder`, with signature and input example (rows of raw inputs).

    Equal graphs give folders of equal bytes, so publishing a model that was trained again changes nothing:
    the id comes from the graph, and the time is the end of the training data rather than the clock's.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_OID, model.SerializeToString(deterministic=True).hex())
    example = example.astype(dict.fromkeys(NUMBERS, np.float64))
    # MLflow compares the column names with a range, which pandas' own string type deprecates.
    example.columns = example.columns.astype(object)
    with warnings.catch_warnings():
        # MLflow warns about the type hints of its own modules when they are first imported, which is here.
        warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType")
        mlflow.onnx.save_model(
            model,
            folder,
            mlflow_model=Model(model_uuid=identity.hex, utc_time_created=_CREATED_AT),
            signature=SIGNATURE,
            input_example=example,
            # Named here: MLflow would otherwise start a process that loads the model to find them out.
            pip_requirements=[f"{package}=={version(package)}" for package in ("onnx", "onnxruntime")],
            onnx_execution_providers=["CPUExecutionProvider"],
            save_as_external_data=False,
        )
