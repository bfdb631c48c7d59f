"""Requests are kept, windows checked, and what was found told, on the real host and on real storage."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from azure.storage.blob import BlobServiceClient

from devhost.stack import Stack
from tests.app.client import Client, until
from tests.app.past import ROWS, SETTINGS, fill
from tests.app.test_telemetry import counted, ingestion, watched
from tests.support import iris
from tests.unit.adapters.ingestion import Ingestion

__all__ = ["ingestion", "watched"]

READ, SCORE = "Endpoint.Read", "Endpoint.Score"
MONITORING = SETTINGS.model_dump(mode="json")


@pytest.fixture(scope="module")
def orchard(publish: Callable[..., dict[str, Any]]) -> str:
    """A watched endpoint that takes keys, too."""
    publish("orchard", monitoring=MONITORING, auth_mode=["entra", "key"])
    return "orchard"


def lines(account: BlobServiceClient, prefix: str) -> list[dict[str, Any]]:
    container = account.get_container_client("capture")
    blobs = [container.download_blob(name).readall() for name in container.list_blob_names(name_starts_with=prefix)]
    return [orjson.loads(line) for blob in blobs for line in blob.splitlines()]


def tell(client: Client, endpoint: str, *truths: dict[str, Any], **parts: Any) -> Any:
    return client.ask("POST", f"/endpoints/{endpoint}/feedback", SCORE, json={"feedback": list(truths)}, **parts)


def newest(client: Client, endpoint: str) -> dict[str, Any]:
    """Of `blue`, once its newest window was checked."""

    def found() -> dict[str, Any] | None:
        value = client.ask("GET", f"/endpoints/{endpoint}/monitoring", READ).json()["value"]
        return next((each for each in value if each["deployment"] == "blue"), None)

    return until("a result", found)


def test_requests_are_kept_before_the_host_ends_and_their_replies_are_as_ever(
    orchard: str, flowers: str, watched: Stack, account: BlobServiceClient, ingestion: Ingestion
) -> None:
    client = Client(watched)
    reply, unwatched = client.score(orchard, iris.request(3)), client.score(flowers, iris.request(3))
    assert (reply.status_code, reply.content) == (200, unwatched.content)
    assert client.score(orchard, b"{}").status_code == 400
    watched.stop_host()
    (kept,) = lines(account, f"{orchard}/blue/")
    assert (kept["request_id"], kept["model"], kept["step"]) == (reply.headers["x-request-id"], "iris/1", 1)
    assert kept["inputs"] == {
        name: list(values) for name, values in zip(iris.COLUMNS, zip(*iris.rows(3), strict=True), strict=True)
    }
    assert kept["outputs"] == {"label": [0, 0, 0]}  # and no probabilities, which are a tensor
    assert lines(account, f"{flowers}/") == []
    labels = {"endpoint": orchard, "deployment": "blue", "outcome": "Kept"}
    assert counted(ingestion, "slipway.captured") == [(labels, 1)]


def test_what_moved_and_what_was_wrong_is_found_told_and_exported(
    publish: Callable[..., dict[str, Any]], account: BlobServiceClient, watched: Stack, ingestion: Ingestion
) -> None:
    fill(account, "moved", SETTINGS, shift=2.0, wrong=60)
    publish("moved", monitoring=MONITORING)
    client = Client(watched)
    found = newest(client, "moved")
    assert (found["status"], found["rows"], found["model"]) == ("Violated", ROWS, "iris/1")
    assert [each["feature"] for each in found["data_drift"] if each["is_violated"]] == ["petal_length"]
    assert found["model_performance"] == [{"metric": "accuracy", "value": 0.7, "rows": ROWS, "is_violated": True}]
    assert set(found) >= {"window_start", "window_end", "checked_at", "prediction_drift"}

    def told() -> bool | None:
        text = client.ask("GET", "/metrics", READ).text
        return 'slipway_performance_count{deployment="blue",endpoint="moved"' in text or None

    until("a tick", told)
    watched.stop_host()
    drift = [labels for labels, _ in counted(ingestion, "slipway.drift") if labels["endpoint"] == "moved"]
    assert {labels["feature"] for labels in drift if labels["is_violated"] == "True"} == {"petal_length"}
    assert {labels["feature"] for labels in drift if labels["signal"] == "data_drift"} == set(iris.COLUMNS)
    (accuracy,) = {each for labels, each in counted(ingestion, "slipway.performance") if labels["endpoint"] == "moved"}
    assert accuracy > 0


def test_a_window_like_the_data_is_the_baseline_and_nothing_is_violated(
    client: Client, publish: Callable[..., dict[str, Any]], account: BlobServiceClient
) -> None:
    fill(account, "steady", SETTINGS, wrong=10)
    publish("steady", monitoring=MONITORING)
    found = newest(client, "steady")
    assert (found["status"], found["model_performance"][0]["value"]) == ("Baseline", 0.95)
    history = client.ask("GET", "/endpoints/steady/monitoring/blue?$top=1", READ).json()
    assert (history["value"], history["skiptoken"]) == ([found], "")


def test_a_deployment_without_requests_has_too_few_rows(client: Client, orchard: str) -> None:
    found = until("a result", lambda: client.ask("GET", f"/endpoints/{orchard}/monitoring/green", READ).json()["value"])
    assert {each["status"] for each in found} == {"TooFewRows"}


def test_ground_truth_is_taken_with_the_role_or_the_key_that_scores(
    client: Client, orchard: str, account: BlobServiceClient
) -> None:
    request_id = client.score(orchard).headers["x-request-id"]
    truth = {"request_id": request_id, "ground_truth": 0}
    reply = tell(client, orchard, truth)
    assert (reply.status_code, reply.json()) == (202, {"accepted": 1, "kept": 1})
    made = client.ask("POST", f"/endpoints/{orchard}/keys", "Endpoint.Manage", json={"key_type": "primary"})

    def taken() -> bool | None:
        headers = {"Authorization": f"Bearer {made.json()['key']}"}
        reply = client.ask("POST", f"/endpoints/{orchard}/feedback", json={"feedback": [truth]}, headers=headers)
        return True if reply.status_code == 202 else None

    until("the key to be known", taken)
    assert {"request_id": request_id, "row": 0, "ground_truth": 0} in lines(account, f"{orchard}/_feedback/")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b'{"feedback": []}', "feedback"),
        (b'{"feedback": [{"request_id": "a"}]}', "feedback.0.ground_truth"),
        (b'{"feedback": [{"request_id": "a", "ground_truth": [1]}]}', "feedback.0.ground_truth"),
        (b'{"feedback": [{"request_id": "a", "ground_truth": NaN}]}', "feedback.0.ground_truth"),
        (b'{"feedback": [{"request_id": "a", "ground_truth": 1, "row": -1}]}', "feedback.0.row"),
        (b'{"feedback": ' + b"[" * 5000 + b"]" * 5000 + b"}", "body"),
    ],
)
def test_what_is_no_ground_truth_is_refused_with_its_place(
    client: Client, orchard: str, body: bytes, told: str
) -> None:
    reply = client.ask("POST", f"/endpoints/{orchard}/feedback", SCORE, data=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "MalformedRequest")
    message = reply.json()["error"]["message"]
    assert re.match(told, message)
    assert (message.count("feedback: ") == 0) or message == "feedback: Value error, tell at least one row"


def test_an_endpoint_that_is_not_watched_says_how_it_would_be(client: Client, flowers: str) -> None:
    reply = tell(client, flowers, {"request_id": "a", "ground_truth": 1})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "InvalidTransition")
    assert "monitoring.model_performance" in reply.json()["error"]["message"]
    assert client.ask("GET", f"/endpoints/{flowers}/monitoring", READ).json() == {"value": []}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nowhere/monitoring", 404, "EndpointNotFound"),
        ("nowhere/monitoring/blue", 404, "EndpointNotFound"),
        ("flowers/monitoring/red", 404, "DeploymentNotFound"),
        ("flowers/monitoring/_feedback", 404, "DeploymentNotFound"),
        ("flowers/monitoring/blue?$top=0", 400, "MalformedRequest"),
    ],
)
def test_what_is_not_there_is_not_found(client: Client, flowers: str, path: str, status: int, code: str) -> None:
    reply = client.ask("GET", f"/endpoints/{path}", READ)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert tell(client, "nowhere", {"request_id": "a", "ground_truth": 1}).status_code == 404
