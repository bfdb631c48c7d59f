"""Many models in one deployment, picked by columns or by name, online and in a batch job."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from shared.models.package import ModelRef
from tests.app.client import Client
from tests.app.jobs import drop, predictions, read
from tests.app.packages import save_many

ROLE = "Endpoint.Score"
CARRIERS = ["UA", "AA", "UA", "AA"]
NUMBERS = [1.0, 1.0, 2.0, 3.0]
MIXED = {"columns": ["carrier", "x"], "data": [list(row) for row in zip(CARRIERS, NUMBERS, strict=True)]}
ANSWERS = [2.0, 10.0, 4.0, 30.0]


@pytest.fixture(scope="module")
def by_columns(
    publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An endpoint's name."""
    folder: Path = tmp_path_factory.mktemp("many")
    save_many(folder, "segment_columns: [carrier]\nprefetch: [UA]\n", {"UA": 2.0, "AA": 10.0}, "carrier")
    model = {"model": upload(folder, "by-carrier")._asdict()}
    publish("by-columns", deployments={"blue": model}, batch={"mini_batch_size": 2})
    return "by-columns"


@pytest.fixture(scope="module")
def by_name(
    publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An endpoint's name."""
    folder: Path = tmp_path_factory.mktemp("named")
    save_many(folder, "segment_columns: []\n", {"double": 2.0, "tenfold": 10.0})
    publish("by-name", deployments={"blue": {"model": upload(folder, "named")._asdict()}})
    return "by-name"


def ask(client: Client, path: str, document: dict[str, Any], **headers: str) -> requests.Response:
    return client.ask("POST", path, ROLE, json=document, headers=headers)


def test_rows_of_several_segments_are_answered_in_their_order(client: Client, by_columns: str) -> None:
    reply = ask(client, f"/endpoints/{by_columns}/score", {"input_data": MIXED})
    assert (reply.status_code, reply.json()) == (200, ANSWERS)
    reply = ask(client, f"/endpoints/{by_columns}/invocations", {"dataframe_split": MIXED})
    assert [row["y"] for row in reply.json()["predictions"]] == ANSWERS
    tensors = [
        {"name": "carrier", "shape": [4], "datatype": "BYTES", "data": CARRIERS},
        {"name": "x", "shape": [4], "datatype": "FP64", "data": NUMBERS},
    ]
    reply = ask(client, f"/v2/models/{by_columns}/infer", {"inputs": tensors})
    assert [output["data"] for output in reply.json()["outputs"]] == [ANSWERS]


def test_a_segment_without_a_model_is_not_found(client: Client, by_columns: str) -> None:
    rows = {**MIXED, "data": [["UA", 1.0], ["??", 1.0]]}
    reply = ask(client, f"/endpoints/{by_columns}/score", {"input_data": rows})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "ModelNotFound")
    assert reply.json()["error"]["message"].startswith("row 1: there is no model for the segment")


def test_its_metadata_is_that_of_the_signature_which_all_share(client: Client, by_columns: str) -> None:
    document = client.ask("GET", f"/v2/models/{by_columns}", ROLE).json()
    assert document["platform"] == "onnx_onnxv1"
    assert document["inputs"] == [
        {"name": "carrier", "datatype": "BYTES", "shape": [-1]},
        {"name": "x", "datatype": "FP64", "shape": [-1]},
    ]
    assert document["outputs"] == [{"name": "y", "datatype": "FP64", "shape": [-1]}]


def test_a_model_is_named_in_the_body_or_in_a_header(client: Client, by_name: str) -> None:
    path = f"/endpoints/{by_name}/score"
    assert ask(client, path, {"model": "double", "data": [[3.0]]}).json() == [6.0]
    assert ask(client, path, {"input_data": [[3.0]]}, **{"x-slipway-model": "tenfold"}).json() == [30.0]
    invoked = ask(
        client,
        f"/endpoints/{by_name}/invocations",
        {"dataframe_records": [{"x": 3.0}]},
        **{"x-slipway-model": "tenfold"},
    )
    assert invoked.json() == {"predictions": [{"y": 30.0}]}
    tensor = {"name": "x", "shape": [1], "datatype": "FP64", "data": [3.0]}
    infer = ask(client, f"/v2/models/{by_name}/infer", {"inputs": [tensor]}, **{"x-slipway-model": "double"})
    assert infer.json()["outputs"][0]["data"] == [6.0]


@pytest.mark.parametrize(
    ("headers", "status", "says"),
    [
        ({}, 400, 'this deployment has many models: name one in "model" or the header x-slipway-model'),
        ({"x-slipway-model": "third"}, 404, "this deployment has no model of that name"),
    ],
)
def test_a_model_that_is_not_named_or_not_there_is_told_clearly(
    client: Client, by_name: str, headers: dict[str, str], status: int, says: str
) -> None:
    reply = ask(client, f"/endpoints/{by_name}/score", {"input_data": [[3.0]]}, **headers)
    assert (reply.status_code, reply.json()["error"]["message"]) == (status, says)


def test_a_job_rejects_the_rows_of_unknown_segments_and_scores_the_others(
    client: Client, account: BlobServiceClient, by_columns: str
) -> None:
    """Mini-batches of two rows: mixed, with one unknown row, of unknown rows only."""
    job = client.finished(by_columns, drop(account, by_columns, b"carrier,x\nUA,1\nAA,1\nUA,2\n??,1\n??,2\n!!,3\n"))
    assert (job["status"], job["counts"]) == (
        "Completed",
        {"rows": 6, "predicted": 3, "rejected": 3, "mini_batches": 3},
    ), job
    table = predictions(account, job)
    assert (table["row"].to_pylist(), table["y"].to_pylist()) == ([0, 1, 2], [2.0, 10.0, 4.0])
    rejected = [json.loads(line) for line in read(account, f"{job['output']}rejected.jsonl").splitlines()]
    assert [row["row"] for row in rejected] == [3, 4, 5]
    assert "there is no model for the segment" in rejected[0]["reason"]


def test_a_job_by_a_package_whose_models_are_named_fails_and_says_why(
    client: Client, account: BlobServiceClient, by_name: str
) -> None:
    job = client.finished(by_name, drop(account, by_name, b"x\n1\n"))
    assert (job["status"], job["error"]["code"]) == ("Failed", "MalformedRequest")
    assert "name one" in job["error"]["message"]
