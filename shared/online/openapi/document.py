"""The OpenAPI 3.1 document of one endpoint, generated from its signatures, examples and authentication. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from shared.endpoints.spec import Endpoint
from shared.online.openapi import examples, replies, schemas, security
from shared.online.openapi.described import Answering, Gate, Json

_JSON: Final = "application/json"
_CSV, _PARQUET = "text/csv", "application/vnd.apache.parquet"
_CLIENT_ID: Final[Json] = {
    "name": "x-ms-client-request-id",
    "in": "header",
    "description": "Comes back in the reply.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
}
_PREDICTIONS: Final[Json] = {"type": "array", "description": "One entry a row; null where a prediction is no number."}
_INFERRED: Final[Json] = {
    "type": "object",
    "required": ["model_name", "model_version", "id", "outputs"],
    "properties": {
        "model_name": {"type": "string"},
        "model_version": {"type": "string"},
        "id": {"type": "string"},
        "outputs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "shape", "datatype"],
                "properties": {
                    "name": {"type": "string"},
                    "shape": {"type": "array", "items": {"type": "integer"}},
                    "datatype": {"type": "string"},
                    "data": {"type": "array"},
                },
            },
        },
    },
}


class _Bodies(NamedTuple):
    """The request bodies of the endpoint, deployments that take the same counting as one."""

    answering: Mapping[str, Answering]

    def json(self, schema: Callable[[Answering], Json], example: Callable[[Answering], Json | None]) -> Json:
        taken = list({repr(each): each for each in map(schema, self.answering.values())}.values())
        shown = {name: example(each) for name, each in self.answering.items()}
        media: Json = {"schema": taken[0] if len(taken) == 1 else {"anyOf": taken}}
        named = {name: {"value": value} for name, value in shown.items() if value is not None}
        return {**media, "examples": named} if named else media

    def tables(self) -> Json:
        named = {name: text for name, each in self.answering.items() if (text := examples.table(each)) is not None}
        csv: Json = {"schema": {"type": "string", "description": "A header and rows; an empty field is missing."}}
        if named:
            csv["examples"] = {name: {"value": text} for name, text in named.items()}
        return {_CSV: csv, _PARQUET: {"schema": {"type": "string", "format": "binary"}}}


def openapi(endpoint: Endpoint, answering: Mapping[str, Answering], gate: Gate) -> Json:
    """`answering`: by deployment, all of them."""
    base = f"/endpoints/{endpoint.name}"
    rows = {name: each for name, each in answering.items() if not each.is_script}
    paths = {f"{base}/score": _score(endpoint, answering)}
    if rows:
        paths |= {f"{base}/invocations": _invocations(endpoint, rows), **_oip(endpoint, rows)}
    paths |= _reading(base)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": endpoint.name,
            "version": str(endpoint.revision.number),
            "description": "One model behind three protocols: Azure ML's, MLflow's and the Open Inference Protocol. "
            "Bodies may be packed with gzip or deflate.",
        },
        "servers": [{"url": "/"}],
        "security": security.requirements(endpoint, gate),
        "paths": paths,
        "components": {
            "securitySchemes": security.schemes(endpoint, gate),
            "schemas": replies.schemas(),
            "headers": replies.headers(),
            "responses": replies.responses(),
        },
    }


def _score(endpoint: Endpoint, answering: Mapping[str, Answering]) -> Json:
    bodies = _Bodies(answering)
    content = {_JSON: bodies.json(schemas.azureml, examples.azureml)}
    has_script = any(each.is_script for each in answering.values())
    answers = {"200": replies.scored({} if has_script else _PREDICTIONS), **replies.refused("azureml", replies.SCORING)}
    if has_script:
        content["*/*"] = {"schema": {}}
        answers["200"] = replies.scored({}, ["*/*"])
        answers["default"] = {"description": "Whatever the deployment's score.py answers with.", "content": {"*/*": {}}}
    parameters = _parameters(endpoint, answering)
    found = {"post": _posting("score", "Score, as Azure ML does.", parameters, content, answers)}
    if has_script:
        query = {
            "name": "query",
            "in": "query",
            "style": "form",
            "explode": True,
            "description": "Becomes a JSON object, which the score.py is given.",
            "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        }
        summary = "Score with a score.py that takes GET."
        found["get"] = _operation("scoreByQuery", summary, [*parameters, query], answers)
    return found


def _invocations(endpoint: Endpoint, rows: Mapping[str, Answering]) -> Json:
    bodies = _Bodies(rows)
    predictions = {
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": {"description": "A list, or what else the model returns."}},
    }
    answers = {"200": replies.scored(predictions), **replies.refused("mlflow", replies.SCORING)}
    content = {_JSON: bodies.json(schemas.mlflow, examples.mlflow), **bodies.tables()}
    parameters = _parameters(endpoint, rows)
    return {"post": _posting("invocations", "Score, as MLflow's server does.", parameters, content, answers)}


def _oip(endpoint: Endpoint, rows: Mapping[str, Answering]) -> Json:
    """The model is the endpoint; a version is a deployment."""
    model = f"/v2/models/{endpoint.name}"
    version = {"name": "version", "in": "path", "required": True, "schema": {"enum": sorted(rows)}}
    paths: Json = {}
    for base, suffix, parameters in ((model, "", []), (f"{model}/versions/{{version}}", "OfVersion", [version])):
        content = {
            _JSON: _Bodies(rows).json(schemas.oip, examples.oip),
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        }
        answers = {
            "200": replies.scored(_INFERRED),
            **replies.refused("oip", replies.SCORING),
        }
        answers["200"]["content"]["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
        headers = [*parameters, *_parameters(endpoint, rows, pins=not parameters), _BINARY]
        summary = "Infer, as the Open Inference Protocol says."
        paths[f"{base}/infer"] = {"post": _posting(f"infer{suffix}", summary, headers, content, answers)}
        for path, name, says in (
            (base, "metadata", "What the model takes and gives."),
            (f"{base}/ready", "ready", "Whether the model can be called."),
        ):
            told = replies.told(says, {_JSON: {"schema": {"type": "object"}}})
            operation = {"200": told, **replies.refused("oip", replies.READING)}
            paths[path] = {"get": _operation(f"{name}{suffix}", says, parameters, operation)}
    return paths


_BINARY: Final[Json] = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "With binary tensors: the length of the JSON before them, bytes.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"},
}


def _reading(base: str) -> Json:
    """What tells of the endpoint, and scores nothing."""
    found: Json = {}
    document: Json = {_JSON: {"schema": {"type": "object"}}}
    text: Json = {"text/plain": {"schema": {"type": "string"}}}
    for name, says, form, content in (
        ("ping", "Whether the endpoint's model answers; the body is an empty line.", "mlflow", {_JSON: {}}),
        ("health", "The same.", "mlflow", {_JSON: {}}),
        ("version", "Which version of MLflow the app follows.", "mlflow", text),
        ("openapi.json", "This document.", "azureml", document),
        ("swagger.json", "What Azure ML's clients know of it: /score, as Swagger 2.0.", "azureml", document),
    ):
        answers = {"200": replies.told(says, content), **replies.refused(form, replies.READING)}
        found[f"{base}/{name}"] = {"get": _operation(name.partition(".")[0], says, [], answers)}
    return found


def _parameters(endpoint: Endpoint, answering: Mapping[str, Answering], pins: bool = True) -> list[Json]:
    pin = {
        "name": "azureml-model-deployment",
        "in": "header",
        "description": "Which deployment answers, also at 0 % of traffic.",
        "schema": {"enum": sorted(endpoint.revision.deployments)},
    }
    member = {
        "name": "x-slipway-model",
        "in": "header",
        "description": "Which of a deployment's many models answers.",
        "schema": {"type": "string"},
    }
    has_many = any(each.of_many for each in answering.values())
    return [*([pin] if pins else []), *([member] if has_many else []), _CLIENT_ID]


def _posting(name: str, summary: str, parameters: Iterable[Json], content: Json, responses: Json) -> Json:
    body = {"required": True, "content": content}
    return {**_operation(name, summary, parameters, responses), "requestBody": body}


def _operation(name: str, summary: str, parameters: Iterable[Json], responses: Json) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "parameters": list(parameters), "responses": responses}
