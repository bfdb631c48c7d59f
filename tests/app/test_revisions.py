"""What happens to an endpoint whose new revision has a model that cannot be loaded."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.models.package import ModelRef
from tests.app.client import Client, until
from tests.app.packages import save_times

BODY = b'{"input_data": [[3.0]]}'


@pytest.fixture(scope="module")
def versions(
    upload: Callable[..., ModelRef], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, dict[str, Any]]]:
    """Deployments by the version of their model: 1 and 3 are good, 2 is broken."""
    folder: Path = tmp_path_factory.mktemp("versions")
    for version, factor in (("1", 2.0), ("3", 10.0)):
        save_times(folder / version, factor)
    shutil.copytree(folder / "1", folder / "2")
    (folder / "2" / "model.onnx").write_bytes(b"no graph")
    return {
        version: {"blue": {"model": upload(folder / version, "times", version)._asdict()}}
        for version in ("1", "2", "3")
    }


def status(client: Client, endpoint: str) -> dict[str, str]:
    """Of the deployment blue, as the endpoint's readers are told."""
    document = client.ask("GET", f"/endpoints/{endpoint}", "Endpoint.Read").json()
    told: dict[str, str] = document["status"]["blue"]
    return told


def test_a_broken_model_leaves_the_old_one_serving_until_a_good_one_comes(
    client: Client, publish: Callable[..., dict[str, Any]], versions: dict[str, dict[str, Any]]
) -> None:
    publish("recovers", deployments=versions["1"])
    assert status(client, "recovers") == {"state": "Idle", "model": "", "error": ""}
    assert client.score("recovers", BODY).json() == [6.0]
    assert status(client, "recovers") == {"state": "Ready", "model": "times/1", "error": ""}

    def scored_until(state: str, model: str) -> str:
        """Every request on the way is answered by a good model; the status' error."""

        def look() -> str | None:
            reply = client.score("recovers", BODY)
            assert (reply.status_code, reply.headers["x-slipway-model"]) in ((200, "times/1"), (200, "times/3"))
            told = status(client, "recovers")
            return told["error"] if (told["state"], told["model"]) == (state, model) else None

        return until(f"{state} {model}", look)

    publish("recovers", deployments=versions["2"])
    assert "onnx" in scored_until("Failed", "times/1").lower()
    assert client.score("recovers", BODY).json() == [6.0]

    publish("recovers", deployments=versions["3"])
    assert scored_until("Ready", "times/3") == ""
    assert client.score("recovers", BODY).json() == [30.0]


def test_a_first_model_that_is_broken_is_not_ready(
    client: Client, publish: Callable[..., dict[str, Any]], versions: dict[str, dict[str, Any]]
) -> None:
    publish("broken", deployments=versions["2"])
    reply = client.score("broken", BODY)
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "ModelNotReady")
    told = status(client, "broken")
    assert (told["state"], told["model"], told["error"]) == ("Failed", "", reply.json()["error"]["message"])


def test_a_deployment_without_a_model_is_spared_where_another_has_one(
    client: Client, publish: Callable[..., dict[str, Any]], versions: dict[str, dict[str, Any]]
) -> None:
    deployments = {**versions["2"], "green": versions["1"]["blue"]}
    publish("spared", deployments=deployments, traffic={"blue": 90, "green": 10})
    assert client.score("spared", BODY, azureml_model_deployment="green").json() == [6.0]
    assert {client.score("spared", BODY).headers["azureml-model-deployment"] for _ in range(20)} == {"green"}
