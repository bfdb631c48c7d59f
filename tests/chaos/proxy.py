"""Stands between the app and storage, and tells when a write has reached storage but its reply has not left yet.

So a process can be killed in a gap between two lines without the product knowing of the test.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp import web
from yarl import URL

_HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "host"}


# A killed caller leaves broken connections behind, which is the point here.
logging.getLogger("aiohttp").setLevel(logging.CRITICAL)


class Trap:
    """Springs once, at the `count`-th successful request that matches."""

    def __init__(self, name: str, pattern: str, spring: Callable[[str], None], count: int = 1) -> None:
        self.name = name
        self.sprung = threading.Event()
        self._pattern = re.compile(pattern)
        self._spring = spring
        self._left = count

    def see(self, line: str) -> bool:
        """`line`: method and path with query. True when this request is the one; the caller is dead then."""
        if self._left <= 0 or not self._pattern.search(line):
            return False
        self._left -= 1
        if self._left > 0:
            return False
        self._spring(line)
        self.sprung.set()
        return True


class StorageProxy:
    """Forwards everything from a loopback port to storage; runs in a thread of its own."""

    def __init__(self, port: int, target_port: int) -> None:
        self.traps: list[Trap] = []
        self._port = port
        self._target = f"http://127.0.0.1:{target_port}"
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "StorageProxy":
        self._thread.start()
        if not self._started.wait(10):
            raise TimeoutError("the proxy did not start")
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._session.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()

    async def _serve(self) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=120))
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._started.set()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        address = f"{self._target}{request.rel_url.raw_path_qs}"
        body = await request.read()
        async with self._session.request(
            request.method,
            URL(address, encoded=True),
            headers=headers,
            data=body or None,
            # The caller's signature covers the headers: none may be added.
            skip_auto_headers=("Content-Type", "Accept", "Accept-Encoding", "User-Agent"),
        ) as reply:
            content = await reply.read()
        if reply.status < 300:
            line = f"{request.method} {request.rel_url.raw_path_qs}"
            for trap in self.traps:
                if trap.see(line):
                    raise ConnectionResetError("the caller is dead")
        kept = {
            name: value
            for name, value in reply.headers.items()
            if name.lower() not in _HOP_BY_HOP | {"content-length"} or request.method == "HEAD"
        }
        return web.Response(status=reply.status, headers=kept, body=None if request.method == "HEAD" else content)
