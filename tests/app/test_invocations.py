"""MLflow's scoring server over HTTP, below an endpoint."""

from importlib.metadata import version
from typing import Any

import pytest
import requests

from tests.app.client import Client
from tests.support import iris

ROLE = "Endpoint.Score"
SPLIT = {"columns": list(iris.COLUMNS), "data": iris.rows(2)}


def ask(client: Client, endpoint: str, path: str, method: str = "POST", **parts: Any) -> requests.Response:
    return client.ask(method, f"/endpoints/{endpoint}/{path}", ROLE, **parts)


def test_every_content_type_is_answered_alike(client: Client, flowers: str) -> None:
    as_json = ask(client, flowers, "invocations", json={"dataframe_split": SPLIT})
    as_csv = ask(client, flowers, "invocations", data=iris.csv(2), headers={"Content-Type": "text/csv"})
    assert as_json.json() == as_csv.json()
    assert [record["label"] for record in as_json.json()["predictions"]] == [0, 0]
    assert as_json.headers["azureml-model-deployment"] == "blue"


@pytest.mark.parametrize("path", ["ping", "health"])
def test_a_ping_is_answered_with_a_newline_once_the_model_answers(client: Client, flowers: str, path: str) -> None:
    reply = ask(client, flowers, path, "GET")
    assert (reply.status_code, reply.content) == (200, b"\n")
    assert ask(client, "nowhere", path, "GET").status_code == 404


def test_the_version_is_the_bare_one_of_mlflow(client: Client, flowers: str) -> None:
    assert ask(client, flowers, "version", "GET").text == version("mlflow-skinny")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "flowers/invocations", 400, "BAD_REQUEST"),
        ("GET", "flowers/invocations", 405, "BAD_REQUEST"),
        ("POST", "flowers/ping", 405, "BAD_REQUEST"),
        ("POST", "nowhere/invocations", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("GET", "nowhere/version", 404, "RESOURCE_DOES_NOT_EXIST"),
    ],
)
def test_errors_come_in_mlflows_form(
    client: Client, flowers: str, method: str, path: str, status: int, code: str
) -> None:
    endpoint, _, rest = path.partition("/")
    reply = ask(client, endpoint, rest, method)
    assert (reply.status_code, reply.json()["error_code"]) == (status, code)
    assert sorted(reply.json()) == ["error_code", "message"]


def test_a_caller_without_a_token_is_told_in_mlflows_form(client: Client, flowers: str) -> None:
    reply = client.ask("POST", f"/endpoints/{flowers}/invocations")
    assert (reply.status_code, reply.json()["error_code"]) == (401, "UNAUTHENTICATED")


def test_another_content_type_is_refused(client: Client, flowers: str) -> None:
    reply = ask(client, flowers, "invocations", data=b"<x/>", headers={"Content-Type": "application/xml"})
    assert reply.status_code == 415
    assert "content types" in reply.json()["message"]
