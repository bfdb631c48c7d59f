"""Stands between the hosts and storage: passes requests on, does to them what the weather says, and sees them all.

So a process can be killed in a gap between two lines, and a reply be lost, without the product knowing of the test.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final, NamedTuple

import aiohttp
import uvloop
from aiohttp import web
from yarl import URL

from devhost.azurite import Ports
from devhost.processes import free_port
from tests.chaos.weather import Fault, Seen, Weather

_HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "host"}
_ERRORS: Final = {Fault.INTERNAL_ERROR: (500, "InternalError"), Fault.BUSY: (503, "ServerBusy")}
# Azurite closes what is idle for five seconds; a request on a connection that is just being closed would be lost.
_IDLE_S: Final = 2.0

# A killed caller leaves broken connections behind, which is the point here.
logging.getLogger("aiohttp").setLevel(logging.CRITICAL)


class _Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class StorageProxy:
    """Two loopback ports for each host, blobs and queues; all in one thread of its own.

    `away`: requests of each host that storage did not answer. `waiting`: requests that storage has in hand.
    `clocks`: how many seconds each host's clock is ahead, by the date of its last request.
    """

    def __init__(self, target: Ports, hosts: Sequence[str], weather: Weather) -> None:
        self.away: Counter[str] = Counter()
        self.waiting = 0
        self.clocks: dict[str, float] = {}
        self._target = target
        self._ports = {host: Ports(free_port(), free_port(), target.table) for host in hosts}
        self._weather = weather
        self._loop = uvloop.new_event_loop()
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="storage-proxy", daemon=True)

    def ports(self, host: str) -> Ports:
        """Where this host finds storage; tables are not disturbed."""
        return self._ports[host]

    def __enter__(self) -> "StorageProxy":
        self._thread.start()
        if not self._started.wait(10):
            raise TimeoutError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        timeout = aiohttp.ClientTimeout(total=120)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S)
        runners = []
        async with aiohttp.ClientSession(auto_decompress=False, timeout=timeout, connector=connector) as session:
            for host, ports in self._ports.items():
                for port, target in zip(ports[:2], self._target[:2], strict=True):
                    app = web.Application(client_max_size=1 << 30)
                    forward = partial(self._forward, session, host, f"http://127.0.0.1:{target}")
                    app.router.add_route("*", "/{path:.*}", forward)
                    runners.append(web.AppRunner(app, access_log=None, shutdown_timeout=1))
                    await runners[-1].setup()
                    await web.TCPSite(runners[-1], "127.0.0.1", port).start()
            self._started.set()
            await self._stop.wait()
            for runner in runners:
                await runner.cleanup()

    async def _forward(
        self, session: aiohttp.ClientSession, host: str, target: str, request: web.Request
    ) -> web.StreamResponse:
        seen = Seen(host, request.method, request.rel_url.raw_path_qs, request.headers.get("If-None-Match") == "*")
        self._read_clock(host, request)
        try:
            body = await request.read()
        except (OSError, aiohttp.ClientError):
            return _cut(request)
        fault = self._weather.strike(seen)
        if fault == Fault.SLOW:
            await asyncio.sleep(self._weather.delay_s())
        if fault in (Fault.INTERNAL_ERROR, Fault.BUSY, Fault.CLOSED, Fault.SLOW) and _is_there(request):
            self._weather.hit(fault, seen)
        if fault == Fault.CLOSED:
            return _cut(request)
        if fault in _ERRORS:
            return _refused(*_ERRORS[fault])
        try:
            answer = await self._ask(session, request, target, body)
        except (OSError, aiohttp.ClientError, TimeoutError):
            self.away[host] += 1
            return _cut(request)
        if answer.status < 300:
            if self._weather.springs(seen):
                return _cut(request)
            if fault == Fault.REPLY_LOST:
                self._weather.hit(fault, seen)
                return _cut(request)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body or None)

    async def _ask(self, session: aiohttp.ClientSession, request: web.Request, target: str, body: bytes) -> _Answer:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        self.waiting += 1
        try:
            async with session.request(
                request.method,
                URL(f"{target}{request.rel_url.raw_path_qs}", encoded=True),
                headers=headers,
                data=body or None,
                # The caller's signature covers the headers: none may be added.
                skip_auto_headers=("Content-Type", "Accept", "Accept-Encoding", "User-Agent"),
            ) as reply:
                content = await reply.read()
        finally:
            self.waiting -= 1
        dropped = _HOP_BY_HOP if request.method == "HEAD" else _HOP_BY_HOP | {"content-length"}
        kept = {name: value for name, value in reply.headers.items() if name.lower() not in dropped}
        return _Answer(reply.status, kept, content)

    def _read_clock(self, host: str, request: web.Request) -> None:
        if stamp := request.headers.get("x-ms-date"):
            self.clocks[host] = (parsedate_to_datetime(stamp) - datetime.now(UTC)).total_seconds()


def _is_there(request: web.Request) -> bool:
    """Whether the caller still waits."""
    return request.transport is not None and not request.transport.is_closing()


def _cut(request: web.Request) -> web.Response:
    """Ends the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refused(status: int, code: str) -> web.Response:
    """Storage's own words for it."""
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>Try again.</Message></Error>'
    headers = {"x-ms-error-code": code, "x-ms-version": "2025-05-05"}
    return web.Response(status=status, headers=headers, text=text, content_type="application/xml")
