"""What models, code and environments become: what a human has to publish and to deploy."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cli import endpoint_file
from cli.endpoint_file import WrittenCode, WrittenModel
from cli.importing.models import Package
from cli.importing.naming import Names, Reference, reference
from shared.endpoints.deployment import Name, PinnedModel
from tests.unit.cli.importing.azure_files import (
    CONDA,
    SCRIPT,
    drafted,
    imported,
    instead,
    online_deployment,
    online_endpoint,
)

_WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


def packages(folder: Path, *deployments: dict[str, Any]) -> tuple[Package, ...]:
    return imported(folder, online_endpoint(), *deployments).packages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("azureml:iris:3", Reference("iris", "3")),
        ("azureml:iris@latest", Reference("iris", "latest")),
        ("azureml://registries/r/models/iris/versions/3", Reference("iris", "3")),
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest", Reference("sklearn-1.5", "latest")),
        (f"azureml:{_WORKSPACE}/models/iris/versions/3", Reference("iris", "3")),
        ("azureml:iris", Reference("iris", "")),
    ],
)
def test_references_are_read_in_all_of_their_spellings(text: str, expected: Reference) -> None:
    assert reference(text) == expected


def test_a_registered_model_keeps_name_and_version(tmp_path: Path) -> None:
    assert packages(tmp_path, online_deployment()) == (Package("models:/iris/3", "azureml:iris:3", "", ""),)


def test_a_local_model_with_a_script_names_the_paths_from_where_the_import_runs(tmp_path: Path) -> None:
    blue = online_deployment(model={"path": "model/model.pkl"}, code_configuration=SCRIPT)
    model, code = str(tmp_path / "model/model.pkl"), str(tmp_path / "code")
    assert packages(tmp_path, blue) == (Package("models:/flowers-blue/1", model, code, "score.py"),)


def test_a_comment_tells_what_to_download(tmp_path: Path) -> None:
    blue = online_deployment(code_configuration={"code": "azureml:c:1", "scoring_script": "score.py"})
    text = imported(tmp_path, online_endpoint(), blue).text
    assert "# Download azureml:c:1, and write its folder as code." in text


def test_models_and_scripts_are_written_as_publishing_reads_them(tmp_path: Path) -> None:
    green = online_deployment("green", code_configuration=SCRIPT)
    alone = online_deployment("alone", code_configuration=SCRIPT)
    del alone["model"]
    path = tmp_path / "endpoint.yaml"
    path.write_text(imported(tmp_path, online_endpoint(), online_deployment(), green, alone).text)
    code = str(tmp_path / "code")
    assert endpoint_file.read(path).models == {
        "blue": WrittenModel("azureml:iris:3", None),
        "green": WrittenModel("azureml:iris:3", WrittenCode(code=code, scoring_script="score.py")),
        "alone": WrittenModel(code, WrittenCode(code=".", scoring_script="score.py")),
    }


def test_a_script_needs_no_model(tmp_path: Path) -> None:
    blue = online_deployment(code_configuration=SCRIPT)
    del blue["model"]
    (package,) = packages(tmp_path, blue)
    assert (package.uri, package.model, package.scoring_script) == ("models:/flowers-blue/1", "", "score.py")


@pytest.mark.parametrize("version", ["latest", "0", "2024-01-01"])
def test_a_version_that_is_no_whole_number_becomes_the_first_and_is_listed(tmp_path: Path, version: str) -> None:
    model = "azureml:iris@latest" if version == "latest" else f"azureml:iris:{version}"
    result = imported(tmp_path, online_endpoint(), online_deployment(model=model))
    assert result.packages[0].uri == "models:/iris/1"
    assert f"'{version}' is none" in instead(result, "model")


def test_deployments_of_one_model_share_its_package(tmp_path: Path) -> None:
    assert len(packages(tmp_path, online_deployment(), online_deployment("green"))) == 1


def test_one_model_with_two_scripts_is_two_packages(tmp_path: Path) -> None:
    blue = online_deployment(code_configuration=SCRIPT)
    green = online_deployment("green", code_configuration={"code": "code", "scoring_script": "other.py"})
    assert [package.uri for package in packages(tmp_path, blue, green)] == ["models:/iris/3", "models:/iris-2/3"]


def test_a_model_that_only_a_server_of_its_own_can_serve_is_listed(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(model={"path": "model", "type": "triton_model"}))
    assert "publish it as an MLflow model" in instead(result, "model.type")


@pytest.mark.parametrize("lacking", SCRIPT)
def test_code_without_a_script_is_listed_and_so_is_a_script_without_code(tmp_path: Path, lacking: str) -> None:
    code = {name: value for name, value in SCRIPT.items() if name != lacking}
    result = imported(tmp_path, online_endpoint(), online_deployment(code_configuration=code))
    assert "write both, or neither" in instead(result, "code_configuration")
    assert not result.packages[0].is_script


@pytest.mark.parametrize(
    ("environment", "name", "told"),
    [
        ("azureml:sklearn:4", "sklearn-4", "azureml:sklearn:4"),
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest", "sklearn-1-5-latest", "azureml://"),
        ({"conda_file": "conda.yml", "image": "mcr.microsoft.com/a:1"}, "blue", "conda.yml"),
        ({"name": "sklearn", "version": 2, "conda_file": CONDA}, "sklearn-2", "the conda_file in"),
        ({"image": "mcr.microsoft.com/a:1"}, "blue", "mcr.microsoft.com/a:1"),
        ({"build": {"path": "code"}}, "blue", "its image"),
    ],
)
def test_an_environment_becomes_a_virtual_one_that_a_human_deploys(
    tmp_path: Path, environment: Any, name: str, told: str
) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(environment=environment))
    assert drafted(tmp_path, result).deployments["blue"].environment == name
    comments = " ".join(line.strip(" #") for line in result.text.splitlines() if line.strip().startswith("#"))
    assert f"Deploy a virtual environment {name} with the app, with the packages of" in comments
    assert told in comments


def test_an_image_is_listed_also_where_its_packages_are_told(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(environment={"image": "mcr.microsoft.com/a:1"}))
    assert "no container is run" in instead(result, "environment.image")


def test_without_an_environment_a_human_is_told_who_needs_one(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment())
    assert drafted(tmp_path, result).deployments["blue"].environment is None
    assert "# No environment is named: a model that is no ONNX graph needs one" in result.text


@given(st.lists(st.tuples(st.text(max_size=140), st.integers(0, 3)), min_size=2))
def test_every_thing_gets_one_good_name_that_no_other_has(wanted: list[tuple[str, int]]) -> None:
    names = Names()
    environments: dict[str, set[tuple[str, int]]] = {}
    models: dict[str, set[tuple[str, int]]] = {}
    for text, thing in wanted:
        environments.setdefault(names.of_environment(text, (text, thing)), set()).add((text, thing))
        models.setdefault(names.of_model(text, "1", (text, thing)), set()).add((text, thing))
    for name, things in environments.items():
        assert (TypeAdapter(Name).validate_python(name), len(things)) == (name, 1)
    for name, things in models.items():
        PinnedModel(name=name, version="1", digest=f"sha256:{'a' * 64}")
        assert len(things) == 1
