"""What goes over the channel between the app and a worker: frames of a JSON header and raw parts. No pickle.

A frame: `>IQ` (bytes of the header, bytes of all parts with their padding), the header, the parts. The header's member
`parts` holds the length of each; every part begins at a multiple of 16 bytes, as arrays in memory should.
Also runs in the worker, so: Python 3.9, and nothing but the standard library.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_PREFIX = struct.Struct(">IQ")
_ALIGNMENT = 16
_HEADER_BYTES = 16 * 1024 * 1024
FRAME_BYTES = 512 * 1024 * 1024
# Below this, one call that copies costs less than several that do not.
_JOINED_BYTES = 256 * 1024


class FrameTooLarge(Exception):
    """Nothing of it was sent."""


class NoFrame(Exception):
    """What came over the channel is no frame."""


def send(channel: socket.socket, header: dict[str, Any], parts: Sequence[memoryview | bytes] = ()) -> None:
    """Raises FrameTooLarge, and OSError when the other side is gone."""
    text = json.dumps({**header, "parts": [len(part) for part in parts]}, separators=(",", ":")).encode()
    padded = [piece for part in parts for piece in (part, bytes(-len(part) % _ALIGNMENT))]
    total = sum(map(len, padded))
    if total > FRAME_BYTES or len(text) > _HEADER_BYTES:
        raise FrameTooLarge(f"more than {FRAME_BYTES // 2**20} MiB at once")
    prefix = _PREFIX.pack(len(text), total)
    if total <= _JOINED_BYTES:
        channel.sendall(b"".join((prefix, text, *padded)))
        return
    channel.sendall(prefix + text)
    for piece in padded:
        channel.sendall(piece)


def receive(channel: socket.socket) -> tuple[dict[str, Any], list[memoryview]]:
    """Header and parts. Raises EOFError when the other side is gone, NoFrame, OSError."""
    header_bytes, total = _PREFIX.unpack(_exactly(channel, _PREFIX.size))
    if header_bytes > _HEADER_BYTES or total > FRAME_BYTES:
        raise NoFrame("too large")
    text = _exactly(channel, header_bytes)
    body = _exactly(channel, total)  # in memory of its own, so that its parts are aligned
    try:
        header = json.loads(bytes(text))
        return header, _cut(body, header["parts"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise NoFrame("no frame") from error


def _cut(body: memoryview, lengths: list[int]) -> list[memoryview]:
    parts = []
    offset = 0
    for length in lengths:
        if type(length) is not int or length < 0:
            raise ValueError("no length")
        parts.append(body[offset : offset + length])
        offset += length + -length % _ALIGNMENT
    if offset != len(body):
        raise ValueError("parts and their lengths differ")
    return parts


def _exactly(channel: socket.socket, size: int) -> memoryview:
    whole = memoryview(bytearray(size))
    rest = whole
    while len(rest):
        count = channel.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return whole
