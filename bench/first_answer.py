"""Where the time goes from the start of a host to its first correct answer."""

import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from devhost.errors import HostError
from devhost.processes import free_port
from devhost.stack import Stack

_ROUNDS: Final = 5
_PATH: Final = "/endpoints/flight-delay/score"
_AUDIENCE: Final = "api://slipway"
_REQUEST: Final = Path("samples/flights/request.json")
_RIGHT: Final = b'[{"late":1,'
_DEADLINE_S: Final = 60.0

type Step = tuple[str, float, float]  # name, wall seconds, CPU seconds


def table(stack: Stack) -> Iterator[str]:
    """Markdown. `stack` runs, with the flights endpoint published."""
    authorization = f"Bearer {stack.token(['Endpoint.Score'], _AUDIENCE)}"
    wall = [_host_wall_s(stack, authorization) for _ in range(_ROUNDS)]
    rounds = [_steps(stack, authorization) for _ in range(_ROUNDS)]
    yield f"From the start of a host to its first correct answer, the model in Azurite: {statistics.median(wall):.2f} s"
    yield f"({min(wall):.2f} to {max(wall):.2f} in {_ROUNDS} starts). Its steps one by one, in a process of their own:"
    yield ""
    yield "| step | wall, ms | CPU, ms |"
    yield "| --- | ---: | ---: |"
    for same in zip(*rounds, strict=True):
        wall_s, cpu_s = (statistics.median(step[figure] for step in same) for figure in (1, 2))
        yield f"| {same[0][0]} | {wall_s * 1000:.0f} | {cpu_s * 1000:.0f} |"


def _environment(stack: Stack) -> dict[str, str]:
    return {
        **os.environ,
        **stack.settings,
        "AzureWebJobsStorage": stack.connection_string,
        "FUNCTIONS_WORKER_RUNTIME": "python",
    }


def _host_wall_s(stack: Stack, authorization: str) -> float:
    port = free_port()
    command = [sys.executable, "-m", "devhost", "--app", str(stack.app_dir), "--port", str(port)]
    started = time.perf_counter()
    with subprocess.Popen(command, env=_environment(stack), stdout=subprocess.DEVNULL) as host:
        try:
            while not _is_answered(port, authorization):
                if time.perf_counter() - started > _DEADLINE_S:
                    raise HostError(f"the host did not answer within {_DEADLINE_S:g} s")
                time.sleep(0.01)
            return time.perf_counter() - started
        finally:
            host.terminate()


def _is_answered(port: int, authorization: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_DEADLINE_S)
    headers = {"content-type": "application/json", "authorization": authorization}
    try:
        connection.request("POST", _PATH, _REQUEST.read_bytes(), headers)
        reply = connection.getresponse()
        return reply.status == 200 and reply.read().startswith(_RIGHT)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _steps(stack: Stack, authorization: str) -> list[Step]:
    command = [sys.executable, "-m", "bench.first_steps", str(time.time()), _PATH, authorization, str(_REQUEST)]
    done = subprocess.run(command, env=_environment(stack), check=True, capture_output=True, text=True)
    return [(name, wall_s, cpu_s) for name, wall_s, cpu_s in json.loads(done.stdout.splitlines()[-1])]
