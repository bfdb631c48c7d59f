"""The bytes on one connection, as a client sees them that writes and reads its own."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from devhost.reply import Reply
from devhost.request import BODY_LIMIT_BYTES, BodyTooLargeError, DisconnectedError, Request
from devhost.server import Server

type Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status, [(b"content-length", str(len(body)).encode())], body)


async def echo(request: Request) -> Reply:
    return reply(b"%s %s %s" % (request.method.encode(), request.path, await request.body()))


@asynccontextmanager
async def served(answer: Callable[[Request], Awaitable[Reply]]) -> AsyncIterator[Streams]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(answer)
        await server.start(listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        try:
            yield reader, writer
        finally:
            writer.close()
            await server.stop(5)


async def asked(*chunks: bytes, answer: Callable[[Request], Awaitable[Reply]] = echo) -> bytes:
    """All that comes back on a connection whose last request asks for its end; dates are cut out."""
    async with served(answer) as (reader, writer):
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        return re.sub(rb"date: [^\r]+ GMT\r\n", b"", await reader.read())


def ok(body: bytes, *, last: bool = False) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n%s\r\n%s" % (len(body), b"connection: close\r\n" * last, body)


CLOSING = b"GET /end HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
ENDED = ok(b"GET /end ", last=True)


async def test_requests_sent_in_one_go_are_answered_in_their_order() -> None:
    async def answer(request: Request) -> Reply:
        if request.path == b"/slow":
            for _ in range(50):
                await asyncio.sleep(0)
        return await echo(request)

    first, second = (b"POST %s HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi" % path for path in (b"/slow", b"/b?c"))
    expected = ok(b"POST /slow hi") + ok(b"POST /b hi") + ENDED
    assert await asked(first + second + CLOSING, answer=answer) == expected


async def test_a_request_may_come_byte_by_byte() -> None:
    request = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n" + CLOSING
    assert await asked(*(request[i : i + 1] for i in range(len(request)))) == ok(b"POST /a hi!") + ENDED


async def test_http_1_0_is_answered_and_the_connection_ended() -> None:
    assert await asked(b"GET /a HTTP/1.0\r\n\r\n") == ok(b"GET /a ", last=True)


async def test_what_follows_the_last_request_is_not_looked_at() -> None:
    assert await asked(CLOSING + b"GET /b HTTP/1.1\r\n\r\nand noise") == ENDED


async def test_an_upgrade_is_answered_as_the_plain_request_that_it_is() -> None:
    request = b"GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert await asked(request) == ok(b"GET /a ", last=True)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /a HTTP/1.1\r\nA: b\n c\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_cannot_be_read_is_400_and_ends_the_connection(request_bytes: bytes) -> None:
    answered = await asked(request_bytes)
    assert answered.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answered.count(b"HTTP/1.1") == 2  # the second one is in the message
    assert b"connection: close\r\n" in answered


async def test_a_client_that_waits_for_100_gets_it_once_its_body_is_wanted() -> None:
    async with served(echo) as (reader, writer):
        writer.write(b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"hi")
        assert (await reader.read()).endswith(b"\r\n\r\nPOST /a hi")


async def test_a_reply_that_needs_no_body_lets_it_go_and_serves_on() -> None:
    async def answer(request: Request) -> Reply:
        return reply(b"early") if request.method == "POST" else await echo(request)

    head = b"POST /a HTTP/1.1\r\nContent-Length: 300000\r\n\r\n"
    assert await asked(head, b"x" * 300_000, CLOSING, answer=answer) == ok(b"early") + ENDED


async def test_a_body_that_waits_its_turn_is_not_taken_in_whole() -> None:
    turn = asyncio.Event()
    seen: list[Request] = []

    async def answer(request: Request) -> Reply:
        seen.append(request)
        await turn.wait()
        return reply(b"%d" % len(await request.body()))

    async with served(answer) as (reader, writer):
        writer.write(b"POST /a HTTP/1.1\r\nContent-Length: 30000000\r\nConnection: close\r\n\r\n" + b"x" * 30_000_000)
        while not seen or not seen[0].is_far_ahead:
            await asyncio.sleep(0)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not seen[0].is_complete
        turn.set()
        await writer.drain()
        assert (await reader.read()).endswith(b"\r\n\r\n30000000")


async def test_a_body_over_the_limit_is_refused_though_its_length_was_not_told() -> None:
    async def answer(request: Request) -> Reply:
        try:
            return reply(await request.body())
        except BodyTooLargeError:
            return reply(b"", 413)

    chunk = b"1000000\r\n" + b"x" * 0x1000000 + b"\r\n"
    async with served(answer) as (reader, writer):
        writer.write(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(BODY_LIMIT_BYTES // 0x1000000 + 1):
            writer.write(chunk)
            await writer.drain()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
        writer.write(b"0\r\n\r\n" + CLOSING)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_goes_amid_its_body_is_not_answered() -> None:
    gone = asyncio.Event()

    async def answer(request: Request) -> Reply:
        try:
            return reply(await request.body())
        except DisconnectedError:
            gone.set()
            raise

    async with served(answer) as (_, writer):
        writer.write(b"POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\nhi")
        await writer.drain()
        writer.transport.abort()
        await asyncio.wait_for(gone.wait(), 10)


async def test_an_answer_that_raises_is_500_and_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(request: Request) -> Reply:
        raise RuntimeError("a secret")

    with caplog.at_level(logging.ERROR):
        answered = await asked(CLOSING, answer=answer)
    assert answered.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert (b"secret" in answered, "RuntimeError: a secret" in caplog.text) == (False, True)


async def test_a_client_that_does_not_read_is_not_served_on() -> None:
    answered = 0

    async def answer(request: Request) -> Reply:
        nonlocal answered
        answered += 1
        return reply(b"x" * 1_000_000)

    async with served(answer) as (reader, writer):
        writer.write(b"GET /a HTTP/1.1\r\n\r\n" * 100)
        while not answered:
            await asyncio.sleep(0)
        for _ in range(1000):
            await asyncio.sleep(0)
        assert answered < 50
        writer.write(CLOSING)
        assert (await reader.read()).count(b"HTTP/1.1 200 OK") == answered == 101


async def test_a_server_that_stops_answers_what_was_asked_and_ends_idle_connections() -> None:
    turn, asked_for = asyncio.Event(), asyncio.Event()

    async def answer(request: Request) -> Reply:
        asked_for.set()
        await turn.wait()
        return await echo(request)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(answer)
        await server.start(listener)
        busy, idle = [await asyncio.open_connection(*listener.getsockname()[:2]) for _ in range(2)]
        busy[1].write(b"GET /a HTTP/1.1\r\n\r\n")
        await asked_for.wait()
        stopping = asyncio.create_task(server.stop(10))
        assert await idle[0].read() == b""
        turn.set()
        assert (await busy[0].read()).endswith(b"connection: close\r\n\r\nGET /a ")
        await stopping
        for _, writer in (busy, idle):
            writer.close()
