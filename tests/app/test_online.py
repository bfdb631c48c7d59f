"""A scoring request, over HTTP and with real tokens."""

import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.app.client import Client, until
from tests.support import iris


def test_reply_holds_predictions_and_says_who_answered(client: Client, flowers: str) -> None:
    reply = client.score(flowers, iris.request(3), x_ms_client_request_id="mine-1", x_request_id="not-taken")
    assert reply.status_code == 200
    assert [row["label"] for row in reply.json()] == [0, 0, 0]
    assert reply.headers["azureml-model-deployment"] == "blue"
    assert reply.headers["x-slipway-model"] == "iris/1"
    assert reply.headers["x-ms-client-request-id"] == "mine-1"
    assert str(uuid.UUID(reply.headers["x-request-id"])) == reply.headers["x-request-id"]


def test_token_of_another_audience_is_refused(client: Client, flowers: str) -> None:
    token = client.token("Endpoint.Score", audience="https://management.azure.com")
    reply = client.ask("POST", f"/endpoints/{flowers}/score", headers={"Authorization": f"Bearer {token}"}, data=b"{}")
    assert reply.status_code == 401
    assert 'error="invalid_token"' in reply.headers["WWW-Authenticate"]
    assert token not in reply.text


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("Endpoint.Read", "POST", "/endpoints/flowers/score"),
        ("Endpoint.Score", "POST", "/endpoints/flowers/revisions"),
        ("Endpoint.Read", "PUT", "/endpoints/flowers/traffic"),
        ("Endpoint.Score", "GET", "/endpoints/flowers"),
        ("Endpoint.Score", "GET", "/endpoints/flowers/jobs/x"),
    ],
)
def test_role_of_another_task_is_refused(client: Client, role: str, method: str, path: str) -> None:
    reply = client.ask(method, path, role, data=b"{}")
    assert reply.status_code == 403
    assert 'error="insufficient_scope"' in reply.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "MalformedRequest"),
        (b'{"input_data": {"columns": ["a"], "data": [[1]]}}', "application/json", 400, "SchemaMismatch"),
        (b'{"input_data": [["x", 1, 2, 3]]}', "application/json", 400, "SchemaMismatch"),
        (b"a,b", "text/csv", 415, "UnsupportedMediaType"),
        (b" " * 200_001, "application/json", 413, "PayloadTooLarge"),
    ],
)
def test_what_a_caller_sends_wrong_is_told_clearly(
    client: Client, flowers: str, body: bytes, content_type: str, status: int, code: str
) -> None:
    reply = client.score(flowers, body, Content_Type=content_type)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


def test_unknown_endpoint_and_deployment_are_not_found(client: Client, flowers: str) -> None:
    assert client.score("nowhere").json()["error"]["code"] == "EndpointNotFound"
    reply = client.score(flowers, azureml_model_deployment="red")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "DeploymentNotFound")


def test_traffic_is_split_pinned_and_changed_without_a_restart(
    client: Client, publish: Callable[..., dict[str, Any]]
) -> None:
    publish("split")
    assert {client.score("split").headers["azureml-model-deployment"] for _ in range(10)} == {"blue"}
    assert client.score("split", azureml_model_deployment="green").headers["azureml-model-deployment"] == "green"

    changed = client.ask(
        "PUT", "/endpoints/split/traffic", "Endpoint.Manage", json={"traffic": {"blue": 50, "green": 50}}
    )
    assert changed.json()["head"]["traffic"] == {"blue": 50, "green": 50}
    until("green's turn", lambda: client.score("split").headers["azureml-model-deployment"] == "green" or None)
    counts = Counter(client.score("split").headers["azureml-model-deployment"] for _ in range(60))
    assert min(counts["blue"], counts["green"]) > 10

    client.ask("PUT", "/endpoints/split/traffic", "Endpoint.Manage", json={"traffic": {"blue": 0, "green": 0}})
    until("no traffic at all", lambda: client.score("split").status_code == 404 or None)
    assert client.score("split").json()["error"]["code"] == "DeploymentNotFound"


def test_publishing_again_keeps_the_traffic(client: Client, publish: Callable[..., dict[str, Any]]) -> None:
    publish("again")
    client.ask("PUT", "/endpoints/again/traffic", "Endpoint.Manage", json={"traffic": {"blue": 40, "green": 60}})
    head = publish("again")["head"]
    assert (head["revision"], head["traffic"]) == (2, {"blue": 40, "green": 60})


def test_an_endpoint_can_be_narrowed_to_listed_callers(client: Client, publish: Callable[..., dict[str, Any]]) -> None:
    publish("narrow", allowed_object_ids=["00000000-0000-4000-8000-000000000001"])
    assert client.score("narrow").status_code == 403


def test_wrong_traffic_is_refused(client: Client, flowers: str) -> None:
    for traffic, status in (({"blue": 70}, 409), ({"red": 100}, 409), ("much", 400)):
        reply = client.ask("PUT", f"/endpoints/{flowers}/traffic", "Endpoint.Manage", json={"traffic": traffic})
        assert reply.status_code == status


def test_model_that_was_not_uploaded_is_refused(client: Client) -> None:
    model = {"name": "iris", "version": "9", "digest": "sha256:" + "0" * 64}
    draft = {"name": "ghost", "deployments": {"blue": {"model": model}}}
    reply = client.ask("POST", "/endpoints/ghost/revisions", "Endpoint.Manage", json=draft)
    assert reply.status_code == 409
    assert "upload it" in reply.json()["error"]["message"]
