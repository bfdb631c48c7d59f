"""Models that lie beside the endpoint file, and what every source has in common."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.sources.resolve import resolve
from shared.errors import MalformedRequest
from shared.models.mlmodel import describe
from shared.models.package import CodeConfiguration

CODE = CodeConfiguration(code="code", scoring_script="score.py", model="weights")


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_is_taken_where_it_lies(iris_folder: Path, into: Path) -> None:
    source = resolve(iris_folder.name, into, base=iris_folder.parent)
    assert source.folder == iris_folder
    assert (source.name, source.version, source.code) == (None, None, None)
    assert (source.origin.uri, source.origin.resolved) == (iris_folder.name, iris_folder.as_uri())
    assert source.origin.flavors == ("onnx", "python_function")
    assert not into.exists()


@pytest.mark.parametrize(
    ("files", "uri", "message"),
    [
        ({}, "iris", "there is no iris in .*: write the path from the endpoint file's folder"),
        ({"iris/notes.txt": ""}, "iris", "iris is not an MLflow model: it has no file MLmodel"),
        ({"iris/MLmodel": ""}, "iris/MLmodel", "write the folder's path"),
        ({"model.pkl": ""}, "model.pkl", "write the path of an MLflow model folder or of an .onnx file"),
        ({"iris/MLmodel": "a: [1"}, "iris", "iris/MLmodel is broken, log the model again"),
        ({"iris/MLmodel": "text"}, "iris", "iris/MLmodel is broken, log the model again: it is no mapping"),
        ({"iris/MLmodel": "flavors: {onnx: {data: m}}"}, "iris", "MLmodel lacks 'signature'"),
        ({"iris/MLmodel": "flavors: {onnx: {data: m}}\nsignature: {inputs: '[{'}"}, "iris", "cannot be used"),
        ({"iris/MLmodel": "flavors: {keras: {}}"}, "iris", "log the model with its onnx flavor"),
        ({"iris/segments.yaml": "[]"}, "iris", "must be a mapping"),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(
    tmp_path: Path, into: Path, files: dict[str, str], uri: str, message: str
) -> None:
    for name, text in files.items():
        write(tmp_path / name, text)
    with pytest.raises(MalformedRequest, match=message) as caught:
        resolve(uri, into, base=tmp_path)
    assert "\n" not in caught.value.message


def test_a_script_in_the_models_folder_is_taken_where_it_lies(tmp_path: Path, into: Path) -> None:
    script = write(tmp_path / "green" / "code" / "score.py")
    write(tmp_path / "green" / "weights" / "w.bin")
    source = resolve("green", into, base=tmp_path, code=CODE)
    assert (source.folder, source.code) == (script.parents[1], CODE)
    assert not into.exists()


@pytest.mark.parametrize(("model", "expected"), [("green", "model/green/w.bin"), ("green/w.bin", "model/w.bin")])
def test_a_script_beside_the_endpoint_file_is_put_together_with_its_model(
    tmp_path: Path, into: Path, model: str, expected: str
) -> None:
    write(tmp_path / "score.py", "import rules")
    write(tmp_path / "rules.py")
    write(tmp_path / "__pycache__" / "rules.pyc")
    write(tmp_path / "green" / "w.bin")
    code = CodeConfiguration(code=".", scoring_script="score.py")
    source = resolve(model, into, base=tmp_path, code=code)
    assert source.code == CodeConfiguration(code="code", scoring_script="score.py", model="model")
    files = {file.path for file in describe(source.folder, "green", "1", source.code).files}
    assert {"code/score.py", "code/rules.py", expected} <= files
    assert not any("__pycache__" in each or "into" in each for each in files)


def test_a_script_that_is_nowhere_is_refused(tmp_path: Path, into: Path) -> None:
    write(tmp_path / "green" / "w.bin")
    with pytest.raises(MalformedRequest, match=r"there is no code/score\.py, neither .* correct code_configuration"):
        resolve("green", into, base=tmp_path, code=CODE)


def test_what_is_killed_half_way_never_has_the_models_name(into: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from cli.sources.arriving import arriving\n"
        "with arriving(Path(sys.argv[1]), 'iris') as arrival:\n"
        "    (arrival.partial / 'MLmodel').write_text('flavors: {}')\n"
        "    os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", program, into], cwd=Path(__file__).parents[4])
    assert killed.returncode == -9
    assert [path.name for path in into.rglob("MLmodel")] == ["MLmodel"]
    assert not list(into.rglob("iris"))
