"""What models, code and environments become: what a human has to publish and to deploy."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cli.endpoint_file import WrittenCode, WrittenModel
from cli.importing.naming import Names, Reference, reference
from shared.endpoints.deployment import Name
from tests.unit.cli.importing.azure_files import (
    CONDA,
    SCRIPT,
    drafted,
    imported,
    instead,
    models,
    online_deployment,
    online_endpoint,
)

_WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("azureml:sklearn:3", Reference("sklearn", "3")),
        ("azureml:sklearn@latest", Reference("sklearn", "latest")),
        ("azureml://registries/azureml/environments/sklearn-1.5/labels/latest", Reference("sklearn-1.5", "latest")),
        (f"azureml:{_WORKSPACE}/environments/sklearn/versions/3", Reference("sklearn", "3")),
        ("azureml:sklearn", Reference("sklearn", "")),
    ],
)
def test_references_are_read_in_all_of_their_spellings(text: str, expected: Reference) -> None:
    assert reference(text) == expected


def test_a_local_model_with_a_script_names_the_paths_from_where_the_import_runs(tmp_path: Path) -> None:
    blue = online_deployment(model={"path": "model/model.pkl"}, code_configuration=SCRIPT)
    code = WrittenCode(code=str(tmp_path / "code"), scoring_script="score.py")
    assert models(tmp_path, blue) == {"blue": WrittenModel(str(tmp_path / "model/model.pkl"), code)}


def test_a_registered_model_that_is_written_out_is_named_by_its_reference(tmp_path: Path) -> None:
    blue = online_deployment(model={"name": "iris", "version": "2024-01-01"})
    assert models(tmp_path, blue) == {"blue": WrittenModel("azureml:iris:2024-01-01", None)}


def test_a_name_that_a_path_goes_before_is_listed(tmp_path: Path) -> None:
    blue = online_deployment(model={"name": "iris", "version": 3, "path": "model", "type": "mlflow_model"})
    result = imported(tmp_path, online_endpoint(), blue)
    for field in ("model.name", "model.version"):
        assert "what is published from a path is called after its deployment" in instead(result, field)


def test_a_comment_tells_what_to_download(tmp_path: Path) -> None:
    blue = online_deployment(code_configuration={"code": "azureml:c:1", "scoring_script": "score.py"})
    text = imported(tmp_path, online_endpoint(), blue).text
    assert "# Download azureml:c:1, and write its folder as code." in text


def test_models_and_scripts_are_written_as_publishing_reads_them(tmp_path: Path) -> None:
    green = online_deployment("green", code_configuration=SCRIPT)
    alone = online_deployment("alone", code_configuration=SCRIPT)
    del alone["model"]
    code = str(tmp_path / "code")
    assert models(tmp_path, online_deployment(), green, alone) == {
        "blue": WrittenModel("azureml:iris:3", None),
        "green": WrittenModel("azureml:iris:3", WrittenCode(code=code, scoring_script="score.py")),
        "alone": WrittenModel(code, WrittenCode(code=".", scoring_script="score.py")),
    }


@pytest.mark.parametrize("model", ["azureml:iris@latest", "azureml:iris", {"name": "iris"}])
def test_a_model_that_is_not_pinned_is_listed(tmp_path: Path, model: Any) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(model=model))
    assert "azureml:name:version" in instead(result, "model")


def test_a_model_that_only_a_server_of_its_own_can_serve_is_listed(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(model={"path": "model", "type": "triton_model"}))
    assert "publish it as an MLflow model" in instead(result, "model.type")


@pytest.mark.parametrize("lacking", SCRIPT)
def test_code_without_a_script_is_listed_and_so_is_a_script_without_code(tmp_path: Path, lacking: str) -> None:
    code = {name: value for name, value in SCRIPT.items() if name != lacking}
    result = imported(tmp_path, online_endpoint(), online_deployment(code_configuration=code))
    assert "write both, or neither" in instead(result, "code_configuration")
    assert "code_configuration:" not in result.text


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
    for text, thing in wanted:
        environments.setdefault(names.of_environment(text, (text, thing)), set()).add((text, thing))
    for name, things in environments.items():
        assert (TypeAdapter(Name).validate_python(name), len(things)) == (name, 1)
