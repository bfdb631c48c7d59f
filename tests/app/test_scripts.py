"""Azure ML's score.py, published as a package and called over HTTP."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.models.package import ModelRef
from tests.app.client import Client
from tests.app.packages import CODE, RAW, save_script

QUICK, PATIENT = ({"request_settings": {"request_timeout_ms": ms}} for ms in (300, 30_000))


@pytest.fixture(scope="module")
def script(publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path_factory: Any) -> str:
    """An endpoint's name. Both of its deployments have the same process; blue gives it more time than green does."""
    folder: Path = tmp_path_factory.mktemp("script")
    save_script(folder)
    model = {"model": upload(folder, "greeter", code=CODE)._asdict()}
    publish("script", deployments={"blue": {**model, **PATIENT}, "green": {**model, **QUICK}})
    return "script"


@pytest.fixture(scope="module")
def raw(publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path_factory: Any) -> str:
    """An endpoint's name."""
    folder: Path = tmp_path_factory.mktemp("raw")
    save_script(folder, RAW)
    publish("raw", deployments={"blue": {"model": upload(folder, "raw", code=CODE)._asdict(), **PATIENT}})
    return "raw"


def post(client: Client, script: str, asked: dict[str, Any], **headers: str) -> requests.Response:
    return client.score(script, json.dumps(asked).encode(), **headers)


def test_a_script_answers_what_it_is_sent_with_what_it_has_loaded(client: Client, script: str) -> None:
    reply = post(client, script, {"number": 7})
    assert reply.status_code == 200, reply.text
    assert {**reply.json(), "pid": 0} == {"asked": {"number": 7}, "greeting": "grüezi", "pid": 0}
    assert reply.headers["Content-Type"] == "application/json"
    assert reply.headers["azureml-model-deployment"] == "blue"
    assert reply.headers["x-slipway-model"] == "greeter/1"


def test_a_script_answers_get_with_its_query(client: Client, script: str) -> None:
    reply = client.ask("GET", f"/endpoints/{script}/score", "Endpoint.Score", params={"number": "7"})
    assert (reply.status_code, reply.json()["asked"]) == (200, {"number": 7})


def test_a_packed_body_is_unpacked_for_the_script(client: Client, script: str) -> None:
    body = gzip.compress(b'{"number": 7}')
    reply = client.score(script, body, Content_Encoding="gzip")
    assert (reply.status_code, reply.json()["asked"]) == (200, {"number": 7})
    broken = client.score(script, body[:-9], Content_Encoding="gzip")
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "MalformedRequest")


def test_what_a_script_raises_is_told_as_azure_ml_does_and_no_more(client: Client, script: str) -> None:
    reply = post(client, script, {"do": "fail"})
    assert reply.status_code == 424
    assert reply.headers["ms-azureml-model-error-statuscode"] == "500"
    assert reply.headers["ms-azureml-model-error-reason"] == "model_error"
    assert "hunter2" not in reply.text


def test_a_script_sees_no_setting_of_the_app(client: Client, script: str) -> None:
    told = post(client, script, {"do": "tell"}).json()
    assert "AZUREML_MODEL_DIR" in told
    assert [name for name in told if name.startswith(("SLIPWAY", "AzureWebJobs", "FUNCTIONS", "APPLICATION"))] == []


@pytest.mark.parametrize("path", ["/endpoints/script/invocations", "/v2/models/script/infer"])
def test_protocols_of_rows_say_where_a_script_is_to_be_called(client: Client, script: str, path: str) -> None:
    reply = client.ask("POST", path, "Endpoint.Score", json={"inputs": []})
    assert reply.status_code == 400
    assert "serves a score.py: send the request to its /score" in reply.text


def test_a_call_without_end_gets_408_and_a_fresh_process_answers_the_next(client: Client, script: str) -> None:
    first = post(client, script, {}).json()["pid"]
    hung = post(client, script, {"do": "hang"}, azureml_model_deployment="green")
    assert (hung.status_code, hung.json()["error"]["code"]) == (408, "ScoringTimeout")
    following = post(client, script, {})
    assert following.status_code == 200, following.text
    assert following.json()["pid"] != first


def test_a_script_is_known_to_the_other_protocols_metadata(client: Client, script: str) -> None:
    document = client.ask("GET", f"/v2/models/{script}", "Endpoint.Score").json()
    assert (document["platform"], document["inputs"]) == ("python_script", [])
    assert client.ask("GET", f"/endpoints/{script}/ping", "Endpoint.Score").status_code == 200


def test_a_raw_script_is_given_the_request_as_it_was_meant(client: Client, raw: str) -> None:
    path, packed = f"/endpoints/{raw}/score", gzip.compress(b"words")
    headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain", "x-mine": "7"}
    reply = client.ask("POST", path, "Endpoint.Score", params={"a": "1"}, data=packed, headers=headers)
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert (told["method"], told["args"], told["body"]) == ("POST", {"a": "1"}, "words")
    assert (told["headers"]["x-mine"], told["headers"]["content-length"]) == ("7", "5")
    assert {"authorization", "content-encoding"}.isdisjoint(told["headers"])


def test_a_script_sets_headers_of_its_own_and_none_of_the_apps(client: Client, raw: str) -> None:
    reply = client.score(raw, b"words", Content_Type="text/plain")
    assert reply.headers["x-own"] == "1"
    assert reply.headers["x-request-id"] != "mine"
    assert (reply.headers["azureml-model-deployment"], reply.headers["x-slipway-model"]) == ("blue", "raw/1")
