"""Azure ML's scoring contract: `input_data` in, the bare predictions out.

Source: Azure ML's documentation of MLflow models in managed online endpoints; the form with `model` and `data` is that
of its documentation of several models in one deployment.
"""

from typing import Any, Final, NamedTuple

import orjson

from shared.errors import MalformedRequest, SlipwayError, UnsupportedMediaType
from shared.models.features import Converter
from shared.models.json_body import check_row_count, check_rows, has_booleans, read_object
from shared.models.scoring import Predictions
from shared.models.signature import Features, Inputs
from shared.online.exchange import Answered, Message, Rendered
from shared.online.protocols.json_reply import dumps, records, writable

NAME: Final = "azureml"
TAKES_SCRIPTS: Final = True

# What nearly all callers say, which need not be looked at any closer.
_JSON: Final = (None, "application/json")
_MEMBERS: Final = frozenset({"input_data", "params", "model"})
_MEMBERS_OF_MANY: Final = frozenset({"data", "params", "model"})


class Request(NamedTuple):
    """`data`: any JSON value, looked at when the schema is known; `is_plain`: without true and false. `model`: which
    one of many."""

    data: Any
    params: dict[str, Any] | None
    model: str | None
    is_plain: bool = False


def read(message: Message) -> Request:
    content_type = message.content_type
    if content_type not in _JSON and content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("send the request as Content-Type: application/json")
    document = read_object(message.body, 'with the member "input_data"')
    if len(document) == 1 and "input_data" in document:
        return Request(document["input_data"], None, None, not has_booleans(message.body))
    of_many = "model" in document and "data" in document and "input_data" not in document
    if not of_many and "input_data" not in document:
        raise MalformedRequest('the body must be an object with the member "input_data"')
    name = "data" if of_many else "input_data"
    if unknown := document.keys() - (_MEMBERS_OF_MANY if of_many else _MEMBERS):
        raise MalformedRequest(f'unknown members beside "{name}": {", ".join(sorted(unknown))[:200]}')
    params, model = document.get("params"), document.get("model")
    if not isinstance(params, dict | None):
        raise MalformedRequest('"params" must be an object')
    if not isinstance(model, str | None):
        raise MalformedRequest('"model" must be the name of a model')
    return Request(document[name], params, model, not has_booleans(message.body))


def convert(request: Request, converter: Converter) -> Inputs:
    signature = converter.signature
    if signature.columns or (not signature.tensors and _is_table(request.data)):
        features = _columns(request.data, converter)
    else:
        features = _tensors(request, converter)
    return Inputs(features, converter.params(request.params))


def _is_table(data: Any) -> bool:
    return isinstance(data, dict) and "columns" in data and "data" in data


def _columns(data: Any, converter: Converter) -> Features:
    if _is_table(data):
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
    check_rows(rows)
    return converter.table(names, rows)


def _tensors(request: Request, converter: Converter) -> Features:
    data = request.data
    if type(data) is list:
        check_row_count(len(data))
    elif type(data) is dict:
        check_rows(*data.values())
    else:
        raise MalformedRequest('"input_data" must be a list, or an object of named lists')
    return converter.tensors(data, are_plain=request.is_plain)


def render(predictions: Predictions, request: Request, answered: Answered) -> Rendered:
    """One output: a list with an entry a row. Several: a list of records, one a row, as MLflow's tables come back."""
    outputs = predictions.outputs
    if len(outputs) == 1:
        return Rendered(dumps(writable(next(iter(outputs.values())))), "application/json")
    return Rendered(dumps(records(predictions)), "application/json")


def render_error(error: SlipwayError, status: int) -> bytes:
    return orjson.dumps({"error": {"code": error.code, "message": error.message}})
