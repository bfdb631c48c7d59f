"""Models of an Azure ML workspace, or of a registry, by azure-ai-ml's MLClient."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)

from cli.sources.arriving import arriving
from cli.sources.mlflow_store import Downloaded
from cli.sources.origin import Registered
from cli.sources.quiet import quiet
from cli.sources.uris import AzureModel
from shared.errors import (
    IdentityProviderUnavailable,
    MalformedRequest,
    ModelNotFound,
    SlipwayError,
    StorageRefused,
    StorageUnavailable,
)

# Azure ML's own names, as its CLI, its SDK and its compute set them.
_WORKSPACE: Final = ("AZUREML_ARM_SUBSCRIPTION", "AZUREML_ARM_RESOURCEGROUP", "AZUREML_ARM_WORKSPACE_NAME")
_RUN_ID: Final = "azureml.runid"


def download(model: AzureModel, into: Path) -> Downloaded:
    """From the workspace of the URI, of the environment, or of a config.json here or above, as the Azure SDK has it.

    Raises ModelNotFound, MalformedRequest where no workspace is known, IdentityProviderUnavailable, StorageRefused and
    StorageUnavailable.
    """
    with quiet(), _translated(model):
        client = _client(model)
        found = client.models.get(name=model.name, version=model.version, label=model.label)
        version = str(found.version)
        with arriving(into, model.name) as arrival:
            client.models.download(name=model.name, version=version, download_path=str(arrival.partial))
            place = _whole(arrival.partial).relative_to(arrival.partial)
        run_id = (found.properties or {}).get(_RUN_ID) or found.job_name
        tags = tuple(sorted((str(name), str(value)) for name, value in (found.tags or {}).items()))
        aliases = (model.label,) if model.label else ()
        registered = Registered(model.name, version, run_id, tags, aliases)
        return Downloaded(arrival.folder / place, _resolved(model, version), registered)


def _client(model: AzureModel) -> Any:
    from azure.ai.ml import MLClient  # these take seconds
    from azure.ai.ml.exceptions import ValidationException
    from azure.identity import DefaultAzureCredential

    credential = DefaultAzureCredential()
    if model.registry is not None:
        return MLClient(credential, registry_name=model.registry)
    named = model.workspace or tuple(os.environ.get(name, "") for name in _WORKSPACE)
    if all(named):
        return MLClient(credential, *named)
    try:
        return MLClient.from_config(credential)
    except ValidationException:
        raise MalformedRequest(
            f"no Azure ML workspace is known: set {', '.join(_WORKSPACE)}, or put the workspace's config.json here"
        ) from None


def _whole(folder: Path) -> Path:
    """Where the model's own files begin: MLClient puts folders of the asset's and of the path's name above them."""
    while not (folder / "MLmodel").is_file():
        entries = list(folder.iterdir())
        if not entries:
            raise StorageUnavailable("Azure ML sent no file of the model: try again")
        if len(entries) > 1:
            return folder
        (folder,) = entries
        if folder.is_file():
            return folder
    return folder


def _resolved(model: AzureModel, version: str) -> str:
    if model.registry is not None:
        return f"azureml://registries/{model.registry}/models/{model.name}/versions/{version}"
    if model.workspace is not None:
        subscription, group, workspace = model.workspace
        place = f"subscriptions/{subscription}/resourcegroups/{group}/workspaces/{workspace}"
        return f"azureml://{place}/models/{model.name}/versions/{version}"
    return f"azureml:{model.name}:{version}"


@contextmanager
def _translated(model: AzureModel) -> Iterator[None]:
    try:
        yield
    except SlipwayError:
        raise
    except AzureError as error:
        raise _translate(error, model) from error
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise StorageUnavailable(f"Azure ML did not give model {model.name} out: {said}") from error


def _translate(error: AzureError, model: AzureModel) -> SlipwayError:
    which = f"{model.name} {model.version or model.label}"
    where = f"registry {model.registry}" if model.registry else "workspace"
    said = " ".join(error.message.split())[:300]
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status == 403:
        return StorageRefused(
            f"the {where} does not let you read model {which}: ask for the role AzureML Data Scientist"
        )
    if isinstance(error, ClientAuthenticationError):
        return IdentityProviderUnavailable("Azure does not know who you are: run `az login`, and try again")
    if isinstance(error, ResourceNotFoundError) or status == 404:
        return ModelNotFound(
            f"the {where} has no model {which}: `az ml model list --name {model.name}` shows what it has"
        )
    if isinstance(error, ServiceRequestError | ServiceResponseError):
        return StorageUnavailable("Azure ML does not answer: check the network, and try again")
    return StorageUnavailable(f"Azure ML did not give model {which} out: {said}")
