"""host.json's limits on HTTP requests."""

import asyncio
from pathlib import Path
from typing import Any, cast

from devhost.bound_data import BoundData
from devhost.front import Front
from devhost.functions import parse_function
from devhost.host_json import HostConfig, read_host_json
from devhost.request import Request
from devhost.worker import Outcome, Worker


class _HeldWorker:
    """A worker whose invocations end when they are let go."""

    def __init__(self) -> None:
        self.running = 0
        self.let_go = asyncio.Event()

    async def invoke(self, *_: Any) -> Outcome:
        self.running += 1
        await self.let_go.wait()
        return Outcome(None, (), None)


def _config(tmp_path: Path, **limits: int) -> HostConfig:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    prefix = "AzureFunctionsJobHost__extensions__http__"
    return read_host_json(tmp_path, {prefix + name: str(value) for name, value in limits.items()})


def _front(worker: _HeldWorker, config: HostConfig) -> Front:
    function = parse_function("f", "f", ['{"type": "httpTrigger", "name": "req", "route": "f"}'])
    return Front(cast(Worker, worker), [function], config, cast(BoundData, None))


async def _ask(front: Front) -> int:
    return (await front.answer(Request("GET", b"/api/f", b"", []))).status


async def test_requests_beyond_the_limit_are_429(tmp_path: Path) -> None:
    worker = _HeldWorker()
    front = _front(worker, _config(tmp_path, maxConcurrentRequests=2, maxOutstandingRequests=3))
    requests = [asyncio.create_task(_ask(front)) for _ in range(5)]
    done, waiting = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    while len(done) < 2:
        more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert [task.result() for task in done] == [429, 429]
    assert worker.running == 2
    worker.let_go.set()
    assert sorted(await asyncio.gather(*requests)) == [204, 204, 204, 429, 429]
    assert await _ask(front) == 204


async def test_without_limits_nothing_waits(tmp_path: Path) -> None:
    worker = _HeldWorker()
    front = _front(worker, _config(tmp_path))
    requests = [asyncio.create_task(_ask(front)) for _ in range(50)]
    while worker.running < 50:
        await asyncio.sleep(0)
    worker.let_go.set()
    assert set(await asyncio.gather(*requests)) == {204}
