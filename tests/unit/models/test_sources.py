"""From where models that run code may come."""

from pathlib import Path

import pytest

from shared.errors import SourceNotAllowed
from shared.models.mlmodel import describe
from shared.models.package import CodeConfiguration, ModelPackage, Origin, PackagedModel, Segments
from shared.models.sources import check_source


@pytest.fixture
def script(tmp_path: Path) -> ModelPackage:
    (tmp_path / "score.py").touch()
    return describe(tmp_path, "script", "1", CodeConfiguration(code=".", scoring_script="score.py"))


def of(package: ModelPackage, resolved: str | None) -> ModelPackage:
    origin = None if resolved is None else Origin(uri="as it was written", resolved=resolved)
    return package.model_copy(update={"origin": origin})


@pytest.mark.parametrize(
    ("resolved", "prefixes"),
    [
        ("models:/fraud/3", ["models:/"]),
        ("models:/fraud/3", ["azureml:", "models:/fraud/"]),
        ("", ["file:"]),
        ("file:///home/ann/model", ["file:"]),
        (None, []),
        ("runs:/1/model", []),
    ],
)
def test_a_source_that_the_setting_names_is_taken(
    script: ModelPackage, resolved: str | None, prefixes: list[str]
) -> None:
    check_source("blue", of(script, resolved), prefixes)


@pytest.mark.parametrize(
    ("resolved", "told"),
    [
        ("models:/other/1", "it is from models:/other/1"),
        ("", "it is from file:"),
        ("file:///home/ann/model", "it is from file:"),
        (None, "it is from nowhere that its package tells"),
    ],
)
def test_any_other_is_refused_and_told_without_a_path(script: ModelPackage, resolved: str | None, told: str) -> None:
    with pytest.raises(SourceNotAllowed) as caught:
        check_source("blue", of(script, resolved), ["models:/fraud/", "azureml:"])
    assert caught.value.message == (
        "deployment 'blue': its model runs code, which SLIPWAY_CODE_SOURCES of the app takes from "
        f"models:/fraud/, azureml: alone; {told}"
    )


def test_a_graph_comes_from_anywhere(iris_folder: Path) -> None:
    check_source("blue", describe(iris_folder, "iris", "1"), ["models:/"])


def test_one_pyfunc_among_many_models_runs_code(iris_folder: Path) -> None:
    package = describe(iris_folder, "iris", "1")
    assert package.model is not None
    models = {"UA": package.model, "AA": PackagedModel(flavor="pyfunc", folder="models/AA")}
    many = package.model_copy(update={"model": None, "segments": Segments(), "models": models})
    assert (package.runs_code, many.runs_code) == (False, True)
