"""CPU per request through the local host, beside what users would pick instead, with the same model in the same run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import orjson
from rich.console import Console

from bench import endpoints
from bench.contest import Entrant, hold, ratio
from bench.load import Target
from bench.models import COLUMNS, OUT, rows
from bench.peers import servers
from bench.peers.process import Server, running
from devhost.stack import Stack
from samples.flights.local import token
from shared.auth.access import Role

_MODEL: Final = OUT / "rows"
_TABLE_MODEL: Final = OUT / "columns"
_PAIRS: Final = 7
_ROUNDS: Final = 5
_CONNECTIONS: Final = 8
_JSON: Final = {"content-type": "application/json"}


def run(console: Console, stack: Stack, work_dir: Path) -> None:
    endpoints.publish(stack, endpoints.ROWS, _MODEL, {"blue": {}})
    endpoints.publish(stack, endpoints.TABLE, _TABLE_MODEL, {"blue": {}})
    peers = {
        "fastapi": servers.fastapi(_MODEL / "model.onnx"),
        "azureml": servers.azureml(_MODEL),
        "mlflow": servers.mlflow(_MODEL),
        "mlflow-table": servers.mlflow(_TABLE_MODEL),
    }
    with running(peers, work_dir / "peers") as pids:
        for count in (1, 32):
            _beside_fastapi(console, stack, peers["fastapi"], pids["fastapi"], count)
        _tokens(console, stack)
        _beside_servers(console, stack, peers, pids)
    for name, server in peers.items():
        console.print(f"{name}: {' '.join(server.command)}", soft_wrap=True)


def _beside_fastapi(console: Console, stack: Stack, server: Server, pid: int, count: int) -> None:
    data = rows(count)
    is_right = _checker(data)
    mine = endpoints.slipway(stack, endpoints.ROWS, data, is_right)
    body = orjson.dumps({"data": data})
    theirs, in_thread = (
        Target(f"FastAPI + pydantic + onnxruntime, no auth, {how}", f"{server.url}{path}", _JSON, body, pid, is_right)
        for how, path in (("on the loop", "/score"), ("in its threads", "/score-in-thread"))
    )
    requests = 4000 if count == 1 else 1600
    title = f"{count} row{'s' if count > 1 else ''} of 30 floats"
    entrants = [Entrant(target, requests) for target in (mine, theirs, in_thread)]
    results = hold(console, title, entrants, _CONNECTIONS, _PAIRS)
    _cpu_ratio(console, f"CPU a request, {title}, slipway / FastAPI on the loop", results, 0, 1)
    _cpu_ratio(console, f"CPU a request, {title}, slipway / FastAPI in its threads", results, 0, 2)


def _tokens(console: Console, stack: Stack) -> None:
    """What it costs to meet a token for the first time."""
    data = rows(1)
    is_right = _checker(data)
    requests = 960
    wanted = requests * _ROUNDS + requests
    with console.status("making tokens"):
        made = iter([token(stack, [Role.SCORE]) for _ in range(wanted)])
    known = endpoints.slipway(stack, endpoints.ROWS, data, is_right, name="slipway, a token it knows")
    new = endpoints.slipway(
        stack, endpoints.ROWS, data, is_right, name="slipway, a new token each time", tokens=_bounded(made)
    )
    results = hold(console, "Tokens", [Entrant(known, requests), Entrant(new, requests)], _CONNECTIONS, _ROUNDS)
    more = sorted(theirs.cpu_us - mine.cpu_us for mine, theirs in results)
    console.print(f"a token met for the first time costs [bold]{more[len(more) // 2]:.0f} µs[/bold] more")


def _bounded(tokens: Iterator[str]) -> Iterator[str]:
    """Raises RuntimeError where another token is wanted than were made: a used one would be known."""
    yield from tokens
    raise RuntimeError("too few tokens were made")


def _beside_servers(console: Console, stack: Stack, peers: dict[str, Server], pids: dict[str, int]) -> None:
    data = rows(1)
    table = {"columns": COLUMNS, "data": data}
    is_right = _checker(data)

    def peer(name: str, words: str, path: str, body: object) -> Target:
        return Target(words, peers[name].url + path, _JSON, orjson.dumps(body), pids[name], is_right)

    entrants = [
        Entrant(endpoints.slipway(stack, endpoints.ROWS, data, is_right, name="slipway, a list"), 2400),
        Entrant(endpoints.slipway(stack, endpoints.TABLE, table, is_right, name="slipway, a table"), 2400),
        Entrant(peer("azureml", "azureml-inference-server-http, score.py", "/score", {"data": data}), 1000),
        Entrant(peer("mlflow", "mlflow models serve, a list", "/invocations", {"inputs": data}), 600),
        Entrant(peer("mlflow-table", "mlflow models serve, a table", "/invocations", {"dataframe_split": table}), 400),
    ]
    results = hold(console, "1 row of 30 floats, other servers", entrants, _CONNECTIONS, _ROUNDS)
    _cpu_ratio(console, "CPU a request, azureml-inference-server-http / slipway", results, 2, 0)
    _cpu_ratio(console, "CPU a request, mlflow models serve / slipway, a list", results, 3, 0)
    _cpu_ratio(console, "CPU a request, mlflow models serve / slipway, a table", results, 4, 1)


def _cpu_ratio(console: Console, what: str, results: list[Any], one: int, other: int) -> None:
    ratio(console, what, [figures[one].cpu_us for figures in results], [figures[other].cpu_us for figures in results])


def _checker(data: list[list[float]]) -> Callable[[bytes], bool]:
    """The first digits of the first and the last row's larger probability, as onnxruntime computes it here."""
    session = onnxruntime.InferenceSession(str(_MODEL / "model.onnx"), providers=["CPUExecutionProvider"])
    (said,) = session.run(None, {"X": np.array(data, np.float32)})
    digits = [f"{max(row):.9f}"[:6].encode() for row in (said[0], said[-1])]
    return lambda body: all(part in body for part in digits)
