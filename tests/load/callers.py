"""The callers of the soak: a steady stream of requests, tokens that change, and some that hang up half-way."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from tests.load.mix import EXPIRED, GARBAGE, GOOD, NONE, STRANGER, Kind
from tests.load.tally import Tally

_IN_FLIGHT: Final = 64
_TOKEN_S: Final = 4.0
_HANG_UP_S: Final = 1.0
# How many of the last tokens are in use: caches meet old ones and new ones.
_TOKENS: Final = 5


class Tokens:
    """Good ones that are replaced every few seconds, and bad ones. `make(roles, lifetime_s)` asks the issuer."""

    def __init__(self, make: Callable[[list[str], int], str]) -> None:
        self._make = make
        self._good: deque[str] = deque(maxlen=_TOKENS)
        self._bad = {EXPIRED: make(["Endpoint.Score"], -7200), STRANGER: make([], 3600), GARBAGE: "a.b.c"}

    def replace(self) -> None:
        self._good.append(self._make(["Endpoint.Score", "Endpoint.Read"], 3600))

    def header(self, kind: str) -> dict[str, str]:
        if kind == NONE:
            return {}
        token = random.choice(self._good) if kind == GOOD else self._bad[kind]  # noqa: S311 - any will do
        return {"Authorization": f"Bearer {token}"}


async def call(url: str, kinds: Sequence[Kind], tokens: Tokens, tally: Tally, rate: float, ends_at: float) -> None:
    """Sends `rate` requests a second until `ends_at`, by the monotonic clock, and waits for the last answers."""
    weights = [kind.weight for kind in kinds]
    slots = asyncio.Semaphore(_IN_FLIGHT)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(url, timeout=timeout) as session, asyncio.TaskGroup() as group:
        group.create_task(_replace_tokens(tokens, ends_at))
        group.create_task(_hang_up(url, tokens, ends_at))
        due = time.monotonic()
        while due < ends_at:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await slots.acquire()
            (kind,) = random.choices(kinds, weights)  # noqa: S311 - it is only a mix
            task = group.create_task(_ask(session, kind, tokens, tally))
            task.add_done_callback(lambda _: slots.release())
            due = max(due + 1 / rate, time.monotonic() - 1.0)


async def _ask(session: aiohttp.ClientSession, kind: Kind, tokens: Tokens, tally: Tally) -> None:
    headers = {**kind.headers, **tokens.header(kind.token)}
    if kind.content_type is not None:
        headers["Content-Type"] = kind.content_type
    skipped = () if kind.content_type is not None else ("Content-Type",)
    started = time.monotonic()
    try:
        async with session.request(
            kind.method, kind.path, data=kind.body, headers=headers, skip_auto_headers=skipped
        ) as reply:
            body = await reply.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        tally.failed(kind, 0, repr(error))
        return
    tally.answered(kind, reply.status, body, time.monotonic() - started)


async def _replace_tokens(tokens: Tokens, ends_at: float) -> None:
    while time.monotonic() < ends_at:
        await asyncio.to_thread(tokens.replace)
        await asyncio.sleep(min(_TOKEN_S, max(0.0, ends_at - time.monotonic())))


async def _hang_up(url: str, tokens: Tokens, ends_at: float) -> None:
    """Callers that go away in the middle of their own request."""
    parts = urlsplit(url)
    while time.monotonic() < ends_at:
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = "POST /endpoints/flight-delay/score HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: 500000\r\n\r\n{{".encode() + b" " * 100_000)
        await writer.drain()
        writer.close()
        await asyncio.sleep(min(_HANG_UP_S, max(0.0, ends_at - time.monotonic())))
