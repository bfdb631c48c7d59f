"""Publishing by the command line: what is uploaded, told, refused, and completed after a death."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from cli.publishing import flow, packages
from tests.app.cli.running import Ended, Slipway
from tests.app.client import Client
from tests.support import iris


def test_from_a_folder_to_a_scored_request_and_a_job(slipway: Slipway, folder: Path, endpoint: str) -> None:
    assert slipway("init", "--name", endpoint).out == "wrote endpoint.yaml\n"
    assert slipway("validate").out == f"endpoint.yaml is good: endpoint {endpoint}, blue\n"
    told = slipway("publish").out.splitlines()
    assert told[0] == f"+ name: {endpoint}"
    assert told[-1] == f"published {endpoint}, revision 1"
    (folder / "request.json").write_bytes(iris.request(2))
    scored = slipway("score", endpoint, "request.json")
    assert len(json.loads(scored.out)) == 2
    assert scored.err.startswith(f"azureml-model-deployment: blue, x-slipway-model: {endpoint}-blue/1, x-request-id: ")
    (folder / "rows.csv").write_bytes(iris.csv(20))
    ended = slipway("submit", endpoint, "rows.csv", "--watch")
    assert ended.code == 0, ended.err
    told = ended.out.splitlines()
    assert told[0].endswith(": Completed")
    assert told[1:] == [
        "20 rows: 20 predicted, 0 rejected",
        f"predictions are in predictions/{endpoint}/{told[0].split()[1].removesuffix(':')}/",
    ]


def test_a_package_says_where_it_came_from_and_who_published_it(
    slipway: Slipway, published: str, account: BlobServiceClient, client: Client
) -> None:
    blob = account.get_blob_client("models", f"{published}-blue/1/package.json")
    origin = json.loads(blob.download_blob().readall())["origin"]
    assert (origin["uri"], origin["resolved"], origin["flavors"]) == ("./model", "", ["onnx", "python_function"])
    assert origin["python_version"].startswith("3.13")
    assert any(each.startswith("onnxruntime") for each in origin["pip_requirements"])
    (entry,) = slipway("audit", published, "--json").document
    assert origin["published_by"] == entry["by"]
    assert entry["agent"] == "slipway-cli"


def test_a_second_publish_of_the_same_changes_nothing_and_uploads_nothing(
    slipway: Slipway, published: str, account: BlobServiceClient
) -> None:
    def models() -> list[Any]:
        found = account.get_container_client("models").list_blobs(name_starts_with=f"{published}-blue/")
        return [(blob.name, blob.etag) for blob in found]

    before = models()
    again = slipway("publish", "--json").document
    assert (again["published"], again["changes"], models()) == (None, [], before)
    assert slipway("publish").out == f"{published} is as its file says: nothing to publish\n"


def test_a_dry_run_shows_what_would_change_and_changes_nothing(
    slipway: Slipway, folder: Path, published: str, account: BlobServiceClient
) -> None:
    file = folder / "endpoint.yaml"
    text = file.read_text().replace("mini_batch_size: 5000", "mini_batch_size: 70")
    file.write_text(f"{text}quota: {{requests_per_minute: 9}}\n")
    (folder / "model" / "note.txt").write_text("changed")
    told = slipway("publish", "--dry-run").out.splitlines()
    assert [line.partition(":")[0] for line in told] == [
        "+ quota.requests_per_minute",
        "~ deployments.blue.model",
        "~ batch.mini_batch_size",
        "blue loads, and answers nothing yet",
        f"would publish {published}; nothing was changed",
    ]
    assert not list(account.get_container_client("models").list_blobs(name_starts_with=f"{published}-blue/2/"))
    assert slipway("show", published, "--json").document["head"]["revision"] == 1
    assert slipway("publish", "--json").document["models"]["blue"]["version"] == "2"


def test_publishing_leaves_live_traffic_and_says_so(slipway: Slipway, folder: Path, published: str) -> None:
    file = folder / "endpoint.yaml"
    text = file.read_text()
    green = text.replace("traffic: {blue: 100}", "traffic: {green: 100}").replace(
        "deployments:\n", "deployments:\n  green: {model: ./model}\n"
    )
    file.write_text(green)
    told = slipway("publish").out.splitlines()
    assert told[-1] == f"traffic stays blue=100: `slipway traffic set {published} green=100` moves it"
    assert slipway("traffic", "set", published, "blue=90", "green=10").out == f"{published}: blue=90 green=10\n"
    assert slipway("rollback", published).code == 1
    assert (
        slipway("rollback", published, "--traffic", "blue=100").out == f"{published} is at revision 1 again: blue=100\n"
    )
    changes = [each["change"] for each in slipway("audit", published, "--json").document]
    assert changes == ["rollback", "traffic", "publish", "publish"]
    assert "revision 2 → 1" in slipway("audit", published, "--most", "1").out.replace("\n", " ")


@pytest.mark.parametrize("at", ["other.txt", "package.json", "revision"])
def test_a_publish_that_is_stopped_leaves_the_endpoint_and_is_completed_by_the_next(
    slipway: Slipway,
    folder: Path,
    published: str,
    account: BlobServiceClient,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
) -> None:
    for name in ("note.txt", "other.txt"):
        (folder / "model" / name).write_text("changed")
    create, reached = packages._create, list[str]()

    def stop(container: Any, package: Any, path: str, *content: Any) -> None:
        if path == at:
            raise KeyboardInterrupt
        create(container, package, path, *content)
        reached.append(path)

    def stop_revision(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(packages, "_create", stop)
        if at == "revision":
            patched.setattr(flow, "publish", stop_revision)
        assert slipway("publish") == Ended(130, "", "slipway: stopped\n")
    there = account.get_container_client("models").list_blob_names(name_starts_with=f"{published}-blue/2/")
    assert {name.partition("/2/")[2] for name in there} == set(reached)
    assert reached
    assert slipway("show", published, "--json").document["head"]["revision"] == 1
    done = slipway("publish", "--json").document
    assert (done["published"], done["models"]["blue"]["version"]) == (2, "2")


def test_what_another_publish_has_begun_is_left_alone(
    slipway: Slipway, folder: Path, published: str, account: BlobServiceClient
) -> None:
    account.get_blob_client("models", f"{published}-blue/2/note.txt").upload_blob(b"another's")
    (folder / "model" / "note.txt").write_text("mine, now")
    assert slipway("publish", "--json").document["models"]["blue"]["version"] == "3"


def test_a_model_that_cannot_be_served_is_not_published(
    slipway: Slipway, folder: Path, endpoint: str, account: BlobServiceClient
) -> None:
    assert slipway("init", "--name", endpoint).code == 0
    (folder / "model" / "model.onnx").write_bytes(b"no graph")
    refused = slipway("publish")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert refused.err.startswith("slipway: the model of deployment blue cannot be served: ")
    assert not list(account.get_container_client("models").list_blobs(name_starts_with=f"{endpoint}-blue/"))
    assert slipway("show", endpoint).code == 1


def test_what_callers_may_stumble_over_is_told_before(slipway: Slipway, folder: Path, published: str) -> None:
    mlmodel = folder / "model" / "MLmodel"
    document = yaml.safe_load(mlmodel.read_text())
    columns = json.loads(document["signature"]["inputs"])
    document["signature"]["inputs"] = json.dumps([{**each, "required": True} for each in columns])
    mlmodel.write_text(yaml.safe_dump(document))
    told = slipway("publish", "--dry-run", "--json").document
    assert told["breaking"] == ["blue: the column petal_width is required now"]
    assert told["tried"] == {"blue": None}
