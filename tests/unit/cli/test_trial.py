"""Models tried in a process of their own before they are published."""

import json
import shutil
from pathlib import Path

import pytest

from cli.publishing import trial
from cli.publishing.trial import Tried
from shared.errors import ModelNotReady
from shared.models.package import CodeConfiguration
from tests.support import iris

CODE = CodeConfiguration(code=".", scoring_script="score.py")


@pytest.fixture
def model(tmp_path: Path, iris_folder: Path) -> Path:
    return Path(shutil.copytree(iris_folder, tmp_path / "model"))


def write_example(folder: Path, document: object) -> None:
    (folder / "serving_input_example.json").write_text(json.dumps(document))


def script(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "score.py").write_text(text)
    return folder


def test_a_model_that_answers_its_example_says_how_many_rows(model: Path) -> None:
    assert trial.run(model, None) == Tried(None, {})
    write_example(model, {"dataframe_split": {"columns": list(iris.COLUMNS), "data": iris.rows(3)}})
    assert trial.run(model, None) == Tried(3, {})


def test_a_model_that_does_not_load_is_told_so(model: Path) -> None:
    (model / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelNotReady, match="the ONNX graph cannot be loaded"):
        trial.run(model, None)


def test_a_model_that_does_not_take_its_own_example_is_told_so(model: Path) -> None:
    write_example(model, {"dataframe_split": {"columns": ["other"], "data": [[1.0]]}})
    with pytest.raises(ModelNotReady, match="sepal_length"):
        trial.run(model, None)


def test_a_script_is_loaded(tmp_path: Path) -> None:
    good = script(tmp_path / "good", "def init(): pass\ndef run(data): return data\n")
    assert trial.run(good, CODE).rows is None
    with pytest.raises(ModelNotReady, match="no such weights"):
        trial.run(script(tmp_path / "bad", "def init(): raise OSError('no such weights')\ndef run(data): pass\n"), CODE)


def test_a_script_sees_the_variables_of_its_deployment(tmp_path: Path) -> None:
    needing = script(tmp_path / "needing", "import os\ndef init(): os.environ['REGION']\ndef run(data): return data\n")
    with pytest.raises(ModelNotReady, match="REGION"):
        trial.run(needing, CODE)
    assert trial.run(needing, CODE, variables={"REGION": "eastus"}).rows is None


def test_what_a_model_may_see_holds_no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "secret")
    monkeypatch.setenv("SLIPWAY_TOKEN", "secret")
    text = "import os\ndef init():\n    assert 'secret' not in os.environ.values()\ndef run(data): return data\n"
    assert trial.run(script(tmp_path / "curious", text), CODE).rows is None


def test_a_model_that_ends_its_process_or_takes_for_ever_is_told_so(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_DEADLINE_S", 0.01)
    with pytest.raises(ModelNotReady, match=r"did not load and answer within 0\.01 s"):
        trial.run(model, None)
    monkeypatch.setattr(trial, "_DEADLINE_S", 60)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ModelNotReady, match="its process died: its process ended with 1"):
        trial.run(model, None)
