"""Reads the folder of a model as its author left it, and describes it as a package.

Source of the MLmodel file: https://mlflow.org/docs/latest/ml/model/#model-format
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from shared.errors import MalformedRequest
from shared.models.package import (
    PACKAGE_FILE,
    CodeConfiguration,
    ModelPackage,
    PackagedFile,
    PackagedModel,
    Segments,
)
from shared.models.signature import Column, Output, Param, Signature, Tensor

SEGMENTS_FILE = "segments.yaml"
# Below it, in a package of many, every model lies in a folder named by its key.
MODELS_FOLDER = "models"


class _Described(NamedTuple):
    model: PackagedModel
    signature: Signature


def describe(folder: Path, name: str, version: str, code: CodeConfiguration | None = None) -> ModelPackage:
    """Of an MLflow model, of a folder of many with a segments.yaml, or with `code` of a score.py.

    Raises MalformedRequest, saying what the folder lacks.
    """
    files = tuple(_files(folder))
    is_many = code is None and (folder / SEGMENTS_FILE).is_file()
    try:
        if code is not None:
            _check_script(folder, code)
            script = PackagedModel(flavor="script")
            return ModelPackage(
                name=name, version=version, signature=Signature(), model=script, code_configuration=code, files=files
            )
        if is_many:
            return _describe_many(folder, name, version, files)
        found = _describe_one(folder, "")
        return ModelPackage(name=name, version=version, signature=found.signature, model=found.model, files=files)
    except (ValidationError, ValueError, AttributeError, yaml.YAMLError) as error:
        about = SEGMENTS_FILE if is_many else "MLmodel"
        raise MalformedRequest(f"{folder.name}/{about} cannot be used: {error}") from None


def _check_script(folder: Path, code: CodeConfiguration) -> None:
    if not (folder / code.code / code.scoring_script).is_file():
        raise MalformedRequest(f"{folder.name} has no {code.code}/{code.scoring_script}")
    if not (folder / code.model).exists():
        raise MalformedRequest(f"{folder.name} has no {code.model}, which is to be the folder of the script's models")


def _describe_one(top: Path, place: str) -> _Described:
    folder = top / place
    try:
        mlmodel = yaml.load((folder / "MLmodel").read_text(), yaml.CSafeLoader)  # ten times as fast, of very many
        flavors = mlmodel["flavors"]
        if "onnx" not in flavors and "python_function" in flavors:
            written = mlmodel.get("signature")
            model = PackagedModel(flavor="pyfunc", folder=place)
            return _Described(model, _signature(written) if written else Signature())
        path = f"{place}/{flavors['onnx']['data']}" if place else flavors["onnx"]["data"]
        model = PackagedModel(flavor="onnx", folder=place, model_file=path)
        return _Described(model, _signature(mlmodel["signature"]))
    except (FileNotFoundError, NotADirectoryError):
        raise MalformedRequest(f"{folder.name} is not an MLflow model: it has no file MLmodel") from None
    except (KeyError, TypeError) as error:
        raise MalformedRequest(
            f"{folder.name}/MLmodel lacks {error}: log the model with its onnx flavor and a signature"
        ) from None
    except (ValidationError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise MalformedRequest(f"{folder.name}/MLmodel cannot be used: {error}") from None


def _describe_many(folder: Path, name: str, version: str, files: tuple[PackagedFile, ...]) -> ModelPackage:
    written = yaml.safe_load((folder / SEGMENTS_FILE).read_text())
    if not isinstance(written, dict):
        raise MalformedRequest(f"{folder.name}/{SEGMENTS_FILE} must be a mapping")
    columns = written.pop("segment_columns", None) or []
    if not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
        raise MalformedRequest(f"{folder.name}/{SEGMENTS_FILE}: segment_columns must be a list of column names")
    found = {
        path.parent.relative_to(folder / MODELS_FOLDER).as_posix(): _describe_one(
            folder, path.parent.relative_to(folder).as_posix()
        )
        for path in sorted((folder / MODELS_FOLDER).rglob("MLmodel"))
    }
    if not found:
        raise MalformedRequest(f"{folder.name}/{MODELS_FOLDER} holds no MLflow models")
    if not columns:
        models = {key: one.model.model_copy(update={"signature": one.signature}) for key, one in found.items()}
        segments = Segments.model_validate(written)
        return ModelPackage(
            name=name, version=version, signature=Signature(), segments=segments, models=models, files=files
        )
    first_key, first = next(iter(found.items()))
    if odd := [key for key, one in found.items() if one.signature != first.signature]:
        raise MalformedRequest(f"the models {first_key} and {odd[0]} differ in their signatures: they must share one")
    unfed = tuple(each for each in columns if each not in {column.name for column in first.signature.columns})
    signature = first.signature.model_copy(
        update={"columns": (*(Column(name=each, type="string") for each in unfed), *first.signature.columns)}
    )
    segments = Segments.model_validate({**written, "columns": columns, "unfed": unfed})
    models = {key: one.model for key, one in found.items()}
    return ModelPackage(name=name, version=version, signature=signature, segments=segments, models=models, files=files)


def _files(folder: Path) -> Iterator[PackagedFile]:
    # A folder that was downloaded from storage brings its old package.json along, which is no part of the model.
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / PACKAGE_FILE:
            data = path.read_bytes()
            yield PackagedFile(
                path=path.relative_to(folder).as_posix(),
                size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
            )


def _signature(written: Mapping[str, str]) -> Signature:
    inputs: list[dict[str, Any]] = json.loads(written["inputs"])
    outputs: list[dict[str, Any]] = json.loads(written["outputs"]) if written.get("outputs") else []
    params: list[dict[str, Any]] = json.loads(written["params"]) if written.get("params") else []
    named = {"params": tuple(Param.model_validate(spec) for spec in params), "outputs": _outputs(outputs)}
    if inputs and inputs[0]["type"] == "tensor":
        tensors = tuple(Tensor(name=spec.get("name", ""), **spec["tensor-spec"]) for spec in inputs)
        return Signature(tensors=tensors, **named)
    return Signature(columns=tuple(Column.model_validate(spec) for spec in inputs), **named)


def _outputs(specs: list[dict[str, Any]]) -> tuple[Output, ...]:
    """Tensors say their type and shape below `tensor-spec`; one without a name has none to be called by."""
    described = [
        {"name": spec["name"], "type": tensor["dtype"], "shape": tensor["shape"]}
        if (tensor := spec.get("tensor-spec"))
        else spec
        for spec in specs
        if spec.get("name")
    ]
    return tuple(Output.model_validate(spec) for spec in described)
