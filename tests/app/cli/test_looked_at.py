"""What is looked at before anything is uploaded: what a model would find in the app, and where it comes from."""

import pickle
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.storage.blob import BlobServiceClient

from tests.app.cli.running import Slipway
from tests.unit.models.flavors.mlflow_models import save_pipeline


@pytest.fixture
def model(slipway: Slipway, folder: Path, endpoint: str) -> Path:
    """A scikit-learn pipeline as the model of an endpoint file."""
    assert slipway("init", "--name", endpoint).code == 0
    shutil.rmtree(folder / "model")
    save_pipeline(folder / "model")
    return folder / "model"


@pytest.fixture
def uploaded(account: BlobServiceClient, endpoint: str) -> Any:
    return lambda: [*account.get_container_client("models").list_blob_names(name_starts_with=f"{endpoint}-blue")]


def deploy(folder: Path, **fields: Any) -> None:
    """Fields of the deployment blue."""
    file = folder / "endpoint.yaml"
    written = yaml.safe_load(file.read_text())
    written["deployments"]["blue"] |= fields
    file.write_text(yaml.safe_dump(written))


def test_a_model_that_would_not_find_its_packages_is_refused_before_anything_is_uploaded(
    slipway: Slipway, model: Path, endpoint: str, uploaded: Any
) -> None:
    (model / "requirements.txt").write_text("scikit-learn==0.1\nno-such-package\n")
    expected = (
        f"slipway: blue would not find what its model was logged with (scikit-learn==0.1: the app has "
        f"{version('scikit-learn')}; no-such-package: the app has none): let its `environment:` name a virtual "
        "environment that holds it, of which the app has old-sklearn, or publish with --to-onnx\n"
    )
    for arguments in ((), ("--dry-run",), ("--no-trial",)):
        ended = slipway("publish", *arguments)
        assert (ended.code, ended.out, ended.err) == (1, "", expected)
    assert uploaded() == []
    assert slipway("show", endpoint).code == 1


def test_what_the_app_lacks_may_be_in_a_virtual_environment_of_it(
    slipway: Slipway, folder: Path, model: Path, uploaded: Any
) -> None:
    (model / "requirements.txt").write_text(f"mlflow=={version('mlflow')}\nscikit-learn==0.1\n")
    assert slipway("publish", "--dry-run").code == 1
    deploy(folder, environment="gone")
    told = slipway("publish").err
    assert told == (
        "slipway: the app has no such environment: blue 'gone'; it has old-sklearn: deploy the app with it\n"
    )
    assert uploaded() == []
    deploy(folder, environment="old-sklearn")
    document = slipway("publish", "--json").document
    assert (document["published"], document["notes"]) == (1, [])
    assert uploaded()


def test_a_graph_needs_nothing_of_what_it_was_logged_with(slipway: Slipway, folder: Path, published: str) -> None:
    requirements = folder / "model" / "requirements.txt"
    requirements.write_text("no-such-package\n")
    assert slipway("publish", "--dry-run").code == 0


def test_another_python_than_the_model_was_logged_with_is_told(slipway: Slipway, model: Path) -> None:
    (model / "python_env.yaml").write_text("python: 3.12.4\n")
    document = slipway("publish", "--dry-run", "--json").document
    (note,) = document["notes"]
    assert note.startswith("blue was logged with Python 3.12.4, and will run with 3.13.")
    assert f"! {note}" in slipway("publish", "--dry-run").out.splitlines()


class _Trap:
    """Unpickled, it writes a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> Any:
        return Path.touch, (self._file,)


@pytest.mark.parametrize("arguments", [(), ("--dry-run",), ("--to-onnx",)])
def test_a_model_from_elsewhere_is_not_even_loaded_here(
    slipway: Slipway, folder: Path, model: Path, strict: str, uploaded: Any, arguments: tuple[str, ...]
) -> None:
    sprung = folder / "sprung"
    (model / "model.pkl").write_bytes(pickle.dumps(_Trap(sprung)))
    profile = folder / "slipway.yaml"
    lax = profile.read_text()
    written = yaml.safe_load(lax)
    written["profiles"]["local"]["app_url"] = strict
    profile.write_text(yaml.safe_dump(written))
    refused = slipway("publish", *arguments)
    assert (refused.code, refused.out, refused.err) == (
        4,
        "",
        "slipway: deployment 'blue': its model runs code, which SLIPWAY_CODE_SOURCES of the app takes from models:/ "
        "alone; it is from file:\n",
    )
    assert uploaded() == []
    assert not sprung.exists()
    profile.write_text(lax)
    slipway("publish", *arguments)
    assert sprung.exists(), "whoever loads it springs the trap"


def test_a_graph_is_taken_from_anywhere(slipway: Slipway, folder: Path, endpoint: str, strict: str) -> None:
    assert slipway("init", "--name", endpoint).code == 0
    written = yaml.safe_load((folder / "slipway.yaml").read_text())
    written["profiles"]["local"]["app_url"] = strict
    (folder / "slipway.yaml").write_text(yaml.safe_dump(written))
    assert slipway("publish", "--json").document["published"] == 1
