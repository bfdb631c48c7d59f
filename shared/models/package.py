"""A published model: an immutable folder in MLflow's layout, and `package.json`, which pins every byte of it.

`models/{name}/{version}/package.json` is written last; its own SHA-256 is the package's digest, which a revision
pins. So nothing of a model can change under an endpoint that uses it.
"""

import hashlib
import json
from functools import cached_property
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from shared.documents import Document
from shared.models.signature import Column, Signature

# Only values that are written in one way can pick a model by its key.
SEGMENT_TYPES = frozenset({"string", "integer", "long", "boolean"})
PACKAGE_FILE = "package.json"
NAME_PATTERN = r"^[a-zA-Z0-9]([-_.a-zA-Z0-9]{0,126}[a-zA-Z0-9])?$"
VERSION_PATTERN = r"^[1-9][0-9]{0,8}$"

type FlavorName = Literal["onnx", "pyfunc", "script"]


class ModelRef(NamedTuple):
    """Which package, to the byte."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


class PackagedFile(Document):
    """`held_by`: the version of the same model whose folder it lies in, where an earlier one had it already."""

    path: str
    size_bytes: int
    sha256: str
    held_by: str = Field(default="", pattern=f"^$|{VERSION_PATTERN}")


class PackagedModel(Document):
    """One model of a package. `folder`: where its MLmodel lies, "" at the top; `model_file`: of onnx, the graph.

    `signature`: where it has its own; else the package's counts.
    """

    flavor: FlavorName
    folder: str = ""
    model_file: str = ""
    signature: Signature | None = None


class CodeConfiguration(Document):
    """Azure ML's: `code` is a folder of the package, `scoring_script` a file in it, `model` what init() finds."""

    code: str
    scoring_script: str
    model: str = ""


class Segments(Document):
    """How one of many models is picked: by columns of the request, or by name where there are no columns.

    `unfed`: those of the columns that the models themselves do not take. `fallback`: keys that stand in, in order.
    `prefetch`: keys that are loaded before the package takes traffic.
    """

    columns: tuple[str, ...] = ()
    unfed: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()


class Origin(Document):
    """Where a package came from. `uri`: as its publisher wrote it; `resolved`: what it meant, with a version where it
    has one, for it may move; "" of a path, which is nobody else's.

    `python_version` and `pip_requirements`: what the model was logged with. `published_by`: tenant and object id.
    """

    uri: str
    resolved: str
    run_id: str | None = None
    tags: dict[str, str] = {}
    aliases: tuple[str, ...] = ()
    flavors: tuple[str, ...] = ()
    python_version: str | None = None
    pip_requirements: tuple[str, ...] = ()
    published_by: str = ""


class ModelPackage(Document):
    """`model` is its only one; or `models` are many by key, with `segments`. `origin`: where somebody has told it."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=NAME_PATTERN)
    version: str = Field(pattern=VERSION_PATTERN)
    signature: Signature
    model: PackagedModel | None = None
    code_configuration: CodeConfiguration | None = None
    segments: Segments | None = None
    models: dict[str, PackagedModel] = {}
    files: tuple[PackagedFile, ...]
    origin: Origin | None = None

    @model_validator(mode="after")
    def _own_files(self) -> Self:
        paths = self._by_path.keys()
        if strange := sorted(path for path in paths if path.startswith("/") or ".." in path.split("/")):
            raise ValueError(f"the files {', '.join(strange)} lie outside of the package")
        for model in self.all_models():
            if model.flavor == "onnx" and model.model_file not in paths:
                raise ValueError(f"the model's file '{model.model_file}' is not in the package")
            signature = model.signature or self.signature
            if model.flavor == "onnx" and not signature.columns and not signature.tensors:
                raise ValueError("a signature without inputs tells an onnx model nothing: log it with its inputs")
        return self

    @model_validator(mode="after")
    def _one_or_many(self) -> Self:
        if (self.model is None) == (self.segments is None):
            raise ValueError("a package has one model, or segments with many")
        if (self.segments is None) == bool(self.models):
            raise ValueError("a package with segments has models, and no other has")
        if self.model is not None and (self.model.flavor == "script") != (self.code_configuration is not None):
            raise ValueError("a script comes with a code_configuration, and no other model does")
        if self.segments is not None:
            self._check_segments(self.segments)
        return self

    def _check_segments(self, segments: Segments) -> None:
        if unknown := sorted({*segments.fallback, *segments.prefetch} - set(self.models)):
            raise ValueError(f"the segments name the models {', '.join(unknown)}, which are not in the package")
        types = {column.name: column.type for column in self.signature.columns}
        if lacking := sorted({*segments.columns, *segments.unfed} - types.keys()):
            raise ValueError(f"the signature lacks the segment columns {', '.join(lacking)}")
        if odd := [name for name in segments.columns if types[name] not in SEGMENT_TYPES]:
            raise ValueError(f"the segment columns {', '.join(odd)} must be {', '.join(sorted(SEGMENT_TYPES))}")
        if segments.columns and any(model.signature is not None for model in self.models.values()):
            raise ValueError("models that are picked by columns share one signature")
        if any(model.flavor == "script" for model in self.models.values()):
            raise ValueError("a script cannot be one of many: let it load its models itself")

    def all_models(self) -> tuple[PackagedModel, ...]:
        return (*([self.model] if self.model else []), *self.models.values())

    @property
    def runs_code(self) -> bool:
        """Whether loading it runs what its author wrote or pickled; a graph of ONNX is but computed."""
        return any(model.flavor != "onnx" for model in self.all_models())

    @cached_property
    def _by_path(self) -> dict[str, PackagedFile]:
        return {file.path: file for file in self.files}

    @cached_property
    def fed(self) -> Signature:
        """What a model that is picked by columns takes itself."""
        unfed = self.segments.unfed if self.segments else ()
        columns: tuple[Column, ...] = tuple(column for column in self.signature.columns if column.name not in unfed)
        return self.signature.model_copy(update={"columns": columns})

    def file(self, path: str) -> PackagedFile:
        return self._by_path[path]

    def to_bytes(self) -> bytes:
        document = self.model_dump(mode="json", exclude={"files", *({"origin"} if self.origin is None else ())})
        document["files"] = [file.model_dump(exclude_defaults=True) for file in self.files]
        return json.dumps(document, indent=2, sort_keys=True).encode()


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def package_path(name: str, version: str, path: str = PACKAGE_FILE) -> str:
    """Where a file of a package lies in the container `models`."""
    return f"{name}/{version}/{path}"
