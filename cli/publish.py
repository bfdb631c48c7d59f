"""Publishing: a model's files to storage with the publisher's own identity, the revision through the app."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests
import yaml
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient, ContainerClient
from pydantic import ValidationError

from shared.endpoints.spec import Draft
from shared.errors import InvalidTransition, MalformedRequest, SlipwayError
from shared.models.mlmodel import describe
from shared.models.package import PACKAGE_FILE, CodeConfiguration, ModelPackage, ModelRef, digest_of, package_path
from shared.ports import Container

_TIMEOUT_S = 30


def upload_model(
    folder: Path,
    name: str,
    version: str,
    account: BlobServiceClient,
    progress: Callable[[int], None],
    code: CodeConfiguration | None = None,
) -> ModelRef:
    """Uploads an MLflow model folder, or with `code` that of a score.py, as `models/{name}/{version}`.

    `package.json` comes last. `progress` is told each file's bytes. A repeat completes an upload that was cut off,
    and changes nothing of a finished one. Raises InvalidTransition when this version is there with other content.
    """
    package = describe(folder, name, version, code)
    container = account.get_container_client(Container.MODELS.value)
    _make(container)
    for file in package.files:
        _create(container, package, file.path, (folder / file.path).read_bytes())
        progress(file.size_bytes)
    manifest = package.to_bytes()
    _create(container, package, PACKAGE_FILE, manifest)
    return ModelRef(name, version, digest_of(manifest))


def _create(container: ContainerClient, package: ModelPackage, path: str, data: bytes) -> None:
    blob = container.get_blob_client(package_path(package.name, package.version, path))
    try:
        blob.upload_blob(data, overwrite=False)
    except ResourceExistsError:
        if blob.download_blob().readall() != data:
            raise InvalidTransition(
                f"model {package.name}/{package.version} is published already, with another {path}: use a new version"
            ) from None


def _make(container: ContainerClient) -> None:
    try:
        container.create_container()
    except ResourceExistsError:
        return


def read_endpoint_file(path: Path, models: Mapping[str, ModelRef]) -> Draft:
    """Reads what a person wrote, its `models:/name/version` replaced by the packages that were uploaded.

    Raises MalformedRequest with every problem at once.
    """
    try:
        written = yaml.safe_load(path.read_text())
        deployments = {name: _pinned(deployment, models) for name, deployment in written["deployments"].items()}
        return Draft.model_validate({**written, "deployments": deployments})
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        raise MalformedRequest(f"{path.name}: {'; '.join(problems)}") from None
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise MalformedRequest(f"{path.name} is not an endpoint file: {error}") from None


def _pinned(deployment: Mapping[str, Any], models: Mapping[str, ModelRef]) -> dict[str, Any]:
    uri = str(deployment["model"])
    if uri not in models:
        raise MalformedRequest(f"the model '{uri}' was not uploaded: only models:/name/version is known here")
    return {**deployment, "model": models[uri]._asdict()}


def publish_revision(app_url: str, token: str, draft: Draft) -> dict[str, Any]:
    """Makes the draft the endpoint's current revision. Raises SlipwayError with what the app says."""
    try:
        reply = requests.post(
            f"{app_url}/endpoints/{draft.name}/revisions",
            json=draft.model_dump(mode="json"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
        )
    except requests.RequestException:
        raise SlipwayError(f"the app at {app_url} does not answer: is it running?") from None
    document: dict[str, Any] = reply.json()
    if not reply.ok:
        raise SlipwayError(f"the app refused the revision: {document['error']['message']}")
    return document
