"""Describing the folder of a score.py, and of many models."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.errors import MalformedRequest
from shared.models.mlmodel import describe
from shared.models.package import CodeConfiguration, ModelPackage, Segments
from shared.models.signature import Signature

CODE = CodeConfiguration(code="code", scoring_script="score.py", model="model")
X: dict[str, Any] = {"type": "double", "name": "x"}
CARRIER: dict[str, Any] = {"type": "string", "name": "carrier"}


def save_model(place: Path, *inputs: dict[str, Any]) -> None:
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(b"graph")
    document = {"flavors": {"onnx": {"data": "model.onnx"}}, "signature": {"inputs": json.dumps(inputs)}}
    (place / "MLmodel").write_text(yaml.safe_dump(document))


def many(folder: Path, segments: object, **models: list[dict[str, Any]]) -> Path:
    """Models by key with what goes into them; `segments` is what segments.yaml says."""
    for key, inputs in models.items():
        save_model(folder / "models" / key, *inputs)
    (folder / "segments.yaml").write_text(yaml.safe_dump(segments))
    return folder


def refusal(folder: Path, code: CodeConfiguration | None = None) -> str:
    with pytest.raises(MalformedRequest) as caught:
        describe(folder, "m", "1", code)
    return caught.value.message


def names(signature: Signature) -> list[str]:
    return [column.name for column in signature.columns]


def test_a_script_is_described_with_its_code_and_no_signature(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): ...")
    (tmp_path / CODE.model).mkdir()
    package = describe(tmp_path, "m", "1", CODE)
    assert package.model is not None
    assert (package.model.flavor, package.code_configuration) == ("script", CODE)
    assert package.signature == Signature()
    assert [file.path for file in package.files] == ["code/score.py"]


def test_a_folder_without_the_scoring_script_is_refused_by_its_path(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "code").mkdir(parents=True)
    assert refusal(folder, CODE) == "mine has no code/score.py"


def test_a_pyfunc_model_may_come_without_a_signature(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: {python_function: {}}")
    package = describe(tmp_path, "m", "1")
    assert package.model is not None
    assert (package.model.flavor, package.signature) == ("pyfunc", Signature())


def test_a_pyfunc_model_is_described_with_the_signature_that_it_has(tmp_path: Path) -> None:
    written = {"flavors": {"python_function": {}}, "signature": {"inputs": json.dumps([X])}}
    (tmp_path / "MLmodel").write_text(yaml.safe_dump(written))
    assert names(describe(tmp_path, "m", "1").signature) == ["x"]


def test_models_by_columns_share_a_signature_to_which_the_columns_are_added(tmp_path: Path) -> None:
    folder = many(tmp_path, {"segment_columns": ["carrier"], "fallback": ["UA"]}, UA=[X], AA=[X])
    package = describe(folder, "m", "1")
    assert names(package.signature) == ["carrier", "x"]
    assert names(package.fed) == ["x"]
    assert package.segments == Segments(columns=("carrier",), unfed=("carrier",), fallback=("UA",))
    assert {key: (model.folder, model.model_file) for key, model in package.models.items()} == {
        "AA": ("models/AA", "models/AA/model.onnx"),
        "UA": ("models/UA", "models/UA/model.onnx"),
    }
    assert ModelPackage.model_validate_json(package.to_bytes()) == package


def test_a_segment_column_that_the_models_take_themselves_is_fed_to_them(tmp_path: Path) -> None:
    package = describe(many(tmp_path, {"segment_columns": ["carrier"]}, UA=[X, CARRIER]), "m", "1")
    assert names(package.signature) == names(package.fed) == ["x", "carrier"]
    assert package.segments == Segments(columns=("carrier",))


def test_the_key_of_a_model_is_its_folder_below_models(tmp_path: Path) -> None:
    save_model(tmp_path / "models" / "UA" / "EWR", X)
    package = describe(many(tmp_path, {"segment_columns": ["carrier", "origin"]}), "m", "1")
    assert list(package.models) == ["UA/EWR"]


def test_models_by_name_keep_signatures_of_their_own(tmp_path: Path) -> None:
    package = describe(many(tmp_path, {"prefetch": ["b"]}, a=[X], b=[CARRIER]), "m", "1")
    assert package.signature == Signature()
    assert package.segments == Segments(prefetch=("b",))
    signatures = {key: model.signature for key, model in package.models.items()}
    assert {key: names(each) for key, each in signatures.items() if each} == {"a": ["x"], "b": ["carrier"]}


def test_models_by_columns_with_different_signatures_are_refused(tmp_path: Path) -> None:
    folder = many(tmp_path, {"segment_columns": ["carrier"]}, AA=[X], UA=[CARRIER])
    assert refusal(folder) == "the models AA and UA differ in their signatures: they must share one"


def test_a_package_of_many_without_models_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    assert refusal(many(folder, {"segment_columns": ["carrier"]})) == "mine/models holds no MLflow models"


@pytest.mark.parametrize("segments", ["text", ["carrier"], None])
def test_segments_that_are_no_mapping_are_refused(tmp_path: Path, segments: object) -> None:
    assert refusal(many(tmp_path / "mine", segments, UA=[X])) == "mine/segments.yaml must be a mapping"


@pytest.mark.parametrize("columns", ["hour", 5, [1], [["carrier"]], {"carrier": "UA"}, True])
def test_segment_columns_that_are_no_list_of_names_are_refused(tmp_path: Path, columns: object) -> None:
    message = refusal(many(tmp_path / "mine", {"segment_columns": columns}, UA=[X]))
    assert message == "mine/segments.yaml: segment_columns must be a list of column names"


@pytest.mark.parametrize(
    ("segments", "reason"),
    [
        ({"fallback": ["ZZ"]}, "the segments name the models ZZ, which are not in the package"),
        ({"prefetch": ["ZZ", "YY"]}, "the segments name the models YY, ZZ, which are not in the package"),
        ({"falback": ["UA"]}, "falback"),
        ({"fallback": "UA"}, "fallback"),
    ],
)
@pytest.mark.parametrize("columns", [[], ["carrier"]])
def test_segments_that_say_what_cannot_be_are_refused(
    tmp_path: Path, segments: dict[str, Any], reason: str, columns: list[str]
) -> None:
    assert reason in refusal(many(tmp_path / "mine", {**segments, "segment_columns": columns}, UA=[X]))


def test_a_script_whose_models_are_not_there_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "score.py").write_text("def init(): ...")
    assert refusal(folder, CODE) == f"mine has no {CODE.model}, which is to be the folder of the script's models"
