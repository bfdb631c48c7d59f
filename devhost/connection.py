"""One client's connection: requests in, and each one's reply out in one piece, in the order of the requests.

httptools (Node's parser) reads the bytes. There is no ASGI between this and the front: it wants the head of a reply and
its body as two messages, which become two writes to the socket, and the first wakes the client for nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

import httptools

from devhost.reply import Reply, error_reply
from devhost.request import DisconnectedError, Request

_log = logging.getLogger("devhost.http")
_ONE_PIECE_BYTES: Final = 64 * 1024  # above this, a second write costs less than the copy
_PHRASES: Final = {int(status): status.phrase.encode() for status in HTTPStatus}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE: Final = (b"connection", b"close")
_MALFORMED: Final = error_reply(400, "BadRequest", "This is no HTTP/1.1 request that can be read.")
_FAILED: Final = error_reply(500, "InternalServerError", "The host failed. Its log says why.")

type Answer = Callable[[Request], Awaitable[Reply]]


class Clients:
    """What the connections of one server share."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections: set[Connection] = set()
        self.date: tuple[bytes, bytes] = (b"date", b"")
        self.is_leaving = False


class Connection(asyncio.Protocol):
    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None  # an asyncio.Transport, from connection_made on
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._waiting: deque[Request] = deque()
        self._incoming: Request | None = None
        self._answering: Request | None = None
        self._task: asyncio.Task[None] | None = None
        self._keeps_alive = True  # False once the last request of this connection has come
        self._is_read_paused = False
        self._is_write_paused = False
        self._idle_since = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._clients.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._clients.connections.discard(self)
        self._waiting.clear()
        if self._incoming is not None:
            self._incoming.lose()

    def data_received(self, data: bytes) -> None:
        if not self._keeps_alive and self._incoming is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing is spoken here but HTTP/1.1, and the request is answered as one
        except httptools.HttpParserError:
            # What follows the last request is not asked for and not looked at.
            if self._keeps_alive or self._incoming is not None:
                self._refuse()
        self._go_on()

    def pause_writing(self) -> None:
        self._is_write_paused = True
        self._set_pace()

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._go_on()

    def leave(self) -> None:
        """The server stops: what was asked for is answered, and nothing else is taken."""
        if self._answering is None and not self._waiting:
            self._transport.close()

    def close_if_idle(self, since: float) -> None:
        if self._answering is None and self._idle_since < since:
            self._transport.close()

    def abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._transport.abort()

    # From the parser.

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser, url = self._parser, httptools.parse_url(self._url)
        method = parser.get_method().decode()
        self._incoming = Request(method, url.path, url.query or b"", self._headers, self._want)
        self._waiting.append(self._incoming)
        self._keeps_alive = (
            parser.should_keep_alive() and parser.get_http_version() != "1.0" and not parser.should_upgrade()
        )

    def on_body(self, chunk: bytes) -> None:
        if self._incoming is not None:
            self._incoming.take(chunk)

    def on_message_complete(self) -> None:
        if self._incoming is not None:
            self._incoming.complete()
            self._incoming = None

    # One request after the other.

    def _go_on(self) -> None:
        while self._answering is None and self._waiting and not self._is_write_paused:
            self._answering = self._waiting.popleft()
            # It runs at once up to where it has to wait, which saves most requests a turn of the event loop.
            task = asyncio.Task(self._answer(self._answering), loop=self._loop, eager_start=True)
            if not task.done():
                self._task = task
                task.add_done_callback(self._answered)
        self._set_pace()

    async def _answer(self, request: Request) -> None:
        reply: Reply | None = None
        try:
            reply = await self._clients.answer(request)
        except DisconnectedError:
            pass
        except Exception:
            _log.exception("%s %r was not answered", request.method, request.path)
            reply = _FAILED
        finally:
            self._answering = None
            if not request.is_complete:
                request.drop()
            self._idle_since = self._loop.time()
        if reply is not None and not self._transport.is_closing():
            self._send(reply, request.method == "HEAD")

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._go_on()

    def _send(self, reply: Reply, is_head: bool) -> None:
        is_last = not self._waiting and (self._clients.is_leaving or not self._keeps_alive)
        parts = [b"HTTP/1.1 %d %s\r\n" % (reply.status, _PHRASES.get(reply.status, b""))]
        for name, value in (self._clients.date, *reply.headers, *((_CLOSE,) if is_last else ())):
            parts += (name, b": ", value, b"\r\n")
        parts.append(b"\r\n")
        body = b"" if is_head else reply.body
        if len(body) <= _ONE_PIECE_BYTES:
            parts.append(body)
        self._transport.write(b"".join(parts))
        if len(body) > _ONE_PIECE_BYTES:
            self._transport.write(body)
        if is_last:
            self._transport.close()

    def _refuse(self) -> None:
        self._waiting.clear()
        self._keeps_alive = False
        if self._incoming is not None:
            self._incoming.lose()
        if not self._transport.is_closing():
            self._send(_MALFORMED, is_head=False)

    def _want(self) -> None:
        """The body is asked for: a client that waits for that sends it now."""
        self._set_pace()
        if self._incoming is not None and self._incoming.expects_continue:
            self._transport.write(_CONTINUE)

    def _set_pace(self) -> None:
        """Reads no faster than requests are answered and replies are taken."""
        is_ahead = bool(self._waiting) or (self._incoming is not None and self._incoming.is_far_ahead)
        pause = is_ahead or self._is_write_paused
        if pause != self._is_read_paused and not self._transport.is_closing():
            self._is_read_paused = pause
            (self._transport.pause_reading if pause else self._transport.resume_reading)()
