"""A published model: an immutable folder in MLflow's layout, and `package.json`, which pins every byte of it.

`models/{name}/{version}/package.json` is written last; its own SHA-256 is the package's digest, which a revision
pins. So nothing of a model can change under an endpoint that uses it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from shared.documents import Document
from shared.errors import MalformedRequest
from shared.models.signature import Column, Output, Param, Signature, Tensor

PACKAGE_FILE = "package.json"
NAME_PATTERN = r"^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,126}[a-zA-Z0-9])?$"
VERSION_PATTERN = r"^[1-9][0-9]{0,8}$"


class ModelRef(NamedTuple):
    """Which package, to the byte."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


class PackagedFile(Document):
    path: str
    size_bytes: int
    sha256: str


class ModelPackage(Document):
    schema_version: Literal[1] = 1
    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    flavor: Literal["onnx"]
    model_file: str
    signature: Signature
    files: tuple[PackagedFile, ...]

    @model_validator(mode="after")
    def _own_files(self) -> Self:
        paths = {file.path for file in self.files}
        if strange := sorted(path for path in paths if path.startswith("/") or ".." in path.split("/")):
            raise ValueError(f"the files {', '.join(strange)} lie outside of the package")
        if self.model_file not in paths:
            raise ValueError(f"the model's file '{self.model_file}' is not in the package")
        if not self.signature.columns and not self.signature.tensors:
            raise ValueError("a signature without inputs tells an onnx model nothing: log it with columns or tensors")
        return self

    def file(self, path: str) -> PackagedFile:
        return next(file for file in self.files if file.path == path)

    def to_bytes(self) -> bytes:
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True).encode()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def package_path(name: str, version: str, path: str = PACKAGE_FILE) -> str:
    """Where a file of a package lies in the container `models`."""
    return f"{name}/{version}/{path}"


def describe(folder: Path, name: str, version: str) -> ModelPackage:
    """Reads an MLflow model folder with an onnx flavor and a signature.

    Raises MalformedRequest, saying what the folder lacks.
    """
    try:
        mlmodel = yaml.safe_load((folder / "MLmodel").read_text())
        flavor = mlmodel["flavors"]["onnx"]
        return ModelPackage(
            name=name,
            version=version,
            flavor="onnx",
            model_file=flavor["data"],
            signature=_signature(mlmodel["signature"]),
            files=tuple(_files(folder)),
        )
    except (FileNotFoundError, NotADirectoryError):
        raise MalformedRequest(f"{folder.name} is not an MLflow model: it has no file MLmodel") from None
    except (KeyError, TypeError) as error:
        raise MalformedRequest(
            f"{folder.name}/MLmodel lacks {error}: log the model with its onnx flavor and a signature"
        ) from None
    except (ValidationError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise MalformedRequest(f"{folder.name}/MLmodel cannot be used: {error}") from None


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
