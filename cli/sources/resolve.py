"""From a model as an endpoint file names it to a local folder that can be published."""

from collections.abc import Callable, Sequence
from pathlib import Path

from cli.sources import azureml, many, mlflow_store, onnx_file, registered_models, scripts
from cli.sources.mlflow_store import Downloaded
from cli.sources.origin import ModelSource, Registered, origin_of
from cli.sources.uris import AzureModel, LocalPath, OneModel, RegisteredModels, parse
from shared.errors import MalformedRequest
from shared.models.mlmodel import MODELS_FOLDER, SEGMENTS_FILE, describe
from shared.models.package import CodeConfiguration

type Tell = Callable[[int, int], None]
"""Told how many of many models are here by now, of how many."""


def _tell_nobody(here: int, of: int) -> None: ...


def resolve(
    uri: str,
    into: Path,
    *,
    base: Path,
    code: CodeConfiguration | None = None,
    partition_by: Sequence[str] = (),
    tell: Tell = _tell_nobody,
    tracking_uri: str | None = None,
) -> ModelSource:
    """`into`: a temporary folder of the caller's, for what must be downloaded or made. `base`: the endpoint file's.

    `code`: the deployment's code_configuration. `partition_by`: the columns that pick one, of a folder of models or of
    a registry's by their tags.
    `tracking_uri`: else MLFLOW_TRACKING_URI says where MLflow is.
    Raises MalformedRequest, ModelNotFound, StorageUnavailable, StorageRefused or IdentityProviderUnavailable, with one
    line that says what to do.
    """
    try:
        model = parse(uri)
        if isinstance(model, RegisteredModels):
            return _registered(uri, model, into, partition_by, tell, tracking_uri)
        if code is None and isinstance(model, LocalPath) and many.is_of_many(folder := _place(model, base)):
            if partition_by:
                return _of_folder(uri, folder, into, partition_by)
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
        elif (folder / SEGMENTS_FILE).is_file():
            origin = many.origin(many.laid_out(folder), uri, found.resolved)
        _check(folder, code)
    except OSError as error:
        raise MalformedRequest(f"{uri} cannot be read: {error.strerror or error}") from None
    name, version = (found.registered.name or None, found.registered.version or None)
    return ModelSource(folder, name, version, origin, code)


def _registered(
    uri: str, models: RegisteredModels, into: Path, columns: Sequence[str], tell: Tell, tracking_uri: str | None
) -> ModelSource:
    if not columns:
        raise MalformedRequest(f"{uri} are many models: say which of their tags pick one, with --partition-by")
    folders = registered_models.download(models, columns, tracking_uri, tell)
    assembled = many.assemble(folders, into, {"segment_columns": list(columns)})
    return ModelSource(assembled, None, None, many.origin(folders, uri, uri))


def _of_folder(uri: str, folder: Path, into: Path, columns: Sequence[str]) -> ModelSource:
    """Also of one that is laid out as a package already: the columns are to be others, or are said twice."""
    segments = {**many.segments_of(folder), "segment_columns": list(columns)}
    folders = many.keyed(folder / MODELS_FOLDER if (folder / SEGMENTS_FILE).is_file() else folder, columns)
    assembled = many.assemble(folders, into, segments)
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
