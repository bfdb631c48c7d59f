"""A load generator that costs little: prepared bytes over kept-alive connections, replies checked."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil


class Target(NamedTuple):
    """One way to ask one server, and how to tell that the answer is right.

    `pid`: the server; what it has started counts, too. `tokens`: each request takes the next one of them.
    """

    name: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    pid: int
    accepts: Callable[[bytes], bool]
    tokens: Iterator[str] | None = None


class Figures(NamedTuple):
    """Of one round. `cpu_us`: the server's own CPU, user and system, per request."""

    cpu_us: float
    p50_ms: float
    requests_s: float


def measure(target: Target, requests: int, connections: int) -> Figures:
    """Raises RuntimeError when an answer is wrong."""
    before = cpu_s(target.pid)
    started = time.perf_counter()
    latencies = asyncio.run(_load(target, requests, connections))
    seconds = time.perf_counter() - started
    spent_s = cpu_s(target.pid) - before
    return Figures(spent_s / requests * 1e6, statistics.median(latencies) * 1e3, requests / seconds)


def cpu_s(pid: int) -> float:
    """User and system time of a process and all below it that are there now."""
    process = psutil.Process(pid)
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            total += times.user + times.system
    return total


async def _load(target: Target, requests: int, connections: int) -> list[float]:
    each = requests // connections
    results = await asyncio.gather(*(_one_connection(target, each) for _ in range(connections)))
    return [latency for latencies in results for latency in latencies]


async def _one_connection(target: Target, requests: int) -> list[float]:
    parts = urlsplit(target.url)
    before, after = _message(target)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    latencies: list[float] = []
    for _ in range(requests):
        token = f"authorization: Bearer {next(target.tokens)}\r\n".encode() if target.tokens is not None else b""
        started = time.perf_counter()
        if writer.is_closing():  # the server keeps no connection alive
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(before + token + after)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            writer.close()
        latencies.append(time.perf_counter() - started)
        if b" 200 " not in head[:16] or not target.accepts(body):
            raise RuntimeError(f"{target.name} answered {head[:60]!r} {body[:200]!r}")
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return latencies


def _message(target: Target) -> tuple[bytes, bytes]:
    """A request's bytes before and after the place of a token."""
    parts = urlsplit(target.url)
    lines = [f"POST {parts.path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(target.body)}"]
    lines += [f"{name}: {value}" for name, value in target.headers.items()]
    return "".join(f"{line}\r\n" for line in lines).encode(), b"\r\n" + target.body
