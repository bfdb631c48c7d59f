"""The HTTP edge: request ids, the error table, and the envelope that every HTTP function goes through."""

import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from random import getrandbits
from typing import Any, Final, NamedTuple

import azure.functions as func
import orjson

from shared.errors import (
    AuthError,
    ConfigurationError,
    CredentialsMalformed,
    DependencyError,
    ErrorThresholdExceeded,
    InvalidTransition,
    JobCanceled,
    JobFailed,
    MalformedRequest,
    MethodNotAllowed,
    ModelError,
    ModelNotReady,
    NotAuthenticated,
    NotAuthorized,
    NotFound,
    Overloaded,
    PayloadTooLarge,
    SchemaMismatch,
    ScoringFailed,
    ScoringTimeout,
    SlipwayError,
    StaleDocument,
    TokenRejected,
    UnreadableInput,
    UnsupportedMediaType,
)
from shared.monitoring.request_log import request_id
from shared.services import services
from shared.triggers.response import Response

_log = logging.getLogger(__name__)

REALM: Final = "slipway"
# RFC 9562, section 5.4: which bits of a UUID are random, and what the others say.
_RANDOM_BITS: Final = 0xFFFFFFFF_FFFF_0FFF_3FFF_FFFFFFFFFFFF
_VERSION_4: Final = 0x00000000_0000_4000_8000_000000000000
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Row(NamedTuple):
    """How an error leaves: status, headers, and whether the caller may just try again."""

    status: int
    headers: Mapping[str, str] = {}


def _bearer(error: str) -> Mapping[str, str]:
    # RFC 6750, section 3.
    return {"WWW-Authenticate": f'Bearer realm="{REALM}"' + (f', error="{error}"' if error else "")}


_RETRY_SOON: Final = {"Retry-After": "5"}

# Looked up by the error's class and then its bases; a test demands a row for every leaf of the tree.
ERROR_TABLE: Final[Mapping[type[SlipwayError], Row]] = {
    TokenRejected: Row(401, _bearer("invalid_token")),
    NotAuthenticated: Row(401, _bearer("")),
    CredentialsMalformed: Row(400, _bearer("invalid_request")),
    NotAuthorized: Row(403, _bearer("insufficient_scope")),
    UnsupportedMediaType: Row(415),
    PayloadTooLarge: Row(413),
    MethodNotAllowed: Row(405),
    MalformedRequest: Row(400),
    SchemaMismatch: Row(400),
    UnreadableInput: Row(400),
    ErrorThresholdExceeded: Row(400),
    NotFound: Row(404),
    InvalidTransition: Row(409),
    # Whoever only looks at the status must not take them for success; and no client repeats it by itself.
    JobFailed: Row(422),
    JobCanceled: Row(410),
    StaleDocument: Row(412),
    ModelNotReady: Row(503, _RETRY_SOON),
    Overloaded: Row(429, {"Retry-After": "1"}),
    ScoringTimeout: Row(408),
    # Azure ML's two headers: what failed was the model, not the platform.
    ScoringFailed: Row(
        424, {"ms-azureml-model-error-statuscode": "500", "ms-azureml-model-error-reason": "model_error"}
    ),
    DependencyError: Row(503, _RETRY_SOON),
    ConfigurationError: Row(503, {"Retry-After": "60"}),
}
# Callers cannot mend a setting, and strangers should not read of it.
_MISCONFIGURED = ConfigurationError("the app is not set up completely; its log says what is missing")
_UNEXPECTED = SlipwayError("something went wrong here; the log holds the reason under this request id")


def row_for(error: SlipwayError) -> Row:
    for kind in type(error).__mro__:
        if kind in ERROR_TABLE:
            row = ERROR_TABLE[kind]
            own = _own_headers(error)
            return row._replace(headers={**row.headers, **own}) if own else row
    return Row(500)


def _own_headers(error: SlipwayError) -> Mapping[str, str]:
    """What a header says differs from error to error."""
    if isinstance(error, MethodNotAllowed) and error.allow:
        return {"Allow": error.allow}
    if isinstance(error, Overloaded):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    return {}


class Call(NamedTuple):
    """One HTTP call with the id that the server gave it. `headers`: names in lower case.

    `client`: of the durable engine, where the route starts jobs.
    """

    request: func.HttpRequest
    id: str
    headers: Mapping[str, str]
    client: Any = None

    def header(self, name: str) -> str | None:
        """`name` in lower case."""
        return self.headers.get(name)

    def route(self, name: str) -> str:
        return str(self.request.route_params[name])

    @property
    def body(self) -> bytes:
        return bytes(self.request.get_body())


class Reply(NamedTuple):
    body: bytes
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


def json_reply(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(orjson.dumps(document), status, headers=headers or {})


type Body = Callable[[Call], Awaitable[Reply]]
type RenderError = Callable[[SlipwayError, int], bytes]
"""From an error and its status to JSON, in the words of a protocol."""


def plain_error(error: SlipwayError, status: int) -> bytes:
    return orjson.dumps({"error": {"code": error.code, "message": error.message}})


async def respond(
    request: func.HttpRequest, body: Body, render_error: RenderError = plain_error, client: Any = None
) -> func.HttpResponse:
    """Runs the body; every error becomes the reply that the table says. Nothing of a stack leaves."""
    # A dict, once: looking a missing header up in the library's own mapping raises and catches an error each time.
    call = Call(request, _new_id(), {name: request.headers[name] for name in request.headers}, client)
    logged_as = request_id.set(call.id)
    try:
        return _response(call, await body(call))
    except SlipwayError as error:
        row = row_for(error)
        if row.status >= 500 or isinstance(error, ModelError):
            _log.warning("request %s: %s: %s", call.id, error.code, error.message)
        if isinstance(error, AuthError):
            _count(error)
        told = _MISCONFIGURED if isinstance(error, ConfigurationError) else error
        reply = Reply(render_error(told, row.status), row.status, headers=row.headers)
    except Exception:
        _log.exception("request %s failed", call.id)
        reply = Reply(render_error(_UNEXPECTED, 500), 500)
    finally:
        request_id.reset(logged_as)
    return _response(call, reply)


def _count(refusal: AuthError) -> None:
    with suppress(ConfigurationError):  # who is refused without the app's settings has asked nothing of the app
        services().metrics.refused(refusal.code)


def _response(call: Call, reply: Reply) -> Response:
    """Raises ValueError for a header that cannot be sent."""
    headers = {**reply.headers, "x-request-id": call.id}
    client_id = call.header("x-ms-client-request-id")
    if client_id and _CLIENT_REQUEST_ID.fullmatch(client_id):
        headers["x-ms-client-request-id"] = client_id
    return Response(reply.body, reply.status, reply.content_type, headers)


def _new_id() -> str:
    """A random UUID. It names a request and guards nothing, so it need not come from the system's secrets."""
    digits = f"{getrandbits(128) & _RANDOM_BITS | _VERSION_4:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def bounded(body: bytes, limit: int) -> bytes:
    """Raises PayloadTooLarge."""
    if len(body) > limit:
        raise PayloadTooLarge(f"the body has {len(body)} bytes, but at most {limit} are taken: send it in parts")
    return body
