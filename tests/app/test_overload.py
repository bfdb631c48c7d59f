"""More requests than a model takes, and one that is slow beside others that are not."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.models.package import ModelRef
from tests.app.client import Client
from tests.app.gate import Gate
from tests.app.packages import CODE, save_script
from tests.support import iris

WAIT = json.dumps({"do": "wait"}).encode()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate") / "gate")


@pytest.fixture(scope="module")
def slow(
    publish: Callable[..., dict[str, Any]],
    upload: Callable[..., ModelRef],
    gate: Gate,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """An endpoint's name: it takes one request at a time and lets one wait."""
    folder: Path = tmp_path_factory.mktemp("slow")
    save_script(folder)
    settings = {"request_timeout_ms": 60_000, "max_concurrent_requests_per_instance": 1, "max_queue": 1}
    deployment = {
        "model": upload(folder, "slow", code=CODE)._asdict(),
        "environment_variables": {"GATE": str(gate.path)},
        "request_settings": settings,
    }
    publish("slow", deployments={"blue": deployment})
    return "slow"


@pytest.fixture
def send(client: Client) -> Iterator[Callable[[str, bytes], Future[requests.Response]]]:
    """Sends a request in a thread of its own."""
    with ThreadPoolExecutor(8) as threads:
        yield lambda endpoint, body: threads.submit(client.score, endpoint, body)


def test_what_a_deployment_cannot_take_is_turned_away_and_the_rest_answered(
    client: Client, slow: str, gate: Gate, send: Callable[[str, bytes], Future[requests.Response]]
) -> None:
    worked_on = send(slow, WAIT)
    with gate.hold():
        others = [send(slow, b"{}") for _ in range(4)]
        answered = as_completed(others)
        for refused in (next(answered) for _ in range(3)):
            reply = refused.result()
            assert (reply.status_code, reply.json()["error"]["code"]) == (429, "Overloaded")
            assert int(reply.headers["Retry-After"]) >= 1
        assert not worked_on.done()
    assert worked_on.result().status_code == 200
    assert next(answered).result().status_code == 200
    text = client.ask("GET", "/metrics", "Endpoint.Read").text
    assert 'slipway_rejected_total{deployment="blue",endpoint="slow",reason="Overloaded"} 3.0' in text


def test_a_slow_model_holds_up_neither_a_fast_one_nor_health(
    client: Client, slow: str, flowers: str, gate: Gate, send: Callable[[str, bytes], Future[requests.Response]]
) -> None:
    worked_on = send(slow, WAIT)
    with gate.hold():
        waiting = send(slow, b"{}")
        fast = [send(flowers, iris.request(1 + number)) for number in range(30)]
        assert {reply.result().status_code for reply in as_completed(fast)} == {200}
        for path in ("/health/live", "/health/ready"):
            assert client.ask("GET", path).status_code == 200
        assert not worked_on.done()
        assert not waiting.done()
    assert worked_on.result().status_code == 200
    assert waiting.result().status_code == 200


def test_a_caller_has_a_quota_of_its_own(client: Client, publish: Callable[..., dict[str, Any]]) -> None:
    publish("rationed", quota={"requests_per_minute": 2})
    replies = [client.score("rationed") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[-1].json()["error"]["code"] == "Overloaded"
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 30
    other = client.stack.token(["Endpoint.Score"], "api://slipway", oid="00000000-0000-4000-8000-00000000000b")
    headers = {"Authorization": f"Bearer {other}", "Content-Type": "application/json"}
    reply = client.ask("POST", "/endpoints/rationed/score", headers=headers, data=iris.request(1))
    assert reply.status_code == 200
