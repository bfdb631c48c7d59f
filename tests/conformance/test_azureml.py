"""Plain HTTP as Azure ML's documentation shows it: urllib, a bearer token, `input_data`."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.conformance import tensors
from tests.conformance.handover import Handover, Sample

type Find = Callable[[str], Sample]


class Answer(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


def score(
    told: Handover, endpoint: str, data: object, *, method: str = "POST", token: str | None = "", **headers: str
) -> Answer:
    """`token`: the one that may score unless another is given; None sends no header."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    if token is not None:
        sent["Authorization"] = "Bearer " + (token or told.token)
    request = urllib.request.Request(f"{told.url}/endpoints/{endpoint}/score", body, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return Answer(reply.status, reply.headers, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


FLIGHT = {
    "columns": ["carrier", "origin", "dest", "dep_delay", "distance", "hour", "weekday"],
    "index": [0],
    "data": [["UA", "EWR", "LAX", 29.0, 2454, 18, 5]],
}


def test_a_table(told: Handover) -> None:
    answer = score(told, "flight-delay", {"input_data": FLIGHT}, azureml_model_deployment="blue")
    assert answer.status == 200
    (row,) = answer.document
    assert row["late"] == 1
    assert row["late_probability"] == pytest.approx(0.60, abs=0.05)
    assert answer.headers["azureml-model-deployment"] == "blue"
    assert answer.headers.get_content_type() == "application/json"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("deployment", ["blue", "green"])
def test_a_deployment_is_pinned_at_any_traffic(told: Handover, sample: Find, deployment: str) -> None:
    known = sample("iris-tensor")
    answer = score(told, "iris-tensor", {"input_data": known.data}, azureml_model_deployment=deployment)
    assert (answer.status, answer.headers["azureml-model-deployment"]) == (200, deployment)


def test_a_table_without_its_index_and_in_another_order(told: Handover, sample: Find) -> None:
    """One output is answered as a bare list, as Azure ML does."""
    known = sample("iris-columns")
    reversed_rows = [row[::-1] for row in known.data]
    table = {"columns": known.columns[::-1], "data": reversed_rows}
    answer = score(told, "iris-columns", {"input_data": table})
    assert answer.status == 200
    tensors.check(known, "variable", np.array(answer.document))


@pytest.mark.parametrize("named", [True, False])
def test_a_tensor(told: Handover, sample: Find, named: bool) -> None:
    known = sample("iris-tensor")
    answer = score(told, "iris-tensor", {"input_data": {"X": known.data} if named else known.data})
    assert answer.status == 200
    tensors.check(known, "label", np.array([row["label"] for row in answer.document]))


def test_many_named_tensors(told: Handover, sample: Find) -> None:
    known = sample("many-types")
    answer = score(told, "many-types", {"input_data": tensors.columns(known)})
    assert answer.status == 200
    assert [row["whole_out"] for row in answer.document] == known.outputs["whole_out"]
    assert [row["text_out"] for row in answer.document] == known.outputs["text_out"]
    assert [row["flag_out"] for row in answer.document] == known.outputs["flag_out"]


def test_params_stand_beside_the_data(told: Handover, sample: Find) -> None:
    known = sample("iris-params")
    table = {"columns": known.columns, "data": known.data}
    answer = score(told, "iris-params", {"input_data": table, "params": {"factor": 2}})
    assert answer.status == 200
    assert answer.document == pytest.approx([2 * total for total in known.outputs[""]])


def test_request_ids(told: Handover) -> None:
    answer = score(told, "flight-delay", {"input_data": FLIGHT}, x_ms_client_request_id="mine_1-a")
    assert answer.headers["x-ms-client-request-id"] == "mine_1-a"


def test_without_a_token(told: Handover) -> None:
    answer = score(told, "flight-delay", {"input_data": FLIGHT}, token=None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["not-a-token", "a.b.c"])
def test_a_bad_token(told: Handover, token: str) -> None:
    assert score(told, "flight-delay", {"input_data": FLIGHT}, token=token).status == 401


def test_a_token_without_the_role(told: Handover) -> None:
    assert score(told, "flight-delay", {"input_data": FLIGHT}, token=told.strangers_token).status == 403


@pytest.mark.parametrize(("endpoint", "deployment"), [("orchids", "blue"), ("flight-delay", "purple")])
def test_what_is_not_there(told: Handover, endpoint: str, deployment: str) -> None:
    answer = score(told, endpoint, {"input_data": FLIGHT}, azureml_model_deployment=deployment)
    assert answer.status == 404
    assert answer.document["error"]["message"]


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        ({"input_data": {"columns": ["carrier"], "data": [["UA"]]}}, "application/json", 400),
        ({"input_data": {**FLIGHT, "data": [["UA", "EWR", "LAX", "late", 2454, 18, 5]]}}, "application/json", 400),
        (b"carrier,origin\nUA,EWR\n", "text/csv", 415),
        (b'{"input_data": "' + b" " * 17_000_000 + b'"}', "application/json", 413),
    ],
)
def test_what_is_sent_wrong(told: Handover, data: object, content_type: str, status: int) -> None:
    answer = score(told, "flight-delay", data, Content_Type=content_type)
    assert answer.status == status
    assert answer.document["error"]["message"]


def test_put_is_not_taken(told: Handover) -> None:
    answer = score(told, "flight-delay", {"input_data": FLIGHT}, method="PUT")
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]
    assert answer.document["error"]["code"] == "MethodNotAllowed"
