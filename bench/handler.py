"""What a scoring request costs without a host around it, and how much of that is the model's own call.

The function is called as the host calls it, token, metrics and reply included; storage is only asked for the model.
`python -m bench.handler TOKEN ROWS`, in a process with the stack's settings, prints µs of CPU: all, all where every
request is kept for monitoring, bare call.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import orjson
from rich.console import Console

from bench import endpoints
from bench.models import OUT, rows
from devhost.stack import Stack
from samples.flights.local import token
from shared.auth.access import Role

_ROUNDS: Final = 7
_CALLS: Final = 2000


def run(console: Console, stack: Stack, work_dir: Path) -> None:
    endpoints.publish(stack, endpoints.ROWS, OUT / "rows", {"blue": {}})
    endpoints.publish(stack, endpoints.WATCHED, OUT / "rows", {"blue": {}}, monitoring={})
    proof = token(stack, [Role.SCORE])
    for count in (1, 32):
        done = subprocess.run(
            [sys.executable, "-m", "bench.handler", proof, str(count)],
            env={**os.environ, **stack.environ},
            check=True,
            capture_output=True,
            text=True,
        )
        whole, watched, bare = map(float, done.stdout.split())
        console.print(
            f"in process, {count} row{'s' if count > 1 else ''} of 30 floats: {whole:.0f} µs of CPU a request, "
            f"the bare onnxruntime call {bare:.0f} µs, the handler's own share [bold]{whole - bare:.0f} µs[/bold]; "
            f"to keep each for monitoring takes {watched - whole:.0f} µs more"
        )


async def measure(proof: str, count: int) -> tuple[float, float, float]:
    import azure.functions as func
    import onnxruntime

    from shared.online.protocols import azureml
    from shared.triggers import online
    from shared.triggers.pages import in_route
    from shared.triggers.routes import dispatcher

    function = dispatcher({"POST": online._score}, azureml.render_error, in_route)
    body = orjson.dumps({"input_data": rows(count)})
    headers = {"content-type": "application/json", "authorization": f"Bearer {proof}", "host": "localhost"}

    async def answer(endpoint: str) -> None:
        where = {"endpoint": endpoint}
        request = func.HttpRequest("POST", "http://localhost/", headers=headers, route_params=where, body=body)
        reply = await function(request)
        if reply.status_code != 200:
            raise RuntimeError(f"answered {reply.status_code} {reply.get_body()[:200]!r}")

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(OUT / "rows" / "model.onnx", options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: _matrix(count)}

    async def bare() -> None:
        session.run(None, feed)

    whole = await _median_us(lambda: answer(endpoints.ROWS))
    return whole, await _median_us(lambda: answer(endpoints.WATCHED)), await _median_us(bare)


def _matrix(count: int) -> Any:
    import numpy as np

    return np.array(rows(count), np.float32)


async def _median_us(call: Callable[[], Awaitable[None]]) -> float:
    for _ in range(_CALLS // 4):
        await call()
    took = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for _ in range(_CALLS):
            await call()
        took.append((time.process_time() - started) / _CALLS * 1e6)
    return statistics.median(took)


if __name__ == "__main__":
    print(*asyncio.run(measure(sys.argv[1], int(sys.argv[2]))))
