"""The HTTP front: a raw ASGI app from the socket to the worker and back."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from random import getrandbits
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from devhost.bound_data import BoundData
from devhost.functions import HTTP, Function
from devhost.host_json import HostConfig
from devhost.reply import Reply, error_reply, json_reply, render
from devhost.routes import RouteTable
from devhost.worker import Datum, Worker

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("devhost.front")
BODY_LIMIT_BYTES = 100 * 1024 * 1024
_NOT_FOUND = error_reply(404, "NotFound", "Nothing is served under this path.")
_TOO_LARGE = error_reply(413, "PayloadTooLarge", "The body is over 100 MB.")
_TOO_MANY = error_reply(429, "TooManyRequests", "Too many requests are waiting.", ((b"retry-after", b"1"),))
_FAILED = error_reply(500, "InternalServerError", "The function failed. The host's log says why.")


class _BodyTooLargeError(Exception):
    pass


class _DisconnectedError(Exception):
    pass


class _Target(NamedTuple):
    """What does not change from one request of a function to the next."""

    parameter: str
    has_bound_data: bool


class Front:
    """Serves the app's HTTP functions and the host's own status page."""

    def __init__(
        self, worker: Worker, functions: Iterable[Function], config: HostConfig, bound_data: BoundData
    ) -> None:
        served = [function for function in functions if function.trigger.kind == HTTP]
        self._worker = worker
        self._routes = RouteTable(served, config.route_prefix)
        self._bound_data = bound_data
        self._targets = {
            function.name: _Target(
                function.trigger.name,
                bool(function.inputs) or any(binding.kind != "http" for binding in function.outputs),
            )
            for function in served
        }
        self._outstanding = 0
        self._max_outstanding = config.max_outstanding_requests
        limit = config.max_concurrent_requests
        self._slots = asyncio.Semaphore(limit) if limit else None
        self._host_id = config.host_id
        self._started_at = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._answer(scope, receive)
        except _DisconnectedError:
            return
        status, headers, body = reply
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        match = self._routes.find(scope["raw_path"])
        if match is None:
            return self._host_page(scope["method"], scope["path"])
        picked = match.by_method.get(scope["method"])
        if picked is None:
            message = f"{scope['method']} is not one of this path's methods."
            return error_reply(405, "MethodNotAllowed", message, ((b"allow", match.allow.encode()),))
        if self._slots is None and self._max_outstanding is None:
            return await self._run(*picked, scope, receive)
        if self._max_outstanding is not None and self._outstanding >= self._max_outstanding:
            return _TOO_MANY
        self._outstanding += 1
        try:
            if self._slots is None:
                return await self._run(*picked, scope, receive)
            async with self._slots:
                return await self._run(*picked, scope, receive)
        finally:
            self._outstanding -= 1

    async def _run(self, function: Function, parameters: Mapping[str, str], scope: Scope, receive: Receive) -> Reply:
        try:
            body = await _read_body(scope, receive)
        except _BodyTooLargeError:
            return _TOO_LARGE
        target = self._targets[function.name]
        headers = _headers_of(scope)
        request = Datum(_request(scope, headers, parameters, body), "http")
        parent = headers.get("traceparent")
        trace_parent = parent.value if parent else f"00-{getrandbits(128):032x}-{getrandbits(64):016x}-00"
        inputs = [(target.parameter, request)]
        if not target.has_bound_data:
            outcome = await self._worker.invoke(function, inputs, None, trace_parent)
        else:
            outcome = await self._bound_data.invoke(function, inputs, None, parameters, trace_parent)
        if outcome.error is not None:
            return _FAILED
        try:
            return render(outcome.value)
        except ValueError:
            _log.exception("%s: what it returned cannot be sent", function.label)
            return _FAILED

    def _host_page(self, method: str, path: str) -> Reply:
        if path != "/admin/host/status":
            return _NOT_FOUND
        if method not in ("GET", "HEAD"):
            return error_reply(405, "MethodNotAllowed", "Only GET is served here.", ((b"allow", b"GET"),))
        uptime_ms = int((time.monotonic() - self._started_at) * 1000)
        return json_reply(200, {"id": self._host_id, "state": "Running", "processUptime": uptime_ms})


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """Collect the body, up to the platform's 100 MB."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise _DisconnectedError
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if int(declared) > BODY_LIMIT_BYTES:
        raise _BodyTooLargeError
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _DisconnectedError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_LIMIT_BYTES:
            raise _BodyTooLargeError
        chunks.append(chunk)
    return b"".join(chunks)


def _headers_of(scope: Scope) -> dict[str, Datum]:
    headers: dict[str, Datum] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            value = f"{headers[name].value}{'; ' if name == 'cookie' else ', '}{value}"
        headers[name] = Datum(value, "string")
    return headers


def _request(scope: Scope, headers: Mapping[str, Datum], parameters: Mapping[str, str], body: bytes) -> dict[str, Any]:
    host = headers.get("host")
    url = f"{scope['scheme']}://{host.value if host else 'localhost'}{scope['raw_path'].decode('latin-1')}"
    query: dict[str, Datum] = {}
    if raw_query := scope["query_string"]:
        text = raw_query.decode("latin-1")
        url = f"{url}?{text}"
        for name, value in parse_qsl(text, keep_blank_values=True):
            query[name] = Datum(f"{query[name].value},{value}" if name in query else value, "string")
    return {
        "method": Datum(scope["method"], "string"),
        "url": Datum(url, "string"),
        "headers": headers,
        "params": {name: Datum(value, "string") for name, value in parameters.items()},
        "query": query,
        "body": Datum(body, "bytes"),
    }
