"""A server that is not the app: it answers whatever it is asked with the same bytes, or hangs up."""

import socket
import struct
from contextlib import AbstractContextManager
from socketserver import StreamRequestHandler
from threading import Event
from typing import Final

from tests.support.loopback import Loopback, running

HANG_UP: Final = b""
_AT_ONCE: Final = struct.pack("ii", 1, 0)


class Faulty(Loopback):
    """`asked`: set by the first request. `answers`: None keeps who asks waiting, until the server is closed."""

    def __init__(self, answers: bytes | None) -> None:
        super().__init__(_Handler)
        self.answers = answers
        self.asked = Event()


class _Handler(StreamRequestHandler):
    server: Faulty

    def handle(self) -> None:
        length, line = 0, self.rfile.readline()
        while line not in (b"\r\n", b"\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
            line = self.rfile.readline()
        self.rfile.read(length)
        self.server.asked.set()
        if self.server.answers is None:
            self.server.closed.wait()
        elif self.server.answers == HANG_UP:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        else:
            self.wfile.write(self.server.answers)


def serving(answers: bytes | None) -> AbstractContextManager[Faulty]:
    return running(Faulty(answers))


def reply(
    status: int, body: bytes, content_type: str = "text/html", length: int | None = None, more: str = ""
) -> bytes:
    """`length`: what it promises, where that is more than the body."""
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: {content_type}\r\nConnection: close\r\n{more}"
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def unused_url() -> str:
    """Nobody listens there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
