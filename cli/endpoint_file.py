"""Reads an endpoint file as a person wrote it, and tells all that is wrong with it at once, with line and way out."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from cli import written
from cli.sources import sample
from cli.written import NotYaml, Place
from shared.documents import Document
from shared.endpoints.spec import Draft
from shared.errors import MalformedRequest
from shared.models.package import ModelRef

# Larger is no file that a person has written; and YAML's aliases could make much of little.
_MOST_BYTES: Final = 1_000_000
NO_MODEL: Final = {"name": "model", "version": "1", "digest": f"sha256:{'0' * 64}"}
"""Stands for the models until they are there: all else can be looked at before."""

_REFERENCE: Final = ("monitoring", "reference")


class Problem(NamedTuple):
    """`line`: from 1; 0 where it belongs to no line."""

    line: int
    field: str
    message: str


class WrittenCode(Document):
    """Azure ML's `code_configuration`: `code` is a folder beside the endpoint file, `scoring_script` a file in it."""

    code: str = Field(min_length=1)
    scoring_script: str = Field(min_length=1)


class WrittenModel(NamedTuple):
    """Of one deployment: where its model is, as it is written, and the script that serves it, if one does."""

    uri: str
    code: WrittenCode | None


class EndpointFile(NamedTuple):
    """`document`: the file without its models, scripts and reference. `reference`: the table that it names."""

    path: Path
    document: dict[str, Any]
    models: dict[str, WrittenModel]
    reference: Path | None

    @property
    def name(self) -> str:
        return str(self.document["name"])

    def draft(self, refs: Mapping[str, ModelRef]) -> Draft:
        """With the packages of its deployments, by deployment; without its reference."""
        deployments = {
            name: {**deployment, "model": refs[name]._asdict()}
            for name, deployment in self.document["deployments"].items()
        }
        return Draft.model_validate({**self.document, "deployments": deployments})


class Invalid(MalformedRequest):
    """All problems of one file."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = sorted(problems)
        super().__init__("; ".join(told(path, each) for each in self.problems))


def told(path: Path, problem: Problem) -> str:
    line = f":{problem.line}" if problem.line else ""
    field = f"{problem.field}: " if problem.field else ""
    return f"{path.name}{line}: {field}{problem.message}"


def read(path: Path) -> EndpointFile:
    """Raises Invalid."""
    return parse(path, _text(path))


def parse(path: Path, text: str) -> EndpointFile:
    """As if this were written there. Raises Invalid."""
    try:
        value, root = written.load(text)
    except NotYaml as error:
        raise Invalid(path, [Problem(error.line, "", f"this is not YAML: {error.reason}")]) from None
    if not isinstance(value, dict):
        raise Invalid(path, [Problem(1, "", "an endpoint file has fields, such as name and deployments")])
    lines = _Lines(root)
    problems = list(lines.repeated())
    document, models = _split(value, lines, problems)
    document, reference = _without_reference(document, path, lines, problems)
    problems += _checked(Draft, _with_models(document), (), lines)
    if problems:
        raise Invalid(path, problems)
    return EndpointFile(path, document, models, reference)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise Invalid(path, [Problem(0, "", f"is larger than {_MOST_BYTES} bytes, which no endpoint file is")])
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = "is not there: `slipway init` writes one" if isinstance(error, FileNotFoundError) else error.strerror
        raise Invalid(path, [Problem(0, "", str(reason))]) from None
    except UnicodeDecodeError:
        raise Invalid(path, [Problem(0, "", "is not text in UTF-8")]) from None


def _split(
    fields: dict[str, Any], lines: "_Lines", problems: list[Problem]
) -> tuple[dict[str, Any], dict[str, WrittenModel]]:
    """The document without its models, and the models of its deployments."""
    deployments = fields.get("deployments")
    if not isinstance(deployments, dict):
        return fields, {}
    kept: dict[str, Any] = {}
    models: dict[str, WrittenModel] = {}
    for name, deployment in deployments.items():
        kept[name] = deployment
        if not isinstance(deployment, dict):
            continue
        place: Place = ("deployments", str(name))
        uri, code = deployment.get("model"), deployment.get("code_configuration")
        kept[name] = {key: value for key, value in deployment.items() if key not in ("model", "code_configuration")}
        if not isinstance(uri, str) or not uri:
            message = "a deployment needs a model: a folder, an .onnx file, or models:/name/version"
            problems.append(Problem(lines.of((*place, "model")), ".".join((*map(str, place), "model")), message))
            continue
        if code is not None and (wrong := _checked(WrittenCode, code, (*place, "code_configuration"), lines)):
            problems += wrong
            continue
        models[str(name)] = WrittenModel(uri, None if code is None else WrittenCode.model_validate(code))
    return {**fields, "deployments": kept}, models


def _without_reference(
    fields: dict[str, Any], path: Path, lines: "_Lines", problems: list[Problem]
) -> tuple[dict[str, Any], Path | None]:
    """The document without it, and the table that it names, which is there."""
    monitoring = fields.get("monitoring")
    if not isinstance(monitoring, dict) or monitoring.get("reference") is None:
        return fields, None
    written, table = monitoring["reference"], None
    try:
        if not isinstance(written, str):
            raise MalformedRequest("name a table, such as ./training.parquet: `slipway publish` makes a profile of it")
        table = path.parent / written
        sample.check(table)
    except MalformedRequest as error:
        problems.append(Problem(lines.of(_REFERENCE), ".".join(_REFERENCE), error.message))
    kept = {name: value for name, value in monitoring.items() if name != "reference"}
    return {**fields, "monitoring": kept}, table


def _with_models(document: dict[str, Any]) -> dict[str, Any]:
    deployments = document.get("deployments")
    if not isinstance(deployments, dict):
        return document
    filled = {
        name: {**deployment, "model": NO_MODEL} if isinstance(deployment, dict) else deployment
        for name, deployment in deployments.items()
    }
    return {**document, "deployments": filled}


def _checked(kind: type[BaseModel], document: object, place: Place, lines: "_Lines") -> list[Problem]:
    try:
        kind.model_validate(document)
    except ValidationError as error:
        return [_problem(kind, each, place, lines) for each in error.errors()]
    return []


def _problem(kind: type[BaseModel], error: ErrorDetails, place: Place, lines: "_Lines") -> Problem:
    # Keys of mappings that are wrong themselves come with a mark of pydantic's own.
    found: Place = (*place, *(each for each in error["loc"] if each != "[key]"))
    more = ["code_configuration"] if len(found) == 3 else []
    return Problem(lines.of(found), ".".join(map(str, found)), written.message(kind, error, more))


class _Lines:
    """On which line each field stands."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root

    def of(self, place: Place) -> int:
        """Of the field, or of what it should stand in."""
        node, line = self._root, 1
        for step in place:
            found = next((value for key, value in _children(node) if key == str(step)), None)
            if found is None:
                break
            line, node = found
        return line

    def repeated(self) -> Iterator[Problem]:
        """YAML would let the last one count, and say nothing."""
        yield from self._repeated(self._root, ())

    def _repeated(self, node: Any, place: Place) -> Iterator[Problem]:
        seen: set[str] = set()
        for key, (line, child) in _children(node):
            if key in seen:
                yield Problem(line, ".".join(map(str, (*place, key))), "is there twice: leave one of them")
            seen.add(key)
            yield from self._repeated(child, (*place, key))


def _children(node: Any) -> Iterator[tuple[str, tuple[int, Any]]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), (key.start_mark.line + 1, value)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield str(number), (value.start_mark.line + 1, value)
