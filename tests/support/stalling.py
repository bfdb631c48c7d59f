"""A way to a server that carries everything, until a request comes after which it carries nothing."""

import socket
from contextlib import AbstractContextManager, suppress
from itertools import count
from socketserver import BaseRequestHandler
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

from tests.support.loopback import Loopback, running

_PIECE_BYTES: Final = 65_536


class Stalling(Loopback):
    """`stalled`: set when the request has come, which is the `number`th, from 0, that begins like `request`."""

    def __init__(self, url: str, request: bytes, number: int) -> None:
        super().__init__(_Handler)
        parts = urlsplit(url)
        self.there = (parts.hostname or "", parts.port or 80)
        self.request_line = request
        self.number = number
        self.counted = count()
        self.stalled = Event()


class _Handler(BaseRequestHandler):
    server: Stalling

    def handle(self) -> None:
        with socket.create_connection(self.server.there) as there, suppress(OSError):
            Thread(target=_carry, args=(there, self.request), daemon=True).start()
            while piece := self.request.recv(_PIECE_BYTES):
                if piece.startswith(self.server.request_line) and next(self.server.counted) >= self.server.number:
                    self.server.stalled.set()
                    self.server.closed.wait()
                    return
                there.sendall(piece)


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)


def stalling(url: str, request: bytes, number: int = 0) -> AbstractContextManager[Stalling]:
    return running(Stalling(url, request, number))
