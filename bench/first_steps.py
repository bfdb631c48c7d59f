"""The steps that a host takes until its first answer, one by one: `python -m bench.first_steps` of first_answer.py.

Prints a JSON list of each one's name, wall seconds and CPU seconds. Every import stands where its cost is counted.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from pathlib import Path


async def walk(started_at: float, path: str, authorization: str, body: bytes) -> list[tuple[str, float, float]]:
    """`started_at`: when the process was started, in seconds since 1970."""
    steps: list[tuple[str, float, float]] = []

    def done(name: str) -> None:
        wall_s, cpu_s = time.time() - started_at, time.process_time()
        steps.append((name, wall_s - sum(step[1] for step in steps), cpu_s - sum(step[2] for step in steps)))

    done("the interpreter")
    importlib.import_module("devhost.host")
    done("the local host, Microsoft's worker, and the storage SDK for the triggers")
    from devhost.bound_data import BoundData
    from devhost.front import Front
    from devhost.host_json import read_host_json
    from devhost.request import Request
    from devhost.storage import Storage
    from devhost.worker import Worker

    worker = Worker()
    functions = await worker.index(Path.cwd())
    front = Front(worker, functions, read_host_json(Path.cwd()), BoundData(worker, Storage(), True))
    done("function_app, and its functions indexed")
    from shared.services import services

    held = services()
    done("the settings and the adapters")
    await held.authenticator.authenticate(authorization)
    done("the issuer's keys, PyJWT and cryptography, the token's signature")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    importlib.import_module("onnxruntime")
    done("onnxruntime")
    for name in (
        "the endpoint's document, the model fetched and its session made, the first answer",
        "a second answer",
    ):
        headers = [(b"content-type", b"application/json"), (b"authorization", authorization.encode())]
        request = Request("POST", path.encode(), b"", headers)
        request.take(body)
        reply = await front.answer(request)
        if reply.status != 200:
            raise RuntimeError(f"{reply.status}: {reply.body!r}")
        done(name)
    return steps


if __name__ == "__main__":
    started_at, path, authorization, body_file = sys.argv[1:]
    told = asyncio.run(walk(float(started_at), path, authorization, Path(body_file).read_bytes()))
    print(json.dumps(told), flush=True)
    os._exit(0)  # the worker's threads need not be waited for
