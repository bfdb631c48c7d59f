"""What the routes answer: every status, with its headers and the error's form in each protocol."""

from collections.abc import Iterable, Mapping
from typing import Final

from shared.online.openapi.described import Json

_TEXT: Final[Json] = {"type": "string"}
_ERRORS: Final[Mapping[str, Json]] = {
    "azureml": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {**_TEXT, "description": "For programs."},
                    "message": {**_TEXT, "description": "For people; says what to do."},
                },
            }
        },
    },
    "mlflow": {
        "type": "object",
        "required": ["error_code", "message"],
        "properties": {"error_code": _TEXT, "message": _TEXT},
    },
    "oip": {"type": "object", "required": ["error"], "properties": {"error": _TEXT}},
}
_HEADERS: Final[Mapping[str, str]] = {
    "x-request-id": "Made by the server; quote it when you ask for help.",
    "WWW-Authenticate": "RFC 6750.",
    "Retry-After": "Seconds.",
    "Allow": "The methods that this address takes.",
    "ms-azureml-model-error-statuscode": "What the model itself answered.",
    "ms-azureml-model-error-reason": "As in Azure ML.",
    "azureml-model-deployment": "The deployment that answered.",
    "x-slipway-model": "The model that answered, and its version.",
}
_STATUSES: Final[Mapping[int, tuple[str, tuple[str, ...]]]] = {
    400: ("The request is not what the protocol asks, or does not fit the model's signature.", ()),
    401: ("No credentials came, or they are not good.", ("WWW-Authenticate",)),
    403: ("The caller may not do this.", ("WWW-Authenticate",)),
    404: ("There is no such endpoint, deployment or model, or no deployment has traffic.", ()),
    405: ("This address does not take the method.", ("Allow",)),
    408: ("The model did not answer in time.", ()),
    413: ("The body is larger than is taken, or has too many rows.", ()),
    415: ("The content type or encoding is not taken.", ()),
    424: ("The model failed.", ("ms-azureml-model-error-statuscode", "ms-azureml-model-error-reason")),
    429: ("More is waiting than the deployment takes, or the caller's quota is used up.", ("Retry-After",)),
    503: ("The model, or something that the app needs, is not ready.", ("Retry-After",)),
}
SAID: Final = {status: description for status, (description, _) in _STATUSES.items()}
SCORING: Final = tuple(_STATUSES)
READING: Final = (400, 401, 403, 404, 405, 503)


def schemas() -> Json:
    return {f"error-{protocol}": schema for protocol, schema in _ERRORS.items()}


def headers() -> Json:
    return {name: {"description": says, "schema": _TEXT} for name, says in _HEADERS.items()}


def responses() -> Json:
    return {
        f"{protocol}-{status}": {
            "description": description,
            "headers": _named("x-request-id", *names),
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/error-{protocol}"}}},
        }
        for protocol in _ERRORS
        for status, (description, names) in _STATUSES.items()
    }


def refused(protocol: str, statuses: Iterable[int]) -> Json:
    """Every answer but 200."""
    return {str(status): {"$ref": f"#/components/responses/{protocol}-{status}"} for status in statuses}


def scored(schema: Json, content_types: Iterable[str] = ("application/json",)) -> Json:
    return {
        "description": "Scored.",
        "headers": _named("x-request-id", "azureml-model-deployment", "x-slipway-model"),
        "content": {content_type: {"schema": schema} for content_type in content_types},
    }


def told(description: str, content: Json) -> Json:
    return {"description": description, "headers": _named("x-request-id"), "content": content}


def _named(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
