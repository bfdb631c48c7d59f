"""Describing a model folder, and what a package may hold."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from shared.errors import MalformedRequest
from shared.models.mlmodel import describe
from shared.models.package import PACKAGE_FILE, ModelPackage, digest_of
from shared.models.signature import Column, Tensor
from tests.support import iris

COLUMN = [{"type": "double", "name": "a", "required": True}]
TENSORS = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]


def signature(inputs: object, outputs: object = None) -> dict[str, Any]:
    return {"inputs": json.dumps(inputs), "outputs": None if outputs is None else json.dumps(outputs)}


def folder_with(place: Path, mlmodel: object = None, **changes: Any) -> Path:
    """A model folder of two files; `changes` are put into its MLmodel, or `mlmodel` stands in its place."""
    document = {"flavors": {"onnx": {"data": "model.onnx"}}, "signature": signature(COLUMN), **changes}
    place.mkdir(exist_ok=True)
    (place / "model.onnx").write_bytes(b"graph")
    (place / "MLmodel").write_text(yaml.safe_dump(document) if mlmodel is None else str(mlmodel))
    return place


def refusal(folder: Path, name: str = "m", version: str = "1") -> str:
    with pytest.raises(MalformedRequest) as caught:
        describe(folder, name, version)
    return caught.value.message


def test_a_folder_as_mlflow_saves_it(iris_folder: Path) -> None:
    package = describe(iris_folder, "iris", "3")
    assert [column.name for column in package.signature.columns] == list(iris.COLUMNS)
    assert [column.required for column in package.signature.columns] == [True, True, True, False]
    assert [output.name for output in package.signature.outputs] == ["label"]
    assert package.model is not None
    assert package.model.model_file == "model.onnx"
    for file in package.files:
        data = (iris_folder / file.path).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert [file.path for file in package.files] == sorted(
        path.relative_to(iris_folder).as_posix() for path in iris_folder.rglob("*") if path.is_file()
    )


def test_the_stored_package_reads_back_as_it_was(iris_folder: Path) -> None:
    package = describe(iris_folder, "iris", "1")
    assert ModelPackage.model_validate_json(package.to_bytes()) == package


def test_a_tensor_signature(tmp_path: Path) -> None:
    outputs = [{"type": "tensor", "name": "p", "tensor-spec": {"dtype": "float32", "shape": [-1]}}]
    package = describe(folder_with(tmp_path / "m", signature=signature(TENSORS, outputs)), "m", "1")
    assert package.signature.tensors == (Tensor(name="", dtype="float32", shape=(-1, 2)),)
    assert [output.name for output in package.signature.outputs] == ["p"]


def test_without_outputs_in_the_signature_none_are_named(tmp_path: Path) -> None:
    for outputs in (None, [], [{"type": "double"}]):
        package = describe(folder_with(tmp_path / "m", signature=signature(COLUMN, outputs)), "m", "1")
        assert package.signature.outputs == ()
        assert package.signature.columns == (Column(name="a", type="double"),)


def test_the_digest_is_the_same_wherever_the_folder_lies(tmp_path: Path) -> None:
    first = describe(folder_with(tmp_path / "one"), "m", "1").to_bytes()
    second = describe(folder_with(tmp_path / "two"), "m", "1").to_bytes()
    assert digest_of(first) == digest_of(second)


def test_the_digest_changes_with_every_byte_name_and_place(tmp_path: Path) -> None:
    def digest(name: str = "m", version: str = "1") -> str:
        return digest_of(describe(folder, name, version).to_bytes())

    folder = folder_with(tmp_path / "m")
    seen = [digest(), digest(name="n"), digest(version="2")]
    (folder / "extra").write_bytes(b"\0")
    seen.append(digest())
    (folder / "extra").write_bytes(b"\1")
    seen.append(digest())
    (folder / "extra").rename(folder / ".extra")
    seen.append(digest())
    (folder / "below").mkdir()
    (folder / ".extra").rename(folder / "below" / ".extra")
    seen.append(digest())
    (folder / "model.onnx").write_bytes(b"grapi")
    seen.append(digest())
    assert len(set(seen)) == len(seen)


def test_a_folder_downloaded_with_its_package_file_is_the_same_model(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m")
    before = describe(folder, "m", "1")
    (folder / PACKAGE_FILE).write_bytes(before.to_bytes())
    assert describe(folder, "m", "1") == before
    (folder / "below").mkdir()
    (folder / "below" / PACKAGE_FILE).write_text("{}")
    assert "below/package.json" in [file.path for file in describe(folder, "m", "1").files]


@pytest.mark.parametrize("kind", ["missing", "empty", "file"])
def test_what_is_no_model_folder_is_told_so(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "thing"
    if kind == "empty":
        place.mkdir()
    if kind == "file":
        place.write_bytes(b"graph")
    assert refusal(place) == "thing is not an MLflow model: it has no file MLmodel"


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"flavors": {"sklearn": {"pickled_model": "model.pkl"}}}, "'onnx'"),
        ({"flavors": {"onnx": {}}}, "'data'"),
        ({"flavors": None}, ""),
        ({"signature": None}, ""),
        ({"signature": {}}, "'inputs'"),
        ({"signature": {"inputs": None}}, ""),
        ({"signature": signature([{"name": "a"}])}, "'type'"),
        ({"signature": signature([{"type": "tensor"}])}, "'tensor-spec'"),
    ],
)
def test_what_the_mlmodel_lacks_is_named(tmp_path: Path, changes: Mapping[str, Any], lacks: str) -> None:
    message = refusal(folder_with(tmp_path / "m", **changes))
    assert message.startswith("m/MLmodel lacks ")
    assert lacks in message
    assert message.endswith("log the model with its onnx flavor and a signature")


def test_a_model_without_signature_is_told_so(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", yaml.safe_dump({"flavors": {"onnx": {"data": "model.onnx"}}}))
    assert refusal(folder).startswith("m/MLmodel lacks 'signature'")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("../../x", id="above"),
        pytest.param("..", id="parent"),
        pytest.param("/etc/hostname", id="absolute"),
        pytest.param("./model.onnx", id="other-spelling"),
        pytest.param("absent.onnx", id="absent"),
        pytest.param("", id="empty"),
        pytest.param(["model.onnx"], id="list"),
    ],
)
def test_the_model_file_lies_in_the_folder(tmp_path: Path, data: object) -> None:
    (tmp_path.parent / "x").write_bytes(b"outside")
    message = refusal(folder_with(tmp_path / "m", flavors={"onnx": {"data": data}}))
    assert message.startswith("m/MLmodel cannot be used: ")


@pytest.mark.parametrize("path", ["../model.onnx", "/model.onnx", "a/../../model.onnx", ".."])
def test_a_package_names_no_file_outside_of_itself(iris_folder: Path, path: str) -> None:
    document = json.loads(describe(iris_folder, "iris", "1").to_bytes())
    document["files"].append({"path": path, "size_bytes": 1, "sha256": "0" * 64})
    document["model"]["model_file"] = path
    with pytest.raises(ValidationError, match="lie outside of the package"):
        ModelPackage.model_validate(document)


@pytest.mark.parametrize(
    "mlmodel",
    [
        "",
        "just text",
        "- a\n- list",
        "a: [unclosed",
        "a: !!python/object/apply:os.getcwd []",
        "when: 2026-99-99",
        "\0",
        "flavors: text\nsignature: text",
    ],
)
def test_a_broken_mlmodel_is_told_so(tmp_path: Path, mlmodel: str) -> None:
    assert refusal(folder_with(tmp_path / "m", mlmodel)).startswith("m/MLmodel ")


def test_an_mlmodel_that_is_no_text_is_told_so(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m")
    (folder / "MLmodel").write_bytes(b"\xff\xfe\xff")
    assert refusal(folder).startswith("m/MLmodel cannot be used")


@pytest.mark.parametrize(
    "inputs",
    [[], {}, 1, ["a"], [{"type": "double"}], [{"type": "complex", "name": "a"}], [*TENSORS, "a"], [*COLUMN, *COLUMN]],
)
def test_a_signature_that_cannot_be_served_is_refused(tmp_path: Path, inputs: object) -> None:
    assert refusal(folder_with(tmp_path / "m", signature=signature(inputs))).startswith("m/MLmodel ")


def test_outputs_that_are_no_list_of_objects_are_refused(tmp_path: Path) -> None:
    assert refusal(folder_with(tmp_path / "m", signature=signature(COLUMN, ["a"]))).startswith("m/MLmodel ")


def test_a_signature_that_is_not_json_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", signature={"inputs": "{"})
    assert refusal(folder).startswith("m/MLmodel cannot be used")


@pytest.mark.parametrize(
    ("name", "version"),
    [("", "1"), ("../m", "1"), ("a/b", "1"), ("a.", "1"), ("m", "0"), ("m", "01"), ("m", "../1"), ("m", "1\n")],
)
def test_names_and_versions_are_path_segments(tmp_path: Path, name: str, version: str) -> None:
    assert refusal(folder_with(tmp_path / "m"), name, version).startswith("m/MLmodel cannot be used")
