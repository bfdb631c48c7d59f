"""Azure ML's scoring contract: `input_data` in, the bare predictions out.

Source: Azure ML's documentation of MLflow models in managed online endpoints.
"""

from typing import Any

import orjson

from shared.errors import MalformedRequest, UnsupportedMediaType
from shared.models.features import from_table, from_tensors
from shared.models.scoring import Predictions
from shared.models.signature import Features, Signature

REPLY_TYPE = "application/json"


def parse(body: bytes, content_type: str | None, signature: Signature) -> Features:
    """Raises UnsupportedMediaType, MalformedRequest, SchemaMismatch."""
    if content_type is not None and content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("send the request as Content-Type: application/json")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from None
    if not isinstance(document, dict) or "input_data" not in document:
        raise MalformedRequest('the body must be an object with the member "input_data"')
    if unknown := sorted(set(document) - {"input_data", "params"}):
        raise MalformedRequest(f'unknown members beside "input_data": {", ".join(unknown)[:200]}')
    # As in MLflow, a model whose signature names no params is not given any.
    if not isinstance(document.get("params", {}), dict | None):
        raise MalformedRequest('"params" must be an object')
    data = document["input_data"]
    return _columns(data, signature) if signature.columns else _tensors(data, signature)


def _columns(data: Any, signature: Signature) -> Features:
    if isinstance(data, dict) and "columns" in data and "data" in data:
        names, rows, index = data["columns"], data["data"], data.get("index")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise MalformedRequest('"columns" must be a list of names')
        if index is not None and (not isinstance(index, list) or not isinstance(rows, list) or len(index) != len(rows)):
            raise MalformedRequest('"index" must have one entry for each row of "data"')
    elif isinstance(data, list):
        names, rows = None, data
    else:
        raise MalformedRequest('"input_data" must hold "columns" and "data" (and "index"), or be a list of rows')
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise MalformedRequest("the rows must be lists of values, one list a row")
    return from_table(signature, names, rows)


def _tensors(data: Any, signature: Signature) -> Features:
    if not isinstance(data, list | dict):
        raise MalformedRequest('"input_data" must be a list, or an object of named lists')
    return from_tensors(signature, data)


def render(predictions: Predictions) -> bytes:
    """One output: a list with an entry a row. Several: a list of records, one a row, as MLflow's tables come back."""
    outputs = predictions.outputs
    if len(outputs) == 1:
        return orjson.dumps(next(iter(outputs.values())).tolist())
    columns = [array.tolist() for array in outputs.values()]
    names = list(outputs)
    return orjson.dumps([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])


def render_error(code: str, message: str) -> bytes:
    return orjson.dumps({"error": {"code": code, "message": message}})
