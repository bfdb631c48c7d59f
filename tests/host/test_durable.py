"""Durable functions in the host."""

import json
from typing import Any

import pytest

from devhost.stack import Stack
from tests.host.foreign import call, eventually


def _run(stack: Stack, name: str, given: Any) -> dict[str, Any]:
    """Start an orchestration and wait for its end."""
    reply = call(stack, f"/api/orchestrations/{name}", json.dumps(given).encode())
    assert reply.status == 202
    instance_id = reply.json()["id"]

    def ended() -> dict[str, Any] | None:
        state: dict[str, Any] = call(stack, f"/api/orchestrations/{instance_id}").json()
        return state if state["status"] in ("COMPLETED", "FAILED", "TERMINATED") else None

    return eventually(ended, f"{name} ends") or {}


@pytest.mark.parametrize(
    ("name", "given", "output"),
    [
        ("fan_out", 50, 2450),
        ("parent", [3, 4, 5], [6, 12, 20]),
        ("again", 4, 2),
        ("measure", "x" * 5_000_000, 5_000_000),
    ],
)
def test_an_orchestration_completes(stack: Stack, name: str, given: Any, output: Any) -> None:
    state = _run(stack, name, given)
    assert (state["status"], json.loads(state["output"])) == ("COMPLETED", output)


def test_an_orchestrator_can_catch_what_an_activity_raises(stack: Stack) -> None:
    output = json.loads(_run(stack, "failing", 0)["output"])
    assert output.startswith("caught: ")
    assert output.endswith("negative numbers are not doubled")
    assert "Traceback" not in output


def test_an_activity_that_fails_fails_its_orchestration(stack: Stack) -> None:
    state = _run(stack, "not_catching", 0)
    assert state["status"] == "FAILED"
    assert "negative numbers are not doubled" in state["error"]
    assert "Traceback" not in state["error"]


def test_an_orchestration_that_the_app_does_not_have_fails(stack: Stack) -> None:
    assert "no orchestration 'nobody'" in _run(stack, "nobody", 0)["error"]


def test_an_entity_keeps_its_state_and_its_failures_reach_the_caller(stack: Stack) -> None:
    total, error = json.loads(_run(stack, "count_up", "some-key")["output"])
    assert total == 42
    assert "nothing to add" in error


def test_an_unknown_instance_has_no_state(stack: Stack) -> None:
    assert call(stack, "/api/orchestrations/unknown").status == 404
