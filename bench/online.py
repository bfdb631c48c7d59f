"""CPU per request through the local host, beside FastAPI with the same model in the same run."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import requests
from rich.console import Console
from rich.table import Table

from bench.load import Figures, Target, measure
from devhost.processes import free_port
from devhost.stack import Stack
from samples.flights.local import ENDPOINT, token
from samples.flights.train import DEFAULT_OUT
from shared.auth.access import Role

_PAIRS: Final = 7
_REQUESTS: Final = 4000
_CONNECTIONS: Final = 8
_MODEL: Final = DEFAULT_OUT / "models" / "blue" / "model.onnx"
_REQUEST: Final = Path("samples/flights/request.json")


def run(console: Console, stack: Stack) -> None:
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "bench.fastapi_peer:app", "--port", str(port)),
        *("--no-access-log", "--loop", "uvloop", "--http", "httptools", "--workers", "1", "--log-level", "warning"),
    ]
    peer = subprocess.Popen(command, env={**os.environ, "PEER_MODEL": str(_MODEL), "OMP_NUM_THREADS": "1"})
    try:
        targets = (_slipway(stack), _fastapi(port, peer.pid))
        pairs: list[tuple[Figures, Figures]] = []
        for target in targets:
            _wait_for(target)
            measure(target, 500, _CONNECTIONS)
        with console.status("online: one row a request"):
            for _ in range(_PAIRS):
                mine, theirs = (measure(target, _REQUESTS, _CONNECTIONS) for target in targets)
                pairs.append((mine, theirs))
    finally:
        peer.terminate()
        peer.wait(10)
    _print(console, targets, pairs, command)


def _slipway(stack: Stack) -> Target:
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {token(stack, [Role.SCORE])}",
        "azureml-model-deployment": "blue",
    }
    url = f"{stack.url}/endpoints/{ENDPOINT}/score"
    pid = stack.host_pid
    assert pid is not None  # noqa: S101 - the stack runs
    return Target("slipway, local host, token checked", url, headers, _REQUEST.read_bytes(), pid, _is_right)


def _fastapi(port: int, pid: int) -> Target:
    table = json.loads(_REQUEST.read_text())["input_data"]
    body = json.dumps([dict(zip(table["columns"], row, strict=True)) for row in table["data"]]).encode()
    headers = {"content-type": "application/json"}
    return Target("FastAPI, no authentication", f"http://127.0.0.1:{port}/score", headers, body, pid, _is_right)


def _is_right(body: bytes) -> bool:
    return body.startswith(b'[{"late":1,"late_probability":0.58900')


def _wait_for(target: Target) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            reply = requests.post(target.url, data=target.body, headers=dict(target.headers), timeout=10)
            if _is_right(reply.content):
                return
            raise RuntimeError(f"{target.name} answered {reply.status_code}: {reply.text[:200]}")
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _print(
    console: Console, targets: tuple[Target, Target], pairs: list[tuple[Figures, Figures]], command: list[str]
) -> None:
    table = Table(
        title=f"Online, one row, {_CONNECTIONS} connections, medians of {_PAIRS} rounds of {_REQUESTS} requests"
    )
    for heading in ("server", "CPU a request", "p50", "requests/s"):
        table.add_column(heading, justify="left" if heading == "server" else "right")
    for target, figures in zip(targets, zip(*pairs, strict=True), strict=True):
        cpu, p50, rate = (statistics.median(values) for values in zip(*figures, strict=True))
        table.add_row(target.name, f"{cpu:.0f} µs", f"{p50:.2f} ms", f"{rate:.0f}")
    console.print(table)
    ratios = sorted(mine.cpu_us / theirs.cpu_us for mine, theirs in pairs)
    console.print(
        f"CPU a request, slipway / FastAPI, pair by pair: median [bold]{statistics.median(ratios):.2f}[/bold] "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )
    console.print(f"peer: {' '.join(['python', *command[1:]])}", soft_wrap=True)
