"""Frames between the app and a worker: whole, bounded, and nothing but bytes and JSON."""

import json
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from shared.models.sandbox import wire


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


type Ends = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize(
    "parts", [[], [b""], [b"", b"x", b""], [b"a" * 15, b"b" * 16, b"c" * 17], [b"large" * 200_000, b"small"]]
)
def test_a_frame_arrives_as_it_was_sent(ends: Ends, parts: list[bytes]) -> None:
    sender = threading.Thread(target=wire.send, args=(ends[0], {"a": ["ü", None, 1.5]}, parts))
    sender.start()
    header, received = wire.receive(ends[1])
    sender.join()
    assert header == {"a": ["ü", None, 1.5], "parts": [len(part) for part in parts]}
    assert [bytes(part) for part in received] == parts


def test_frames_follow_each_other(ends: Ends) -> None:
    wire.send(ends[0], {"n": 1}, [b"one"])
    wire.send(ends[0], {"n": 2})
    assert [wire.receive(ends[1])[0]["n"] for _ in range(2)] == [1, 2]


def test_the_end_of_the_other_side_is_told(ends: Ends) -> None:
    ends[0].sendall(b"\0" * 5)
    ends[0].close()
    with pytest.raises(EOFError):
        wire.receive(ends[1])


def test_what_is_too_large_is_not_sent(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FRAME_BYTES", 100)
    with pytest.raises(wire.FrameTooLarge):
        wire.send(ends[0], {}, [b"x" * 101])
    wire.send(ends[0], {"n": 1}, [b"x"])
    assert wire.receive(ends[1])[0]["n"] == 1


@pytest.mark.parametrize(
    ("header", "total"),
    [
        (b"{}", 0),
        (b"[]", 0),
        (b"no JSON", 0),
        (b"[" * 100_000, 0),
        (b'{"parts": 3}', 0),
        (b'{"parts": [1]}', 0),
        (b'{"parts": [-1, 1]}', 16),
        (b'{"parts": ["1"]}', 16),
        (b'{"parts": [17]}', 16),
        (b'{"parts": [true]}', 16),
    ],
)
def test_what_is_no_frame_is_told(ends: Ends, header: bytes, total: int) -> None:
    ends[0].sendall(struct.pack(">IQ", len(header), total) + header + bytes(total))
    with pytest.raises(wire.NoFrame):
        wire.receive(ends[1])


@pytest.mark.parametrize("sizes", [(2**32 - 1, 0), (2, 2**64 - 1)])
def test_a_frame_that_says_it_is_too_large_is_not_waited_for(ends: Ends, sizes: tuple[int, int]) -> None:
    ends[0].sendall(struct.pack(">IQ", *sizes) + json.dumps({}).encode())
    with pytest.raises(wire.NoFrame, match="too large"):
        wire.receive(ends[1])
