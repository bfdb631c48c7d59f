"""Endpoints listed, rolled back, audited and deleted over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from tests.app.client import Client
from tests.support import iris

MANAGE, READ = "Endpoint.Manage", "Endpoint.Read"
type Publish = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def managed(publish: Publish) -> str:
    """Two revisions: of the second, `green` is at 0 %."""
    blue = publish("managed")["revision"]["deployments"]["blue"]
    publish("managed", deployments={"blue": blue, "red": blue})
    return "managed"


def test_endpoints_and_their_revisions_are_listed(client: Client, managed: str) -> None:
    listed = client.ask("GET", "/endpoints", READ).json()["value"]
    (mine,) = (each for each in listed if each["name"] == managed)
    assert (mine["revision"], mine["traffic"]) == (2, {"blue": 100})
    assert set(mine) == {"name", "revision", "traffic", "updated_at", "updated_by"}
    revisions = client.ask("GET", f"/endpoints/{managed}/revisions", MANAGE).json()["value"]
    assert [(each["number"], each["current"]) for each in revisions] == [(2, True), (1, False)]
    first = client.ask("GET", f"/endpoints/{managed}/revisions/1", READ).json()
    assert sorted(first["deployments"]) == ["blue", "green"]


@pytest.mark.parametrize("revision", ["9", "x", "-1", "1" * 400])
def test_a_revision_that_is_not_there_is_not_found(client: Client, managed: str, revision: str) -> None:
    assert client.ask("GET", f"/endpoints/{managed}/revisions/{revision}", READ).status_code == 404


def test_an_endpoint_goes_back_to_an_earlier_revision_and_the_audit_tells(client: Client, managed: str) -> None:
    reply = client.ask(
        "POST",
        f"/endpoints/{managed}/rollback",
        MANAGE,
        json={"revision": 1, "traffic": {"blue": 50, "green": 50}},
        headers={"User-Agent": "a test", "X-Forwarded-For": "198.51.100.9, 203.0.113.7:4711"},
    )
    assert reply.status_code == 200
    assert (reply.json()["head"]["revision"], reply.json()["head"]["traffic"]) == (1, {"blue": 50, "green": 50})
    client.score(managed, azureml_model_deployment="green")
    newest = client.ask("GET", f"/endpoints/{managed}/audit?$top=1", READ).json()
    (entry,) = newest["value"]
    assert (entry["change"], entry["agent"], entry["address"]) == ("rollback", "a test", "203.0.113.7")
    assert (entry["before"]["revision"], entry["after"]["revision"]) == (2, 1)
    assert entry["by"].startswith(client.stack.tenant)
    assert "keys" not in entry["after"]
    older = client.ask("GET", f"/endpoints/{managed}/audit?$skiptoken={newest['skiptoken']}", READ).json()
    assert [each["change"] for each in older["value"]] == ["publish", "publish"]


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"revision": 9}, 409, "endpoint 'managed' has no revision 9: see its revisions"),
        ({"revision": 1, "traffic": {"blue": 99}}, 409, "traffic adds up to 99, but it must be 0 or 100"),
        ({}, 400, "revision: Field required"),
    ],
)
def test_a_way_back_that_is_none_is_refused(
    client: Client, managed: str, body: dict[str, Any], status: int, message: str
) -> None:
    reply = client.ask("POST", f"/endpoints/{managed}/rollback", MANAGE, json=body)
    assert (reply.status_code, reply.json()["error"]["message"]) == (status, message)


@pytest.mark.parametrize("query", ["$top=0", "$top=101", "$top=x", "page=2"])
def test_a_page_of_the_audit_that_does_not_exist_is_refused(client: Client, managed: str, query: str) -> None:
    assert client.ask("GET", f"/endpoints/{managed}/audit?{query}", READ).status_code == 400


def test_an_endpoint_is_deleted_once_nothing_of_it_works(
    client: Client, account: BlobServiceClient, publish: Publish
) -> None:
    publish("doomed", batch={"mini_batch_size": 1, "drop": "folder"})
    path = "/endpoints/doomed"
    refused = client.ask("DELETE", path, MANAGE)
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        409,
        "blue still takes live traffic: set all traffic to 0 first",
    )
    assert client.ask("PUT", f"{path}/traffic", MANAGE, json={"traffic": {}}).status_code == 200
    account.get_container_client("inbox").upload_blob("doomed/a.csv", iris.csv(300), overwrite=True)
    body = {"properties": {"InputData": {"a": {"JobInputType": "UriFile", "Uri": "inbox/doomed/a.csv"}}}}
    headers = {"azureml-model-deployment": "blue"}
    job = client.ask("POST", f"{path}/jobs", "Endpoint.Batch", json=body, headers=headers).json()["id"]
    refused = client.ask("DELETE", path, MANAGE)
    assert (refused.status_code, refused.json()["error"]["message"]) == (
        409,
        "a job of endpoint 'doomed' is not over: cancel it, or wait for its end",
    )
    client.finished("doomed", job)
    deleted = client.ask("DELETE", path, MANAGE)
    assert (deleted.status_code, deleted.json()) == (200, {"deleted": "doomed"})
    for method in ("GET", "DELETE"):
        assert client.ask(method, path, MANAGE).status_code == 404
    assert client.ask("GET", f"{path}/audit", READ).json()["value"][0]["change"] == "delete"


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", ""), ("POST", "/rollback"), ("GET", "/audit"), ("GET", "/revisions"), ("GET", "/revisions/1")],
)
def test_management_is_for_those_who_hold_its_roles(client: Client, managed: str, method: str, path: str) -> None:
    address = f"/endpoints/{managed}{path}"
    assert client.ask(method, address).status_code == 401
    assert client.ask(method, address, "Endpoint.Score").status_code == 403
    assert client.ask("GET", "/endpoints", "Endpoint.Score").status_code == 403
    if method != "GET":
        assert client.ask(method, address, READ).status_code == 403
