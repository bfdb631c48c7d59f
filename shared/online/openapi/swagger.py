"""The Swagger 2.0 document of one endpoint, where Azure ML's clients look for it: POST /score alone. Pure."""

from collections.abc import Mapping
from typing import Final

from shared.endpoints.spec import Endpoint
from shared.online.openapi import examples, replies, security
from shared.online.openapi.described import Answering, Gate, Json

_ANY_LIST: Final[Json] = {"type": "array", "items": {}}


def swagger(endpoint: Endpoint, answering: Mapping[str, Answering], gate: Gate) -> Json:
    """Swagger 2.0 knows neither tuples nor alternatives, so the schema is coarser than OpenAPI's."""
    return {
        "swagger": "2.0",
        "info": {"title": endpoint.name, "version": str(endpoint.revision.number)},
        "basePath": f"/endpoints/{endpoint.name}",
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {"/score": {"post": _score(endpoint, answering, gate)}},
        "definitions": {"ServiceInput": _input(answering), **replies.schemas()},
        "securityDefinitions": _definitions(endpoint, gate),
    }


def _score(endpoint: Endpoint, answering: Mapping[str, Answering], gate: Gate) -> Json:
    answers: Json = {"200": {"description": "Scored.", "schema": {}}}
    for status, description in replies.SAID.items():
        answers[str(status)] = {"description": description, "schema": {"$ref": "#/definitions/error-azureml"}}
    if any(each.is_script for each in answering.values()):
        answers["default"] = {"description": "Whatever the deployment's score.py answers with."}
    return {
        "operationId": "RunMLService",
        "description": "Run the model behind this endpoint.",
        "parameters": [
            {
                "name": "serviceInputPayload",
                "in": "body",
                "required": True,
                "schema": {"$ref": "#/definitions/ServiceInput"},
            },
            {
                "name": "azureml-model-deployment",
                "in": "header",
                "type": "string",
                "enum": sorted(endpoint.revision.deployments),
            },
        ],
        "responses": answers,
        "security": [{name: scopes} for name, scopes in _scopes(endpoint, gate).items()],
    }


def _input(answering: Mapping[str, Answering]) -> Json:
    shown = [example for each in answering.values() if (example := examples.azureml(each)) is not None]
    example = {"example": shown[0]} if shown else {}
    if any(each.is_script for each in answering.values()):
        return {"description": "Whatever the deployment's score.py takes.", **example}
    properties: Json = {"input_data": {"description": "A table, rows, or tensors."}, "params": {"type": "object"}}
    if all(each.signature.columns for each in answering.values()):
        properties["input_data"] = {
            "type": "object",
            "required": ["columns", "data"],
            "properties": {
                "columns": {"type": "array", "items": {"type": "string"}},
                "index": _ANY_LIST,
                "data": {"type": "array", "items": _ANY_LIST},
            },
        }
    if any(each.of_many for each in answering.values()):
        properties["model"] = {"type": "string"}
    return {"type": "object", "required": ["input_data"], "properties": properties, **example}


def _definitions(endpoint: Endpoint, gate: Gate) -> Json:
    bearer = {"type": "apiKey", "in": "header", "name": "Authorization"}
    found: Json = {"Bearer": {**bearer, "description": "Bearer and a token, or a key where the endpoint takes keys."}}
    if "entra" in endpoint.revision.auth_mode:
        found["oauth2"] = {
            "type": "oauth2",
            "flow": "application",
            "tokenUrl": f"{gate.authority}/oauth2/v2.0/token",
            "scopes": {security.own_scope(gate): "As an application."},
        }
    return found


def _scopes(endpoint: Endpoint, gate: Gate) -> dict[str, list[str]]:
    return {name: [security.own_scope(gate)] if name == "oauth2" else [] for name in _definitions(endpoint, gate)}
