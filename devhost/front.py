"""The HTTP front: from a request to the worker and back to a reply."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from random import getrandbits
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from devhost.bound_data import BoundData
from devhost.functions import HTTP, Function
from devhost.host_json import HostConfig
from devhost.reply import Reply, error_reply, json_reply, render
from devhost.request import BodyTooLargeError, Request
from devhost.routes import RouteTable
from devhost.worker import Datum, Worker

_log = logging.getLogger("devhost.front")
_NOT_FOUND = error_reply(404, "NotFound", "Nothing is served under this path.")
_TOO_LARGE = error_reply(413, "PayloadTooLarge", "The body is over 100 MB.")
_TOO_MANY = error_reply(429, "TooManyRequests", "Too many requests are waiting.", ((b"retry-after", b"1"),))
_FAILED = error_reply(500, "InternalServerError", "The function failed. The host's log says why.")


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

    async def answer(self, request: Request) -> Reply:
        """Raises DisconnectedError when the client goes before it has sent its body."""
        match = self._routes.find(request.path)
        if match is None:
            return self._host_page(request)
        picked = match.by_method.get(request.method)
        if picked is None:
            message = f"{request.method} is not one of this path's methods."
            return error_reply(405, "MethodNotAllowed", message, ((b"allow", match.allow.encode()),))
        if self._slots is None and self._max_outstanding is None:
            return await self._run(*picked, request)
        if self._max_outstanding is not None and self._outstanding >= self._max_outstanding:
            return _TOO_MANY
        self._outstanding += 1
        try:
            if self._slots is None:
                return await self._run(*picked, request)
            async with self._slots:
                return await self._run(*picked, request)
        finally:
            self._outstanding -= 1

    async def _run(self, function: Function, parameters: Mapping[str, str], request: Request) -> Reply:
        try:
            body = await request.body()
        except BodyTooLargeError:
            return _TOO_LARGE
        target = self._targets[function.name]
        headers = _headers_of(request)
        parent = headers.get("traceparent")
        trace_parent = parent.value if parent else f"00-{getrandbits(128):032x}-{getrandbits(64):016x}-00"
        inputs = [(target.parameter, Datum(_http(request, headers, parameters, body), "http"))]
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

    def _host_page(self, request: Request) -> Reply:
        if request.path != b"/admin/host/status":
            return _NOT_FOUND
        if request.method not in ("GET", "HEAD"):
            return error_reply(405, "MethodNotAllowed", "Only GET is served here.", ((b"allow", b"GET"),))
        uptime_ms = int((time.monotonic() - self._started_at) * 1000)
        return json_reply(200, {"id": self._host_id, "state": "Running", "processUptime": uptime_ms})


def _headers_of(request: Request) -> dict[str, Datum]:
    headers: dict[str, Datum] = {}
    for raw_name, raw_value in request.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            value = f"{headers[name].value}{'; ' if name == 'cookie' else ', '}{value}"
        headers[name] = Datum(value, "string")
    return headers


def _http(request: Request, headers: Mapping[str, Datum], parameters: Mapping[str, str], body: bytes) -> dict[str, Any]:
    host = headers.get("host")
    url = f"http://{host.value if host else 'localhost'}{request.path.decode('latin-1')}"
    query: dict[str, Datum] = {}
    if request.query:
        text = request.query.decode("latin-1")
        url = f"{url}?{text}"
        for name, value in parse_qsl(text, keep_blank_values=True):
            query[name] = Datum(f"{query[name].value},{value}" if name in query else value, "string")
    return {
        "method": Datum(request.method, "string"),
        "url": Datum(url, "string"),
        "headers": headers,
        "params": {name: Datum(value, "string") for name, value in parameters.items()},
        "query": query,
        "body": Datum(body, "bytes"),
    }
