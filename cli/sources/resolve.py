"""From a model as an endpoint file names it to a local folder that can be published."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from cli.sources import azureml, many, mlflow_store, onnx_file, registered_models, scripts
from cli.sources.mlflow_store import Downloaded
from cli.sources.origin import ModelSource, Registered, origin_of
from cli.sources.uris import AzureModel, LocalPath, OneModel, RegisteredModels, parse
from shared.errors import MalformedRequest
from shared.models.mlmodel import MODELS_FOLDER, SEGMENTS_FILE, describe
from shared.models.package import CodeConfiguration


class Partition(NamedTuple):
    """How the models of a set become one package. `tell`: how many of them are here, of how many."""

    columns: Sequence[str]
    tell: Callable[[int, int], None] = lambda here, of: None


def resolve(
    uri: str,
    into: Path,
    *,
    base: Path,
    code: CodeConfiguration | None = None,
    partition: Partition | None = None,
    tracking_uri: str | None = None,
) -> ModelSource:
    """`into`: a temporary folder of the caller's, for what must be downloaded or made. `base`: the endpoint file's.

    `code`: the deployment's code_configuration. `partition`: of a folder of models, or of a registry's by their tags.
    `tracking_uri`: else MLFLOW_TRACKING_URI says where MLflow is.
    Raises MalformedRequest, ModelNotFound, StorageUnavailable, StorageRefused or IdentityProviderUnavailable, with one
    line that says what to do.
    """
    try:
        model = parse(uri)
        if isinstance(model, RegisteredModels):
            return _registered(uri, model, into, partition, tracking_uri)
        if code is None and isinstance(model, LocalPath) and many.is_of_many(folder := _place(model, base)):
            if partition is not None:
                return _of_folder(uri, folder, into, partition.columns)
            if not (folder / SEGMENTS_FILE).is_file():
                raise MalformedRequest(f"{uri} holds many models: say which columns pick one, with --partition-by")
        found = _found(uri, model, into, base, tracking_uri)
        origin = origin_of(found.folder, uri, found.resolved, found.registered)
        folder = found.folder
        if code is not None:
            folder, code = scripts.package(folder, code, base, into)
        elif folder.is_file():
            folder = onnx_file.wrap(_graph(folder), into)
            origin = origin.model_copy(update={"flavors": ("onnx",)})
        _check(folder, code)
    except OSError as error:
        raise MalformedRequest(f"{uri} cannot be read: {error.strerror or error}") from None
    name, version = (found.registered.name or None, found.registered.version or None)
    return ModelSource(folder, name, version, origin, code)


def _registered(
    uri: str, models: RegisteredModels, into: Path, partition: Partition | None, tracking_uri: str | None
) -> ModelSource:
    if partition is None:
        raise MalformedRequest(f"{uri} are many models: say which of their tags pick one, with --partition-by")
    folders = registered_models.download(models, partition.columns, tracking_uri, partition.tell)
    assembled = many.assemble(folders, partition.columns, into, {})
    return ModelSource(assembled, None, None, many.origin(folders, uri, uri))


def _of_folder(uri: str, folder: Path, into: Path, columns: Sequence[str]) -> ModelSource:
    """Also of one that is laid out as a package already: the columns are to be others, or are said twice."""
    settings = many.settings_of(folder)
    folders = many.keyed(folder / MODELS_FOLDER if (folder / SEGMENTS_FILE).is_file() else folder, columns)
    assembled = many.assemble(folders, columns, into, settings)
    return ModelSource(assembled, None, None, many.origin(folders, uri, folder.as_uri()))


def _found(uri: str, model: OneModel, into: Path, base: Path, tracking_uri: str | None) -> Downloaded:
    if isinstance(model, AzureModel):
        return azureml.download(model, into)
    if not isinstance(model, LocalPath):
        return mlflow_store.download(model, tracking_uri, into)
    path = _place(model, base)
    if not path.exists():
        raise MalformedRequest(
            f"there is no {uri} in {base.resolve().name}: write the path from the endpoint file's folder"
        )
    return Downloaded(path, path.as_uri(), Registered("", ""))


def _place(model: LocalPath, base: Path) -> Path:
    return (base / Path(model.path).expanduser()).resolve()


def _graph(file: Path) -> Path:
    if file.name == "MLmodel":
        raise MalformedRequest("the model is the folder with the MLmodel file in it: write the folder's path")
    if file.suffix != ".onnx":
        raise MalformedRequest(f"{file.name} is no model: write the path of an MLflow model folder or of an .onnx file")
    return file


def _check(folder: Path, code: CodeConfiguration | None) -> None:
    """Before the first byte is uploaded."""
    try:
        describe(folder, "model", "1", code)
    except MalformedRequest as error:
        raise MalformedRequest(" ".join(error.message.split())) from None
