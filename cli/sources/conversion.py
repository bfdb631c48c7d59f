"""From a logged scikit-learn, XGBoost or LightGBM model to an ONNX graph that Slipway serves in its own process."""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from onnx import ModelProto

from cli.sources import fitted, onnx_folder
from cli.sources.agreement import TOLERANCE, Agreement, compare
from cli.sources.arriving import arriving
from cli.sources.fitted import Fitted
from cli.sources.graph_inputs import graph_inputs
from cli.sources.graphs import to_graph
from cli.sources.onnx_folder import WrittenSignature
from cli.sources.onnx_signature import outputs_of
from cli.sources.quiet import quiet
from shared.errors import MalformedRequest, SlipwayError
from shared.models.features import Converter
from shared.models.flavors.onnx import OnnxOptions, load
from shared.models.package import Origin
from shared.models.signature import Array, Signature

_KEPT: Final = ("run_id", "model_id")


class Converted(NamedTuple):
    """`folder`: an MLflow model with the onnx flavor."""

    folder: Path
    agreement: Agreement


def is_convertible(origin: Origin) -> bool:
    """Whether `convert` is worth offering."""
    return "onnx" not in origin.flavors and any(each in origin.flavors for each in fitted.FLAVORS)


def convert(folder: Path, into: Path, *, sample: Any = None, tolerance: float = TOLERANCE) -> Converted:
    """Compared on the model's input example and on `sample`, a DataFrame of its columns or an array of its tensor.

    Raises MalformedRequest when there is nothing to convert or to compare with, when a step has no counterpart in ONNX,
    and when a prediction differs by more than `tolerance`, as `agreement.TOLERANCE` says.
    """
    with quiet():
        model = fitted.load(folder)
        tables = [_rows(model.signature, each) for each in (model.example, sample) if each is not None]
        if not tables:
            raise MalformedRequest(
                f"{folder.name} has no input example to compare with: log it with one, or give a sample table"
            )
        expected = _joined([_predicted(model, rows) for rows in tables])
        graph = _graph(model, len(expected))
        content = graph.SerializeToString(deterministic=True)
        served = _served(model.signature, content, tables, list(expected))
        agreement = compare(expected, served, tolerance)
        if not agreement.holds:
            rounded = _joined([_predicted(model, _rounded(rows)) for rows in tables])
            raise MalformedRequest(
                f"{folder.name} was not converted: its graph differs in {agreement.spelled()}, {tolerance:g} is "
                f"allowed. {_why(model, compare(rounded, served, tolerance).holds)}, or publish the model as it is"
            )
        with arriving(into, f"{folder.name}-onnx") as arrival:
            inputs = json.loads(model.written["signature"]["inputs"])
            signature = WrittenSignature(inputs, tuple(outputs_of(graph.graph.output)))
            about = {name: model.written[name] for name in _KEPT if model.written.get(name)}
            onnx_folder.write(arrival.partial, content, signature, about)
    return Converted(arrival.folder, agreement)


def _rows(signature: Signature, given: Any) -> Any:
    """What the model is given, in its signature's order."""
    try:
        if signature.tensors:
            return np.asarray(given)
        return given[[column.name for column in signature.columns if column.required or column.name in given]]
    except (KeyError, TypeError, IndexError) as error:
        said = " ".join(str(error).split())
        raise MalformedRequest(f"the rows to compare with do not have the model's columns: {said}") from None


def _predicted(model: Fitted, rows: Any) -> dict[str, Array]:
    try:
        return fitted.outputs(model.estimator, rows)
    except SlipwayError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise MalformedRequest(f"the model itself fails with the rows to compare with: {said}") from error


def _joined(parts: Sequence[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _graph(model: Fitted, outputs: int) -> ModelProto:
    """With the first `outputs` of its outputs: the others cannot be compared."""
    kind = type(model.estimator).__name__
    try:
        graph = to_graph(_without_names(model.estimator), kind, graph_inputs(model.estimator, model.signature))
    except SlipwayError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise MalformedRequest(f"{kind} cannot be converted, publish the model as it is: {said}") from error
    del graph.graph.output[outputs:]
    return graph


def _without_names(estimator: Any) -> Any:
    """onnxmltools knows XGBoost's features by number only."""
    if not hasattr(estimator, "get_booster"):
        return estimator
    nameless = copy.deepcopy(estimator)
    nameless.get_booster().feature_names = None
    return nameless


def _served(signature: Signature, graph: bytes, tables: Sequence[Any], names: Sequence[str]) -> dict[str, Array]:
    """The answers that callers will get, by the names of the model's own."""
    try:
        onnx, converter = load(graph, {}, signature, OnnxOptions(1)), Converter(signature)
        answers = [onnx.predict(converter.arrays(_arrays(signature, rows)), {}, None) for rows in tables]
    except SlipwayError as error:
        raise MalformedRequest(f"the graph does not take the rows to compare with: {error.message}") from None
    return _joined([dict(zip(names, answer.values(), strict=True)) for answer in answers])


def _arrays(signature: Signature, rows: Any) -> dict[str, Array]:
    if signature.tensors:
        return {signature.tensors[0].name: rows}
    return {name: rows[name].to_numpy(object if rows[name].dtype.kind not in "biufM" else None) for name in rows}


def _rounded(rows: Any) -> Any:
    """As a graph gets them."""
    if isinstance(rows, np.ndarray):
        return rows.astype(np.float32).astype(rows.dtype) if rows.dtype.kind == "f" else rows
    doubles = [name for name in rows if rows[name].dtype.kind == "f"]
    return rows.astype(dict.fromkeys(doubles, np.float32)).astype(rows.dtypes[doubles].to_dict())


def _why(model: Fitted, is_of_inputs: bool) -> str:
    if is_of_inputs:
        return (
            "A graph takes float32, which keeps seven digits, and rounded so some values fall on the other side of a "
            "split or lose what counts: train on values that were rounded so (astype('float32'))"
        )
    last = model.estimator[-1] if hasattr(model.estimator, "steps") else None
    if hasattr(last, "get_booster"):
        return (
            "XGBoost takes the zeros of a sparse matrix for missing values, a graph does not: let the steps before "
            "it return dense ones (sparse_output=False, sparse_threshold=0) and train again"
        )
    return (
        "A graph computes in float32, with seven digits, what the model computes in float64: "
        "scale large numbers down before they are added up or multiplied"
    )
