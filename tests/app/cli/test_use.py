"""Endpoints and jobs used by the command line."""

import json
from pathlib import Path

import pytest

from tests.app.cli.running import Ended, Slipway
from tests.support import iris


def test_endpoints_are_listed_and_deleted(slipway: Slipway, published: str) -> None:
    assert published in [each["name"] for each in slipway("list", "--json").document]
    assert published in slipway("list").out
    refused = slipway("delete", published, "--yes")
    assert refused == Ended(1, "", "slipway: blue still takes live traffic: set all traffic to 0 first\n")
    assert slipway("traffic", "set", published, "blue=0").code == 0
    assert slipway("delete", published, "--yes").out == f"{published} is deleted\n"
    assert slipway("show", published).err == f"slipway: there is no endpoint '{published}'\n"


def test_a_job_that_fails_has_an_exit_code_of_its_own_and_is_retried(
    slipway: Slipway, folder: Path, published: str
) -> None:
    (folder / "rows.csv").write_bytes(iris.csv(3) + b"x,1,2,3\n")
    failed = slipway("submit", published, "rows.csv", "--watch")
    assert (failed.code, failed.err.count("\n")) == (5, 1)
    assert failed.err.startswith("slipway: 1 of 4 rows were rejected, more than error_threshold allows (0)")
    (job,) = slipway("jobs", published, "--json").document
    assert slipway("jobs", published, "--status", "Completed").out == "There is no such job.\n"
    assert slipway("job", published, job["id"]).out == f"job {job['id']}: Failed\n"
    assert slipway("retry", published, job["id"], "--watch").code == 5
    assert slipway("cancel", published, job["id"]).code == 1


def test_settings_of_one_job_are_given_with_it(slipway: Slipway, folder: Path, published: str) -> None:
    (folder / "rows.csv").write_bytes(iris.csv(20))
    job = slipway("submit", published, "rows.csv", "--watch", "--set", "miniBatchSize=7", "--json").document
    assert job["counts"]["mini_batches"] == 3


@pytest.mark.parametrize("protocol", ["azureml", "mlflow", "oip"])
def test_requests_of_every_protocol_are_scored(slipway: Slipway, folder: Path, published: str, protocol: str) -> None:
    bodies = {
        "azureml": iris.request(1),
        "mlflow": json.dumps({"dataframe_split": json.loads(iris.request(1))["input_data"]}).encode(),
        "oip": json.dumps(
            {
                "inputs": [
                    {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
                    for name, value in zip(iris.COLUMNS, iris.rows(1)[0], strict=True)
                ]
            }
        ).encode(),
    }
    (folder / "request.json").write_bytes(bodies[protocol])
    scored = slipway("score", published, "request.json", "--protocol", protocol, "--deployment", "blue", "--json")
    assert scored.code == 0, scored.err
    assert scored.document["answered"]["azureml-model-deployment"] == "blue"


def test_advice_comes_with_an_endpoint_file_that_is_good(slipway: Slipway, folder: Path) -> None:
    told = slipway("advise", "--set", "requests_per_day=200", "--write", "advised.yaml")
    assert told.code == 0, told.err
    assert told.out.splitlines()[0].startswith("real-time, on Azure")
    assert "USD a month" in told.out
    assert slipway("validate", "advised.yaml").code == 0
    assert slipway("advise", "--set", "requests_per_day=200").out.count("auth_mode: [entra]") == 1
    assert slipway("advise", "--set", "gpu=yes", "--json").document["platform"] == "azureml"
    assert slipway("advise", "--set", "gpu=maybe").err.startswith("slipway: the answers cannot be used: gpu: ")
    assert "requests_per_day" in slipway("advise", "--questions").out


def test_an_endpoint_of_azure_ml_is_taken_over(slipway: Slipway, folder: Path) -> None:
    schema = "https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json"
    (folder / "online.yml").write_text(
        f"$schema: {schema}\nname: taken-over\nauth_mode: aad_token\ntags: {{team: garden}}\n"
    )
    (folder / "blue.yml").write_text(
        "name: blue\nendpoint_name: taken-over\nmodel: {path: ./model, type: mlflow_model}\n"
        "instance_type: Standard_F2s_v2\ninstance_count: 1\n"
    )
    told = slipway("import", "azureml", "online.yml", "blue.yml", "--json")
    assert told.code == 0, told.err
    assert {each["field"] for each in told.document["unmapped"]} == {"tags", "instance_type", "instance_count"}
    assert slipway("publish").code == 0
    assert slipway("show", "taken-over", "--json").document["head"]["traffic"] == {"blue": 100}
    assert slipway("import", "azureml", "online.yml").err.count("\n") == 1
