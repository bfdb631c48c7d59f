"""The Open Inference Protocol over HTTP: every address, in JSON and in binary tensors."""

import gzip
import json
import zlib
from typing import Any

import numpy as np
import pytest
import requests

from tests.app.client import Client
from tests.support import iris

ROLE = "Endpoint.Score"
OUTPUTS = ["label", "probabilities"]


def ask(client: Client, path: str, method: str = "GET", **parts: Any) -> requests.Response:
    return client.ask(method, f"/v2{path}", ROLE, **parts)


def tensors(rows: int) -> list[dict[str, Any]]:
    columns = list(zip(*iris.rows(rows), strict=True))
    return [
        {"name": name, "shape": [rows], "datatype": "FP64", "data": list(values)}
        for name, values in zip(iris.COLUMNS, columns, strict=True)
    ]


def binary_request(rows: int) -> tuple[bytes, dict[str, str]]:
    blob = np.array(iris.rows(rows), "<f8").tobytes()
    tensor = {"name": "x", "shape": [rows, 4], "datatype": "FP64", "parameters": {"binary_data_size": len(blob)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return head + blob, {"Inference-Header-Content-Length": str(len(head))}


def test_the_server_tells_what_it_is_with_a_slash_and_without(client: Client) -> None:
    for path in ("", "/"):
        document = ask(client, path).json()
        assert sorted(document) == ["extensions", "name", "version"]
        assert "binary_tensor_data" in document["extensions"]


def test_health_is_answered_to_who_may_score(client: Client) -> None:
    for path in ("/health/live", "/health/ready"):
        reply = ask(client, path)
        assert (reply.status_code, reply.json()) == (200, {"live": True, "ready": True})
        assert client.ask("GET", f"/v2{path}").status_code == 401


def test_a_model_is_loaded_by_whoever_asks_whether_it_is_ready(client: Client, flowers: str) -> None:
    for path in (f"/models/{flowers}/ready", f"/models/{flowers}/versions/green/ready"):
        reply = ask(client, path)
        assert (reply.status_code, reply.json()) == (200, {"name": flowers, "ready": True})
    index = ask(client, "/repository/index", "POST").json()
    entries = {entry["version"]: entry for entry in index if entry["name"] == flowers}
    assert entries["green"] == {"name": flowers, "version": "green", "state": "READY", "reason": ""}
    only_ready = ask(client, "/repository/index", "POST", json={"ready": True}).json()
    assert entries["green"] in only_ready
    assert {entry["state"] for entry in only_ready} == {"READY"}
    assert ask(client, "/repository/index", "POST", json={"ready": " " * 1024}).status_code == 413


@pytest.mark.parametrize("version", ["", "/versions/blue"])
def test_a_model_tells_its_inputs_and_outputs(client: Client, flowers: str, version: str) -> None:
    document = ask(client, f"/models/{flowers}{version}").json()
    assert (document["name"], document["versions"], document["platform"]) == (
        flowers,
        ["blue", "green"],
        "onnx_onnxv1",
    )
    assert document["inputs"] == [{"name": name, "datatype": "FP64", "shape": [-1]} for name in iris.COLUMNS]
    assert [output["name"] for output in document["outputs"]] == OUTPUTS


def test_json_tensors_are_scored_and_the_version_picks_the_deployment(client: Client, flowers: str) -> None:
    for version, answered in (("", "blue"), ("/versions/green", "green")):
        reply = ask(client, f"/models/{flowers}{version}/infer", "POST", json={"id": "7", "inputs": tensors(3)})
        document = reply.json()
        assert (document["model_name"], document["model_version"], document["id"]) == (flowers, answered, "7")
        assert [output["name"] for output in document["outputs"]] == OUTPUTS
        assert document["outputs"][0]["data"] == [0, 0, 0]
        assert document["outputs"][1]["shape"] == [3, 3]
        assert reply.headers["azureml-model-deployment"] == answered


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
def test_binary_tensors_are_scored_packed_and_unpacked(client: Client, flowers: str, encoding: str | None) -> None:
    body, headers = binary_request(3)
    if encoding:
        body = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
        headers["Content-Encoding"] = encoding
    reply = ask(client, f"/models/{flowers}/infer", "POST", data=body, headers=headers)
    length = int(reply.headers["Inference-Header-Content-Length"])
    assert reply.headers["Content-Type"] == "application/octet-stream"
    outputs = json.loads(reply.content[:length])["outputs"]
    size = outputs[0]["parameters"]["binary_data_size"]
    blob = reply.content[length:]
    assert np.frombuffer(blob[:size], "<i8").tolist() == [0, 0, 0]
    probabilities = np.frombuffer(blob[size:], "<f4").reshape(outputs[1]["shape"])
    assert np.allclose(probabilities.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "", 405),
        ("PUT", "/models/flowers/infer", 405),
        ("GET", "/models/flowers/infer", 405),
        ("POST", "/models/flowers", 405),
        ("GET", "/repository/index", 405),
        ("GET", "/models", 404),
        ("GET", "/models/flowers/config", 404),
        ("POST", "/repository/models/flowers/load", 404),
        ("GET", "/models/nowhere", 404),
        ("GET", "/models/nowhere/ready", 404),
        ("GET", "/models/flowers/versions/red", 404),
        ("GET", "/models/flowers/versions/red/ready", 404),
        ("POST", "/models/nowhere/infer", 404),
        ("POST", "/models/flowers/versions/red/infer", 404),
        ("POST", "/models/flowers/infer", 400),
    ],
)
def test_errors_come_in_the_protocols_form(client: Client, flowers: str, method: str, path: str, status: int) -> None:
    reply = ask(client, path, method)
    assert (reply.status_code, reply.headers["Content-Type"]) == (status, "application/json")
    assert list(reply.json()) == ["error"]
    assert ("Allow" in reply.headers) == (status == 405)


def test_a_body_beyond_the_bound_is_refused_packed_and_unpacked(client: Client, flowers: str) -> None:
    for body, headers in ((b" " * 200_001, {}), (gzip.compress(b" " * 200_001), {"Content-Encoding": "gzip"})):
        reply = ask(client, f"/models/{flowers}/infer", "POST", data=body, headers=headers)
        assert (reply.status_code, list(reply.json())) == (413, ["error"])
