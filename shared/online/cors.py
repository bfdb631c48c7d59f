"""What browsers are told about calls from web pages of other origins: pure.

Source: the CORS protocol of the Fetch standard (https://fetch.spec.whatwg.org/#http-cors-protocol). Credentials mode is
never allowed: callers send a token or a key in a header, and no cookie means anything here.
"""

from collections.abc import Collection
from typing import Final

from shared.endpoints.callers import ANY_ORIGIN, Cors

# What the routes read, and what their replies say beside what every page may see.
_REQUEST_HEADERS: Final = (
    "authorization",
    "content-type",
    "content-encoding",
    "azureml-model-deployment",
    "x-slipway-model",
    "inference-header-content-length",
    "traceparent",
    "x-ms-client-request-id",
)
_REPLY_HEADERS: Final = (
    "x-request-id",
    "x-ms-client-request-id",
    "azureml-model-deployment",
    "x-slipway-model",
    "inference-header-content-length",
    "ms-azureml-model-error-statuscode",
    "ms-azureml-model-error-reason",
    "retry-after",
    "www-authenticate",
)
_EXPOSED: Final = ", ".join(_REPLY_HEADERS)


def preflight(cors: Cors | None, origin: str | None, methods: Collection[str]) -> dict[str, str]:
    """What a preflight is answered with: all that is allowed, whatever it asked for, since the browser compares.

    Nothing for an origin that is not allowed, which the browser takes for a no.
    """
    if cors is None:
        return {}
    if not _is_allowed(cors, origin):
        return _varying(cors)
    return {
        **_origin(cors, origin),
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": ", ".join([*_REQUEST_HEADERS, *cors.allowed_headers]),
        "Access-Control-Max-Age": str(cors.max_age_s),
    }


def reply_headers(cors: Cors | None, origin: str | None) -> dict[str, str]:
    """What every other reply carries, errors too: a page cannot read a reply without it."""
    if cors is None:
        return {}
    if not _is_allowed(cors, origin):
        return _varying(cors)
    return {**_origin(cors, origin), "Access-Control-Expose-Headers": _EXPOSED}


def _is_allowed(cors: Cors, origin: str | None) -> bool:
    return origin is not None and (origin in cors.allowed_origins or ANY_ORIGIN in cors.allowed_origins)


def _origin(cors: Cors, origin: str | None) -> dict[str, str]:
    allowed = ANY_ORIGIN if ANY_ORIGIN in cors.allowed_origins else str(origin)
    return {"Access-Control-Allow-Origin": allowed, **_varying(cors)}


def _varying(cors: Cors) -> dict[str, str]:
    """Caches must not give one origin's reply to another; a reply to all is the same for each."""
    return {} if ANY_ORIGIN in cors.allowed_origins else {"Vary": "Origin"}
