"""A job as its caller asks for it: the body of Azure ML's `POST …/jobs`. Pure."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from shared.batch.intake.members import Problems, read_members, shown
from shared.batch.intake.overrides import OVERRIDES, read_overrides
from shared.batch.job import JobInput
from shared.endpoints.batch_settings import Overrides
from shared.endpoints.locations import Known, is_folder, parse, written
from shared.endpoints.patterns import has_wildcards
from shared.errors import MalformedRequest, PayloadTooLarge
from shared.models.json_body import read_object
from shared.ports import Place

MAX_BYTES: Final = 262_144
MAX_INPUTS: Final = 100
_MAX_RETRY_BYTES: Final = 4096
# Azure ML's SDK and clients of its REST interface send these; here they change nothing of what a job does.
IGNORED: Final[Mapping[str, str]] = {
    "name": "a job's id is made by the app",
    "displayName": "a job has an id and no other name",
    "experimentName": "jobs are found by their endpoint",
    "description": "is not kept",
    "tags": "are not kept",
    "properties": "the SDK puts experimentName there",
    "compute": "Azure Functions scales by itself",
    "loggingLevel": "the host's, in host.json",
    "status": "is the app's to say",
    "provisioningState": "is the app's to say",
    "interactionEndpoints": "there are none",
}
# To ignore these would be to score something else, or otherwise, than was asked for.
REFUSED: Final[Mapping[str, str]] = {
    "dataset": "data assets of Azure ML are not known here: name blobs in InputData",
    "outputDataset": "datastores of Azure ML are not known here: name a folder in OutputData",
    "environmentVariables": "are set on the deployment, in the endpoint file",
    "partitionKeys": "mini-batches are not cut by partitions here: leave it away",
    "deployment": "name it in the header azureml-model-deployment",
}
_PROPERTIES: Final = ("inputData", "outputData", "model", *OVERRIDES)
_TYPES: Final = ("UriFile", "UriFolder", "Literal")
_FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl", ".parquet": "parquet"}
_FILE: Final = re.compile(r"[^*?]*[^/*?]\.[A-Za-z][A-Za-z0-9]*")
_LONGEST_NAME: Final = 255


class JobRequest(NamedTuple):
    """`inputs` are in the order of their names, as JSON knows of none; `output` is a folder.

    `deployment` and `model` (one of a package of many): None where the caller names none.
    """

    inputs: tuple[JobInput, ...]
    output: Place | None
    params: dict[str, Any]
    overrides: Overrides
    deployment: str | None
    model: str | None


class _Output(NamedTuple):
    folder: Place | None = None
    file_name: str | None = None


def read_request(body: bytes, known: Known, deployment: str | None = None, model: str | None = None) -> JobRequest:
    """`deployment`, `model`: from the request's headers; a model in the body goes before.

    Where it reads and writes is not held to what its endpoint may. Raises MalformedRequest with everything that is
    wrong, PayloadTooLarge.
    """
    if len(body) > MAX_BYTES:
        raise PayloadTooLarge(f"the request of a job has at most {MAX_BYTES} bytes: put the data into blobs")
    problems = Problems()
    document = read_object(body, '{"properties": {"InputData": {…}}}')
    refused = dict.fromkeys(_PROPERTIES, "put it into properties")
    root = read_members(
        document, "", ("properties",), problems, ignored=("id", "name", "type", "tags"), refused=refused
    )
    given = read_members(
        root.get("properties", {}), "properties", _PROPERTIES, problems, ignored=IGNORED, refused=REFUSED
    )
    inputs, params = _inputs(given.pop("inputData", {}), known, problems)
    output = _output(given.pop("outputData", {}), known, problems)
    chosen = given.pop("model", model)
    if not isinstance(chosen, str | None):
        problems.add("model", "send its name, as text")
    overrides = _with_output(read_overrides(given, problems), output, problems)
    problems.check()
    return JobRequest(inputs, output.folder, params, overrides, deployment, chosen)


def read_retry(body: bytes) -> Overrides:
    """What a retry may change: how many rejected rows it allows. Nothing has to be sent.

    Raises MalformedRequest, PayloadTooLarge.
    """
    if len(body) > _MAX_RETRY_BYTES:
        raise PayloadTooLarge(f"the request of a retry has at most {_MAX_RETRY_BYTES} bytes: it may say little")
    problems = Problems()
    document = read_object(body, '{"properties": {"ErrorThreshold": 100}}') if body else {}
    root = read_members(document, "", ("properties",), problems)
    overrides = read_overrides(
        read_members(root.get("properties", {}), "properties", ("errorThreshold",), problems), problems
    )
    problems.check()
    return overrides


def canonical(request: JobRequest) -> str:
    """One text for one request, however its caller spelled it."""
    said = {
        **request._asdict(),
        "inputs": [(each.name, each.location) for each in request.inputs],
        "output": None if request.output is None else written(request.output),
        "overrides": request.overrides.model_dump(mode="json", exclude_none=True),
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"))


def _inputs(given: object, known: Known, problems: Problems) -> tuple[tuple[JobInput, ...], dict[str, Any]]:
    """The inputs, and the literals, which are the model's params."""
    inputs: list[JobInput] = []
    params: dict[str, Any] = {}
    to_score = 0
    if not isinstance(given, dict):
        problems.add("InputData", "send an object of named inputs")
        return (), {}
    if len(given) > MAX_INPUTS:
        problems.add(
            "InputData", f"has at most {MAX_INPUTS} members: name a folder, or a pattern such as data/**/*.csv"
        )
        return (), {}
    for name in sorted(given):
        where = f"InputData.{shown(name)}"
        if not name or len(name) > _LONGEST_NAME or not name.isprintable():
            problems.add(where, f"an input's name has 1 to {_LONGEST_NAME} characters, all printable")
        members = read_members(
            given[name], where, ("jobInputType", "uri", "value"), problems, ignored=("mode", "description")
        )
        kind = members.get("jobInputType")
        if kind == "Literal":
            params[name] = _literal(members, where, problems)
        elif kind in _TYPES:
            to_score += 1
            location = _location(members, where, kind == "UriFolder", known, problems)
            inputs += [JobInput(name=name, location=written(location))] if location else []
        else:
            problems.add(f"{where}.JobInputType", f"send one of {', '.join(_TYPES)}")
    if not to_score:
        problems.add("InputData", "names nothing to score: send a UriFile or UriFolder")
    return tuple(inputs), params


def _literal(members: dict[str, Any], where: str, problems: Problems) -> object:
    value = members.get("value")
    if not isinstance(value, str | int | float):
        problems.add(f"{where}.Value", "send a text, a number, true or false")
    if "uri" in members:
        problems.add(f"{where}.Uri", "a Literal has a Value and no Uri")
    return value


def _location(members: dict[str, Any], where: str, is_set: bool, known: Known, problems: Problems) -> Place | None:
    """`is_set`: of all blobs below, also where the slash at its end is left away."""
    uri = members.get("uri")
    if "value" in members:
        problems.add(f"{where}.Value", "only a Literal has a Value")
    if not isinstance(uri, str):
        problems.add(f"{where}.Uri", "send where the blobs are, as text")
        return None
    try:
        place = parse(f"{uri}/" if is_set and not uri.endswith("/") and not has_wildcards(uri) else uri, known)
    except MalformedRequest as error:
        problems.add(f"{where}.Uri", error.message)
        return None
    if not is_set and is_folder(place):
        problems.add(f"{where}.Uri", "names a folder: send it as UriFolder")
    return place


def _output(given: object, known: Known, problems: Problems) -> _Output:
    """In Azure ML an output is a file; a name without a suffix is a folder here."""
    if not isinstance(given, dict) or len(given) > 1:
        problems.add("OutputData", "send an object with one output: a job writes into one folder")
        return _Output()
    for name, each in given.items():
        where = f"OutputData.{shown(name)}"
        taken = ("jobOutputType", "uri")
        members = read_members(each, where, taken, problems, ignored=("mode", "description"))
        kind = members.get("jobOutputType", "UriFile")
        if kind not in _TYPES[:2]:
            problems.add(f"{where}.JobOutputType", "send UriFile or UriFolder")
        if "uri" not in members:
            continue
        uri = members["uri"]
        is_file = kind == "UriFile" and isinstance(uri, str) and _FILE.fullmatch(uri) is not None
        place = _location(members, where, not is_file, known, problems)
        if place is None or not is_file:
            return _Output(place)
        folder, _, file_name = place.name.rpartition("/")
        return _Output(place._replace(name=f"{folder}/" if folder else ""), file_name)
    return _Output()


def _with_output(overrides: Overrides, output: _Output, problems: Problems) -> Overrides:
    """A file that the output names is the same as an outputFileName, and its suffix says the format."""
    named = overrides.output_file_name
    if output.file_name and named and named != output.file_name:
        problems.add("outputFileName", f"OutputData names another file, {shown(output.file_name)}: leave one away")
    file_name = output.file_name or named
    if file_name is None:
        return overrides
    changes = {"outputFileName": file_name}
    if overrides.output_format is None and (meant := _FORMATS.get(PurePosixPath(file_name).suffix.lower())):
        changes["outputFormat"] = meant
    read = read_overrides(changes, problems)
    return overrides.model_copy(update=read.model_dump(exclude_none=True))
