"""What a model was logged with against what it would find."""

from pathlib import Path

import pytest
import yaml

from cli.errors import CommandError
from cli.publishing.environments import Environments
from cli.publishing.requirements import Needs, check, conflicts
from cli.sources.many import laid_out, origin
from cli.sources.origin import origin_of
from shared.models.environments import Environment
from shared.models.mlmodel import describe
from shared.models.package import CodeConfiguration

PACKAGES = {
    "scikit_learn": "1.6.0",
    "numpy": "2.5.5",
    "torch": "2.9.0+cpu",
    "durabletask": "2.0.0rc3",
    "mlflow-skinny": "3.17.2",
    "xgboost-cpu": "3.4.1",
    "PyYAML": "6.0.3",
    "odd": "not a version",
}
APP = Environment("", "3.13.2", PACKAGES)
OWN = Environment("old", "3.9.7", {"numpy": "1.26.4"})
THERE = Environments({"": APP, "old": OWN}, ())


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.5.5",
        "numpy",
        "numpy<3,>=2.1",
        "numpy==2.5.*",
        "numpy~=2.5",
        "NumPy == 2.5.5",
        "scikit-learn==1.6.0",
        "Scikit.Learn>=1.6",
        "pyyaml==6.0.3",
        "torch==2.9.0",
        "torch==2.9.0+cpu",
        "durabletask>=1",
        "durabletask==2.0.0rc3",
        "mlflow==3.17.2",
        "mlflow-skinny==3.17.2",
        "mlflow[extras]>=3",
        "xgboost==3.4.1",
        "odd==1",
        "numpy==2.5.5  # as it was",
        "numpy==2.5.5 --hash=sha256:00 \\",
        "numpy==2.5.5 \\",
        "numpy @ https://example.org/numpy-1.0-py3-none-any.whl",
        "https://example.org/numpy-1.0-py3-none-any.whl",
        "git+https://example.org/numpy.git@v1#egg=numpy",
        "tomli==2.0 ; python_version < '3.11'",
        "pywin32==306 ; sys_platform == 'win32'",
        "--extra-index-url https://example.org/simple",
        "-r more.txt",
        "-e git+https://example.org/own.git#egg=own",
        "--hash=sha256:00",
        "https://example.org/something",
        "./own",
        "",
    ],
)
def test_what_is_there_or_cannot_be_compared_is_no_conflict(line: str) -> None:
    assert [*conflicts([line], APP)] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("scikit-learn==1.7.2", "scikit-learn==1.7.2: the app has 1.6.0"),
        ("pandas", "pandas: the app has none"),
        ("pandas<3,>=2", "pandas<3,>=2: the app has none"),
        ("numpy!=2.5.5", "numpy!=2.5.5: the app has 2.5.5"),
        ("numpy[dev]<2 ; python_version >= '3.13'", "numpy<2: the app has 2.5.5"),
        ("own==1 ; sys_platform == 'linux'", "own==1: the app has none"),
        ("torch==2.9.0+cu130", "torch==2.9.0+cu130: the app has 2.9.0+cpu"),
        ("durabletask>=2", "durabletask>=2: the app has 2.0.0rc3"),
        ("mlflow==3.17.1", "mlflow==3.17.1: the app has 3.17.2"),
        ("mlflow-tracing==3.17.2", "mlflow-tracing==3.17.2: the app has none"),
        ("own @ https://example.org/own.whl", "own: the app has none"),
        ("wheels/own-1.0-py3-none-any.whl", "own: the app has none"),
        ("git+https://example.org/own.git#egg=own", "own: the app has none"),
    ],
)
def test_what_is_missing_or_of_another_version_is_told_with_both_sides(line: str, told: str) -> None:
    assert [*conflicts([line, "numpy"], APP)] == [told]


def test_markers_are_asked_for_the_python_of_the_environment() -> None:
    line = "tomli==2.0 ; python_version < '3.11'"
    assert [*conflicts([line], OWN)] == ["tomli==2.0: the environment old has none"]
    unknown = OWN._replace(python="")
    assert [*conflicts([line], unknown)] == []


def test_the_whole_of_mlflow_goes_before_its_slim_part() -> None:
    both = Environment("", "3.13.2", {"mlflow": "3.0.0", "mlflow-skinny": "3.17.2"})
    assert [*conflicts(["mlflow==3.17.2"], both)] == ["mlflow==3.17.2: the app has 3.0.0"]


def save(folder: Path, requirements: str, python: str = "3.13.2", flavor: str = "sklearn") -> Path:
    """As much of a pyfunc model as says what it was logged with."""
    folder.mkdir(parents=True)
    flavors = {"python_function": {"loader_module": "any", "python_version": python}, flavor: {}}
    (folder / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    (folder / "requirements.txt").write_text(requirements)
    return folder


def needs(folder: Path, environment: str = "", convertible: bool = False, name: str = "blue") -> Needs:
    models = laid_out(folder) or {"": folder}
    return Needs(name, environment, describe(folder, "model", "1"), origin(models, "./model", ""), convertible)


def test_all_conflicts_of_all_deployments_are_told_with_the_ways_out(tmp_path: Path) -> None:
    blue = needs(save(tmp_path / "blue", "scikit-learn==1.7.2\npandas\n"), convertible=True)
    green = needs(save(tmp_path / "green", "numpy==2.5.5\n"), "old", name="green")
    with pytest.raises(CommandError) as caught:
        check([blue, green], THERE)
    assert (caught.value.code, caught.value.exit_code) == ("RequirementsConflict", 1)
    assert caught.value.message == (
        "blue would not find what its model was logged with (scikit-learn==1.7.2: the app has 1.6.0; "
        "pandas: the app has none): let its `environment:` name a virtual environment that holds it, of which the app "
        "has old, or publish with --to-onnx; "
        "green would not find what its model was logged with (numpy==2.5.5: the environment old has 1.26.4): let its "
        "`environment:` name a virtual environment that holds it, of which the app has old"
    )


def test_an_environment_that_the_app_lacks_is_told_with_those_that_it_has(tmp_path: Path) -> None:
    model = needs(save(tmp_path / "model", "numpy\n"), "new")
    with pytest.raises(CommandError) as caught:
        check([model], THERE)
    assert (caught.value.code, caught.value.message) == (
        "EnvironmentNotFound",
        "the app has no such environment: blue 'new'; it has old: deploy the app with it",
    )
    with pytest.raises(CommandError, match="it has none: deploy the app with it"):
        check([model], Environments({"": APP}, ()))


@pytest.mark.parametrize(
    ("python", "environment", "notes"),
    [
        ("3.13.9", "", []),
        ("3.12.1", "", ["blue was logged with Python 3.12.1, and will run with 3.13.2"]),
        ("3.9.1", "old", []),
        ("3.13.2", "old", ["blue was logged with Python 3.13.2, and will run with 3.9.7"]),
    ],
)
def test_another_python_is_told_and_not_refused(
    tmp_path: Path, python: str, environment: str, notes: list[str]
) -> None:
    assert check([needs(save(tmp_path / "model", "numpy\n", python), environment)], THERE) == notes


def test_of_many_models_each_counts_that_runs_code(tmp_path: Path) -> None:
    save(tmp_path / "models" / "UA", "pandas\nnumpy\n")
    save(tmp_path / "models" / "AA", "pandas\nown\n", "3.12.1")
    (tmp_path / "segments.yaml").write_text("segment_columns: []\n")
    with pytest.raises(CommandError, match=r"\(pandas: the app has none; own: the app has none\)"):
        check([needs(tmp_path)], THERE)


def test_graphs_and_scripts_are_not_concerned(tmp_path: Path, iris_folder: Path) -> None:
    (tmp_path / "score.py").touch()
    (tmp_path / "requirements.txt").write_text("own==1\n")
    code = CodeConfiguration(code=".", scoring_script="score.py")
    script = Needs("green", "", describe(tmp_path, "script", "1", code), origin_of(tmp_path, ".", ""))
    graph = needs(iris_folder, "nowhere")
    assert script.origin is not None
    assert script.origin.pip_requirements == ("own==1",)
    assert check([graph, script], THERE) == []
    with pytest.raises(CommandError, match="no such environment: green 'nowhere'; it has old"):
        check([graph, script._replace(environment="nowhere")], THERE)
