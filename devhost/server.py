"""Takes connections, and ends them in good order."""

import asyncio
import socket
from email.utils import formatdate
from typing import Final

from devhost.connection import Answer, Clients, Connection

_KEEP_ALIVE_S: Final = 65.0
_TICK_S: Final = 1.0
_POLL_S: Final = 0.05


class Server:
    """Serves one listening socket on the running event loop."""

    def __init__(self, answer: Answer) -> None:
        self._clients = Clients(answer)
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._next_tick: asyncio.TimerHandle | None = None

    async def start(self, listener: socket.socket) -> None:
        self._tick()
        self._server = await self._loop.create_server(lambda: Connection(self._clients), sock=listener, backlog=2048)

    async def stop(self, grace_s: float) -> None:
        """No new connections; requests that are being answered have `grace_s` to end."""
        self._clients.is_leaving = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._clients.connections):
            connection.leave()
        deadline = self._loop.time() + grace_s
        while self._clients.connections and self._loop.time() < deadline:
            await asyncio.sleep(_POLL_S)
        for connection in tuple(self._clients.connections):
            connection.abandon()
        if self._next_tick is not None:
            self._next_tick.cancel()

    def _tick(self) -> None:
        """Once a second: the date that every reply bears, and the connections that nobody uses any more."""
        self._clients.date = (b"date", formatdate(usegmt=True).encode())
        since = self._loop.time() - _KEEP_ALIVE_S
        for connection in tuple(self._clients.connections):
            connection.close_if_idle(since)
        self._next_tick = self._loop.call_later(_TICK_S, self._tick)
