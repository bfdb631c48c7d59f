"""The keys of an endpoint over HTTP: made, used, rotated, and never told again."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from tests.app.client import Client, until
from tests.support import iris

BOTH = ["entra", "key"]


def make(client: Client, endpoint: str, kind: str) -> str:
    reply = client.ask("POST", f"/endpoints/{endpoint}/keys", "Endpoint.Manage", json={"key_type": kind})
    assert (reply.status_code, reply.json()["key_type"]) == (201, kind)
    assert reply.headers["Cache-Control"] == "no-store"
    return str(reply.json()["key"])


def score(client: Client, endpoint: str, key: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return client.ask("POST", f"/endpoints/{endpoint}/score", headers=headers, data=iris.request(1))


@pytest.fixture(scope="module")
def keyed(publish: Callable[..., dict[str, Any]]) -> str:
    publish("keyed", auth_mode=BOTH)
    return "keyed"


def test_both_keys_score_and_the_old_one_is_refused_after_its_rotation(client: Client, keyed: str) -> None:
    primary, secondary = make(client, keyed, "primary"), make(client, keyed, "secondary")
    assert [score(client, keyed, key).status_code for key in (primary, secondary)] == [200, 200]
    renewed = make(client, keyed, "primary")
    until("the end of the old key", lambda: score(client, keyed, primary).status_code == 401 or None)
    assert [score(client, keyed, key).status_code for key in (renewed, secondary)] == [200, 200]
    assert client.score(keyed).status_code == 200


def test_a_key_of_another_endpoint_is_refused_as_if_there_were_none(
    client: Client, keyed: str, flowers: str, publish: Callable[..., dict[str, Any]]
) -> None:
    key = make(client, keyed, "primary")
    publish("keyed-too", auth_mode=BOTH)
    refused = [score(client, name, key) for name in (flowers, "keyed-too", "nowhere")]
    assert {(reply.status_code, reply.text) for reply in refused} == {(401, refused[0].text)}
    assert 'error="invalid_token"' in refused[0].headers["WWW-Authenticate"]
    assert key not in refused[0].text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/endpoints/keyed"),
        ("POST", "/endpoints/keyed/revisions"),
        ("PUT", "/endpoints/keyed/traffic"),
        ("GET", "/endpoints/keyed/keys"),
        ("POST", "/endpoints/keyed/keys"),
        ("GET", "/endpoints/keyed/jobs/x"),
    ],
)
def test_a_key_manages_nothing(client: Client, keyed: str, method: str, path: str) -> None:
    key = make(client, keyed, "primary")
    assert client.ask(method, path, headers={"Authorization": f"Bearer {key}"}, data=b"{}").status_code == 401


def test_keys_are_told_once_and_afterwards_only_when_and_by_whom(
    client: Client, keyed: str, account: BlobServiceClient
) -> None:
    key = make(client, keyed, "primary")
    make(client, keyed, "secondary")
    told = client.ask("GET", f"/endpoints/{keyed}/keys", "Endpoint.Read")
    assert [sorted(each) for each in told.json()["keys"]] == [["created_at", "created_by", "key_type"]] * 2
    assert [each["key_type"] for each in told.json()["keys"]] == ["primary", "secondary"]
    stored = [
        (blob.name, account.get_blob_client(container, blob.name).download_blob().readall())
        for container in ("endpoints", "audit")
        for blob in account.get_container_client(container).list_blobs()
    ]
    assert [name for name, data in stored if key.encode() in data] == []
    assert [name for name, _ in stored if name.startswith(f"{keyed}/") and "-primary-key-" in name]
    read = client.ask("GET", f"/endpoints/{keyed}", "Endpoint.Read")
    audit = client.ask("GET", f"/endpoints/{keyed}/audit", "Endpoint.Read")
    for reply in (read, audit):
        assert (reply.status_code, "sha256" in reply.text.replace("sha256:", "")) == (200, False)


def test_an_endpoint_takes_no_keys_unless_its_file_says_so(client: Client, flowers: str) -> None:
    reply = client.ask("POST", f"/endpoints/{flowers}/keys", "Endpoint.Manage", json={"key_type": "primary"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "InvalidTransition")


@pytest.mark.parametrize("body", [{}, {"key_type": "third"}, {"key_type": None}, []])
def test_only_the_two_keys_can_be_made(client: Client, keyed: str, body: Any) -> None:
    reply = client.ask("POST", f"/endpoints/{keyed}/keys", "Endpoint.Manage", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "MalformedRequest")


def test_an_endpoint_of_keys_alone_refuses_tokens_for_scoring_and_takes_them_for_management(
    client: Client, publish: Callable[..., dict[str, Any]]
) -> None:
    publish("keys-only", auth_mode=["key"])
    assert client.score("keys-only").status_code == 403
    assert score(client, "keys-only", make(client, "keys-only", "secondary")).status_code == 200


def test_keys_of_an_endpoint_that_is_not_there(client: Client) -> None:
    reply = client.ask("POST", "/endpoints/nowhere/keys", "Endpoint.Manage", json={"key_type": "primary"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "EndpointNotFound")
