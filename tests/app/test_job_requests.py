"""Jobs by REST: what is refused, to whom, and where nothing may be read or written."""

import pytest

from tests.app.client import Client
from tests.app.jobs import BATCH, body, submit


@pytest.mark.parametrize(
    ("uri", "status", "code"),
    [
        ("models/iris/1/model.onnx", 403, "LocationNotAllowed"),
        ("inbox/flowers/a.csv", 403, "LocationNotAllowed"),
        ("jobs/active/", 403, "LocationNotAllowed"),
        ("azure-webjobs-secrets/x", 403, "LocationNotAllowed"),
        ("https://elsewhere.blob.core.windows.net/data/a.csv", 403, "LocationNotAllowed"),
        ("http://169.254.169.254/metadata/instance", 400, "MalformedRequest"),
        ("inbox/garden/../flowers/a.csv", 400, "MalformedRequest"),
        ("inbox/garden/%2e%2e/flowers/a.csv", 400, "MalformedRequest"),
        ("file:///etc/passwd", 400, "MalformedRequest"),
        ("azureml://datastores/workspaceblobstore/paths/a.csv", 400, "MalformedRequest"),
        ("https://a.blob.core.windows.net/c/a.csv?sv=1&sig=x", 400, "MalformedRequest"),
    ],
)
def test_nothing_is_read_or_written_where_the_endpoint_may_not(
    client: Client, garden: str, uri: str, status: int, code: str
) -> None:
    reply = submit(client, garden, body(uri, "UriFolder" if uri.endswith("/") else "UriFile"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    output = {"score": {"JobOutputType": "UriFolder", "Uri": uri}}
    reply = submit(client, garden, body("inbox/garden/a.csv", OutputData=output))
    assert reply.status_code in (400, 403)


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"properties": {}}', 400), (b"x" * 300_000, 413)],
)
def test_what_is_no_request_is_refused(client: Client, garden: str, content: bytes, status: int) -> None:
    reply = client.ask("POST", f"/endpoints/{garden}/jobs", BATCH, data=content)
    assert reply.status_code == status


def test_who_may_submit(client: Client, garden: str) -> None:
    path = f"/endpoints/{garden}/jobs"
    assert client.ask("POST", path, json=body("inbox/garden/a.csv")).status_code == 401
    assert client.ask("POST", path, "Endpoint.Read", json=body("inbox/garden/a.csv")).status_code == 403
    assert client.ask("POST", "/endpoints/nobody/jobs", BATCH, json=body("inbox/nobody/a")).status_code == 404
    pinned = submit(client, garden, body("inbox/garden/a.csv"), **{"azureml-model-deployment": "purple"})
    assert (pinned.status_code, pinned.json()["error"]["code"]) == (404, "DeploymentNotFound")
    key = submit(client, garden, body("inbox/garden/a.csv"), **{"Idempotency-Key": "x" * 300})
    assert key.status_code == 400
