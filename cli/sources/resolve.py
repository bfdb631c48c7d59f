"""From a model as an endpoint file names it to a local folder that can be published."""

from pathlib import Path

from cli.sources import azureml, mlflow_store, onnx_file, scripts
from cli.sources.mlflow_store import Downloaded
from cli.sources.origin import ModelSource, Registered, origin_of
from cli.sources.uris import AzureModel, LocalPath, parse
from shared.errors import MalformedRequest
from shared.models.mlmodel import describe
from shared.models.package import CodeConfiguration


def resolve(
    uri: str,
    into: Path,
    *,
    base: Path,
    code: CodeConfiguration | None = None,
    tracking_uri: str | None = None,
) -> ModelSource:
    """`into`: a temporary folder of the caller's, for what must be downloaded or made. `base`: the endpoint file's.

    `code`: the deployment's code_configuration. `tracking_uri`: else MLFLOW_TRACKING_URI says where MLflow is.
    Raises MalformedRequest, ModelNotFound, StorageUnavailable, StorageRefused or IdentityProviderUnavailable, with one
    line that says what to do.
    """
    try:
        found = _found(uri, into, base, tracking_uri)
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


def _found(uri: str, into: Path, base: Path, tracking_uri: str | None) -> Downloaded:
    model = parse(uri)
    if isinstance(model, AzureModel):
        return azureml.download(model, into)
    if not isinstance(model, LocalPath):
        return mlflow_store.download(model, tracking_uri, into)
    path = (base / Path(model.path).expanduser()).resolve()
    if not path.exists():
        raise MalformedRequest(
            f"there is no {uri} in {base.resolve().name}: write the path from the endpoint file's folder"
        )
    return Downloaded(path, path.as_uri(), Registered("", ""))


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
