"""What a package may not say of itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.models.package import ModelPackage

X = {"name": "x", "type": "double"}
CARRIER = {"name": "carrier", "type": "string"}
NUMBERS = {"columns": [X]}
MIXED = {"columns": [CARRIER, X]}
ONNX = {"flavor": "onnx", "model_file": "m.onnx"}
PYFUNC = {"flavor": "pyfunc"}
SCRIPT = {"flavor": "script"}
CODE = {"code": "code", "scoring_script": "score.py"}
BY_CARRIER = {"columns": ["carrier"], "unfed": ["carrier"]}


def document(**changes: Any) -> dict[str, Any]:
    """Of one onnx model, unless `changes` say something else."""
    file = {"path": "m.onnx", "size_bytes": 0, "sha256": "0" * 64}
    return {"name": "m", "version": "1", "signature": NUMBERS, "model": ONNX, "files": [file], **changes}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model": PYFUNC},
        {"model": PYFUNC, "signature": {}},
        {"model": SCRIPT, "signature": {}, "code_configuration": CODE},
        {"model": None, "segments": {}, "models": {"a": {**ONNX, "signature": NUMBERS}}, "signature": {}},
        {"model": None, "segments": BY_CARRIER, "models": {"UA": ONNX, "AA": PYFUNC}, "signature": MIXED},
    ],
    ids=["onnx", "pyfunc", "unsigned", "script", "by-name", "by-columns"],
)
def test_a_package_of_each_kind_reads_back_as_it_was(changes: dict[str, Any]) -> None:
    package = ModelPackage.model_validate(document(**changes))
    assert ModelPackage.model_validate_json(package.to_bytes()) == package


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model": None}, "a package has one model, or segments with many"),
        ({"segments": {}, "models": {"a": ONNX}}, "a package has one model, or segments with many"),
        ({"models": {"a": ONNX}}, "a package with segments has models, and no other has"),
        ({"model": None, "segments": {}}, "a package with segments has models, and no other has"),
        ({"model": SCRIPT}, "a script comes with a code_configuration, and no other model does"),
        ({"code_configuration": CODE}, "a script comes with a code_configuration, and no other model does"),
        ({"signature": {}}, "a signature without inputs tells an onnx model nothing"),
        ({"model": {"flavor": "keras"}}, "flavor"),
    ],
)
def test_a_package_that_contradicts_itself_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        ModelPackage.model_validate(document(**changes))


@pytest.mark.parametrize(
    ("segments", "models", "signature", "reason"),
    [
        ({"fallback": ["ZZ"]}, {"UA": ONNX}, NUMBERS, "name the models ZZ, which are not in the package"),
        ({"prefetch": ["UA", "ZZ"]}, {"UA": ONNX}, NUMBERS, "name the models ZZ, which are not in the package"),
        ({"columns": ["carrier"]}, {"UA": ONNX}, NUMBERS, "the signature lacks the segment columns carrier"),
        ({"unfed": ["carrier"]}, {"UA": ONNX}, NUMBERS, "the signature lacks the segment columns carrier"),
        (BY_CARRIER, {"UA": {**ONNX, "signature": NUMBERS}}, MIXED, "picked by columns share one signature"),
        ({}, {"a": SCRIPT}, NUMBERS, "a script cannot be one of many"),
        ({}, {"a": {**ONNX, "model_file": "other.onnx"}}, NUMBERS, "'other.onnx' is not in the package"),
        ({}, {"a": ONNX, "b": {**ONNX, "signature": {}}}, NUMBERS, "log it with its inputs"),
    ],
)
def test_segments_that_do_not_fit_their_models_are_refused(
    segments: dict[str, Any], models: dict[str, Any], signature: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        ModelPackage.model_validate(document(model=None, segments=segments, models=models, signature=signature))


def test_a_model_that_is_the_only_one_is_fed_every_column() -> None:
    package = ModelPackage.model_validate(document(signature=MIXED))
    assert package.fed == package.signature
