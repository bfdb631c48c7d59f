"""Any MLflow model, in all three protocols and in a batch job."""

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
from tests.unit.models.flavors.mlflow_models import save_odd, save_pipeline

ROLE = "Endpoint.Score"
ROWS = [["AA", 2.0], ["UA", 5.0]]
TABLE = {"columns": ["carrier", "distance"], "data": ROWS}


@pytest.fixture(scope="module")
def delays(
    publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An endpoint's name: a scikit-learn pipeline; green wants an environment that is not there."""
    folder: Path = tmp_path_factory.mktemp("pyfunc") / "pipeline"
    save_pipeline(folder)
    model = {
        "model": upload(folder, "delays")._asdict(),
        "request_settings": {"request_timeout_ms": 30_000},
    }
    publish(
        "delays",
        deployments={"blue": model, "green": {**model, "environment": "not-there"}},
        batch={"deployment": "blue"},
    )
    return "delays"


@pytest.fixture(scope="module")
def odd(
    publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An endpoint's name: Python code with params."""
    folder: Path = tmp_path_factory.mktemp("pyfunc") / "odd"
    save_odd(folder)
    model = {"model": upload(folder, "odd")._asdict(), "request_settings": {"request_timeout_ms": 30_000}}
    publish("odd", deployments={"blue": model})
    return "odd"


def ask(client: Client, path: str, document: dict[str, Any]) -> requests.Response:
    reply = client.ask("POST", path, ROLE, json=document)
    assert reply.status_code == 200, reply.text
    return reply


def infer(names: dict[str, tuple[str, list[Any]]], **more: Any) -> dict[str, Any]:
    tensors = [
        {"name": name, "shape": [len(data)], "datatype": kind, "data": data} for name, (kind, data) in names.items()
    ]
    return {"inputs": tensors, **more}


def test_a_pipeline_with_texts_answers_alike_in_all_protocols(client: Client, delays: str) -> None:
    expected = ask(client, f"/endpoints/{delays}/score", {"input_data": TABLE}).json()
    assert len(expected) == 2
    split = ask(client, f"/endpoints/{delays}/invocations", {"dataframe_split": TABLE}).json()
    assert split == {"predictions": [{"delay": delay} for delay in expected]}
    document = infer({"carrier": ("BYTES", ["AA", "UA"]), "distance": ("FP64", [2.0, 5.0])})
    answered = ask(client, f"/v2/models/{delays}/infer", document).json()
    (output,) = answered["outputs"]
    assert (output["name"], output["datatype"], output["data"]) == ("delay", "FP64", expected)


def test_its_metadata_is_that_of_its_signature(client: Client, delays: str) -> None:
    document = client.ask("GET", f"/v2/models/{delays}", ROLE).json()
    assert document["platform"] == "mlflow_pyfunc"
    assert document["inputs"] == [
        {"name": "carrier", "datatype": "BYTES", "shape": [-1]},
        {"name": "distance", "datatype": "FP64", "shape": [-1]},
    ]
    assert [output["name"] for output in document["outputs"]] == ["delay"]


def test_what_the_model_does_not_know_is_its_failure_and_what_the_signature_refuses_the_callers(
    client: Client, delays: str
) -> None:
    unknown = {"input_data": {**TABLE, "data": [["??", 1.0]]}}
    reply = client.ask("POST", f"/endpoints/{delays}/score", ROLE, json=unknown)
    assert (reply.status_code, reply.json()["error"]["code"]) == (424, "ScoringFailed")
    wrong = {"input_data": {**TABLE, "data": [["AA", "far"]]}}
    reply = client.ask("POST", f"/endpoints/{delays}/score", ROLE, json=wrong)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "SchemaMismatch")


def test_params_reach_the_model_in_all_protocols(client: Client, odd: str) -> None:
    table = {"columns": ["x"], "data": [[1.5], [2.0]]}
    params = {"kind": "dict", "factor": 10.0}
    score = ask(client, f"/endpoints/{odd}/score", {"input_data": table, "params": params}).json()
    assert score == [{"low": 14.0, "high": 16.0}, {"low": 19.0, "high": 21.0}]
    invoked = ask(client, f"/endpoints/{odd}/invocations", {"dataframe_split": table, "params": params}).json()
    assert invoked == {"predictions": score}
    document = infer({"x": ("FP64", [1.5, 2.0])}, parameters=params)
    outputs = ask(client, f"/v2/models/{odd}/infer", document).json()["outputs"]
    assert {output["name"]: output["data"] for output in outputs} == {"low": [14.0, 19.0], "high": [16.0, 21.0]}


def test_params_that_are_left_out_have_their_defaults(client: Client, odd: str) -> None:
    invoked = ask(client, f"/endpoints/{odd}/invocations", {"dataframe_records": [{"x": 1.5}]}).json()
    assert invoked == {"predictions": [3.0]}


def test_an_environment_that_is_not_deployed_is_told_clearly(client: Client, delays: str) -> None:
    body = json.dumps({"input_data": TABLE}).encode()
    reply = client.score(delays, body, azureml_model_deployment="green")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "ModelNotReady")
    assert reply.json()["error"]["message"] == "the environment 'not-there' is not there: deploy the app with it"
    assert "Retry-After" in reply.headers


def test_a_job_is_scored_by_it(client: Client, account: BlobServiceClient, delays: str) -> None:
    online = ask(client, f"/endpoints/{delays}/score", {"input_data": TABLE}).json()
    job = client.finished(delays, drop(account, delays, b"carrier,distance\nAA,2\nUA,far\nUA,5\n"))
    assert (job["status"], job["counts"]) == (
        "Completed",
        {"rows": 3, "predicted": 2, "rejected": 1, "mini_batches": 1},
    ), job
    table = predictions(account, job)
    assert table["row"].to_pylist() == [0, 2]
    assert table["delay"].to_pylist() == online
    (rejected,) = [json.loads(line) for line in read(account, f"{job['output']}rejected.jsonl").splitlines()]
    assert rejected["reason"] == "distance: 'far' is not a number"
