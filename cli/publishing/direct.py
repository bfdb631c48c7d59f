"""Publishing step by step from Python: a model's files, an endpoint file whose models are there, a revision."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from azure.storage.blob import BlobServiceClient

from cli import endpoint_file
from cli.client import App
from cli.publishing import flow, packages
from shared.endpoints.spec import Draft
from shared.errors import MalformedRequest
from shared.models.package import CodeConfiguration, ModelRef


def upload_model(
    folder: Path,
    name: str,
    version: str,
    account: BlobServiceClient,
    progress: Callable[[int], None],
    code: CodeConfiguration | None = None,
) -> ModelRef:
    """Uploads an MLflow model folder, or with `code` that of a score.py, as `models/{name}/{version}`.

    `progress` is told each file's bytes. Raises InvalidTransition when this version is there with other content.
    """
    found = packages.find(folder, name, version, account, code)
    return packages.upload(folder, found, account, progress)


def read_endpoint_file(path: Path, models: Mapping[str, ModelRef]) -> Draft:
    """`models`: the packages that were uploaded, by what the file calls them. Raises MalformedRequest."""
    file = endpoint_file.read(path)
    if missing := sorted({model.uri for model in file.models.values()} - models.keys()):
        raise MalformedRequest(f"{path.name}: {', '.join(missing)} was not uploaded: upload it first")
    if file.reference is not None:
        raise MalformedRequest(f"{path.name} has a monitoring.reference: `slipway publish` makes a profile of it")
    return file.draft({name: models[model.uri] for name, model in file.models.items()})


def publish_revision(app_url: str, token: str, draft: Draft) -> dict[str, Any]:
    """Makes the draft the endpoint's current revision. Raises CommandError with what the app says."""
    return flow.publish(App(app_url, lambda: token), draft)
