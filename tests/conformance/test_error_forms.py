"""Every protocol tells errors in its own form: methods that a route does not take, paths that are not there."""

import pytest
import requests

from tests.conformance.handover import Handover

AZUREML = ["/endpoints/iris-tensor/score"]
MLFLOW = [f"/endpoints/iris-tensor/{path}" for path in ("invocations", "ping", "health", "version")]
OIP = [
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/iris-tensor",
    "/v2/models/iris-tensor/ready",
    "/v2/models/iris-tensor/infer",
    "/v2/models/iris-tensor/versions/blue/infer",
    "/v2/repository/index",
]


def ask(told: Handover, method: str, path: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {told.token}", "Content-Type": "application/json"}
    return requests.request(method, told.url + path, headers=headers, data=b"{}", timeout=30)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [*AZUREML, *MLFLOW, *OIP])
def test_a_method_that_no_route_takes(told: Handover, method: str, path: str) -> None:
    reply = ask(told, method, path)
    assert reply.status_code == 405
    assert {name.strip() for name in reply.headers["Allow"].split(",")} & {"GET", "POST"}
    told_document = reply.json()
    if path in AZUREML:
        assert told_document["error"]["code"] == "MethodNotAllowed"
    elif path in MLFLOW:
        assert {"error_code", "message"} <= told_document.keys()
    else:
        assert isinstance(told_document["error"], str)
        assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/endpoints/iris-tensor/invocations", "/v2/models/iris-tensor/infer"])
def test_reading_where_only_posts_are_taken(told: Handover, path: str) -> None:
    reply = ask(told, "GET", path)
    assert reply.status_code == 405
    assert {name.strip() for name in reply.headers["Allow"].split(",")} - {"OPTIONS"} == {"POST"}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/nothing",
        "/v2/models",
        "/v2/models/iris-tensor/nothing",
        "/v2/models/iris-tensor/versions/blue/nothing",
        "/v2/repository/models/iris-tensor/load",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_of_the_open_inference_protocol(told: Handover, method: str, path: str) -> None:
    reply = ask(told, method, path)
    assert reply.status_code == 404
    assert isinstance(reply.json()["error"], str)
    assert reply.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/endpoints/iris-tensor/nothing", "/endpoints/iris-tensor/score/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_below_an_endpoint(told: Handover, method: str, path: str) -> None:
    reply = ask(told, method, path)
    assert reply.status_code == 404
    assert reply.json()["error"]["message"]


@pytest.mark.parametrize("path", ["ping", "health"])
def test_mlflow_s_health_is_a_line_end(told: Handover, path: str) -> None:
    reply = ask(told, "GET", f"/endpoints/iris-tensor/{path}")
    assert (reply.status_code, reply.text) == (200, "\n")
