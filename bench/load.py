"""A load generator that costs little: prepared bytes over kept-alive connections, replies checked."""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil


class Target(NamedTuple):
    """One way to ask one server, and how to tell that the answer is right."""

    name: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    pid: int
    accepts: Callable[[bytes], bool]


class Figures(NamedTuple):
    """Of one round. `cpu_us`: the server's own CPU, user and system, per request."""

    cpu_us: float
    p50_ms: float
    requests_s: float


def measure(target: Target, requests: int, connections: int) -> Figures:
    """Raises RuntimeError when an answer is wrong."""
    process = psutil.Process(target.pid)
    before = process.cpu_times()
    started = time.perf_counter()
    latencies = asyncio.run(_load(target, requests, connections))
    seconds = time.perf_counter() - started
    after = process.cpu_times()
    cpu_s = after.user - before.user + after.system - before.system
    return Figures(cpu_s / requests * 1e6, statistics.median(latencies) * 1e3, requests / seconds)


async def _load(target: Target, requests: int, connections: int) -> list[float]:
    each = requests // connections
    results = await asyncio.gather(*(_one_connection(target, each) for _ in range(connections)))
    return [latency for latencies in results for latency in latencies]


async def _one_connection(target: Target, requests: int) -> list[float]:
    parts = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = [f"POST {parts.path} HTTP/1.1", f"host: {parts.netloc}", f"content-length: {len(target.body)}"]
    lines += [f"{name}: {value}" for name, value in target.headers.items()]
    message = "\r\n".join(lines).encode() + b"\r\n\r\n" + target.body
    latencies: list[float] = []
    for _ in range(requests):
        started = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        latencies.append(time.perf_counter() - started)
        if b" 200 " not in head[:16] or not target.accepts(body):
            raise RuntimeError(f"{target.name} answered {head[:60]!r} {body[:200]!r}")
    writer.close()
    await writer.wait_closed()
    return latencies
