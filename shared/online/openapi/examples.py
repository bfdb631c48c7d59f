"""Example requests that really score: what was kept with the model, else one row of zeros and empty texts."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.models.coercion import KINDS, tensor_dtype
from shared.models.signature import Signature
from shared.online.openapi.described import Answering, Json
from shared.online.protocols.oip_metadata import UNNAMED_INPUT, datatype


def azureml(answering: Answering) -> Json | None:
    row = _row(answering)
    if answering.is_script or row is None:
        return None
    data = {"columns": list(row), "data": [list(row.values())]} if answering.signature.columns else _bare(row)
    model = {"model": answering.of_many} if answering.of_many else {}
    return {"input_data": data, **_params(answering), **model}


def mlflow(answering: Answering) -> Json | None:
    row = _row(answering)
    if row is None:
        return None
    if answering.signature.columns:
        form: Json = {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}
    else:
        form = {"inputs": _bare(row)}
    return {**form, **_params(answering)}


def table(answering: Answering) -> str | None:
    """The same as CSV."""
    row = _row(answering)
    if row is None or not answering.signature.columns:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(row)
    writer.writerow("" if each is None else each for each in row.values())
    return text.getvalue()


def oip(answering: Answering) -> Json | None:
    row = _row(answering)
    if row is None:
        return None
    kinds: dict[str, str] = {column.name: column.type for column in answering.signature.columns}
    kinds |= {tensor.name: tensor.dtype for tensor in answering.signature.tensors}
    inputs = [
        {
            "name": name or UNNAMED_INPUT,
            "shape": [1] if answering.signature.columns else list(np.array(data, dtype=object).shape),
            "datatype": datatype(kinds[name]),
            "data": [data] if answering.signature.columns else data,
        }
        for name, data in row.items()
        if data is not None  # an optional column, which may be left out
    ]
    params = _params(answering)
    return {"inputs": inputs, **({"parameters": params["params"]} if params else {})}


def _bare(row: Mapping[str, Any]) -> Any:
    return row[""] if list(row) == [""] else row


def _params(answering: Answering) -> Json:
    kept = answering.example.get("params")
    return {"params": kept} if kept else {}


def _row(answering: Answering) -> Json | None:
    """One row: a value a column, or a nested list with one row a tensor. None where nothing is known."""
    signature = answering.signature
    if not signature.columns and not signature.tensors:
        return None
    return _kept(answering) or {**_sampled(signature), **answering.segment}


def _kept(answering: Answering) -> Json | None:
    """The first row of the example, if it has the form that MLflow writes."""
    example, signature = answering.example, answering.signature
    names = [tensor.name for tensor in signature.tensors]
    match example:
        case {"dataframe_split": {"columns": [*columns], "data": [[*first], *_]}} if signature.columns:
            row = dict(zip(map(str, columns), first, strict=False))
            required = {column.name for column in signature.columns if column.required}
            return row if required <= row.keys() <= {column.name for column in signature.columns} else None
        case {"inputs": dict(inputs)} if signature.tensors and set(names) == set(inputs):
            return {name: inputs[name][:1] for name in names}
        case {"inputs": [first, *_]} if len(names) == 1:
            return {names[0]: [first]}
    return None


def _sampled(signature: Signature) -> Json:
    if signature.columns:
        return {column.name: KINDS[column.type].sample for column in signature.columns}
    return {
        tensor.name: np.full(
            [1 if size == -1 else size for size in tensor.shape], {"b": False, "O": ""}.get(kind, 0)
        ).tolist()
        for tensor in signature.tensors
        for kind in [tensor_dtype(tensor.dtype).kind]
    }
