"""What a script's run() is given: the body as text, the members of a JSON object, or the whole request."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from .aml_request import from_call

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
_RAW_MODULES = ("azureml.contrib.services.aml_request", "azureml_inference_server_http.api.aml_request")
_KINDS = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

Arguments = dict[str, Any]


class Refused(Exception):
    """The request cannot be given to run()."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class ScriptRequest(NamedTuple):
    """Header names in lower case."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def titled_headers(self) -> dict[str, str]:
        return {name.title(): value for name, value in self.headers.items()}


def reader_for(run: Callable[..., Any]) -> tuple[bool, Callable[[ScriptRequest], Arguments]]:
    """Whether run() takes the raw request, and what makes its arguments of a request.

    Raises TypeError when it is declared in a way that no request can be given to.
    """
    declared = list(inspect.signature(run).parameters.values())
    if any(parameter.kind not in _KINDS for parameter in declared):
        raise TypeError("run() cannot accept positional-only arguments, *args, or **kwargs")
    parameters = [parameter for parameter in declared if parameter.name != "request_headers"]
    if not parameters:
        raise TypeError("run() needs to accept an argument for input data, beside any request_headers")
    raw = [module for name in _RAW_MODULES if (module := sys.modules.get(name)) and module._rawHttpRequested]
    described = "inference_schema.schema_decorators" in sys.modules and importlib.import_module(
        "inference_schema.schema_util"
    ).is_schema_decorated(run)
    if raw and described:
        raise TypeError("run() cannot be decorated with both @rawhttp and @input_schema")
    only = parameters[0].name
    if raw:
        return True, lambda request: {only: from_call(raw[0].AMLRequest, request)}
    if described:
        return False, lambda request: _members(request, parameters)
    return False, lambda request: {only: _text(request)}


def _text(request: ScriptRequest) -> str:
    if _of_query(request):
        return json.dumps(_query(request.query))
    try:
        return request.body.decode()
    except UnicodeDecodeError as error:
        raise Refused(400, f"Input cannot be decoded as UTF-8: {error}") from None


def _members(request: ScriptRequest, parameters: Sequence[inspect.Parameter]) -> Arguments:
    given = _query(request.query) if _of_query(request) else _object(request)
    for parameter in parameters:
        if parameter.name not in given and parameter.default is inspect.Parameter.empty:
            raise Refused(400, f"A value is not provided for the {parameter.name!r} parameter.")
    return {parameter.name: given.get(parameter.name, parameter.default) for parameter in parameters}


def _object(request: ScriptRequest) -> Arguments:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refused(415, "Expects Content-Type to be application/json")
    if not request.body:
        raise Refused(400, "POST body is empty. Expecting a JSON dictionary.")
    try:
        document = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(document, dict):
        raise Refused(400, "POST body should be a JSON dictionary.")
    return document


def _of_query(request: ScriptRequest) -> bool:
    if request.method == "HEAD":
        raise Refused(405, "Method not allowed")
    return request.method == "GET"


def _query(query: str) -> Arguments:
    """Each value as JSON where it is JSON, a name that comes twice as a list."""
    values: dict[str, list[Any]] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(_value(text))
    return {name: each[0] if len(each) == 1 else each for name, each in values.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
