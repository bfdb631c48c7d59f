"""The ways to name a model in an endpoint file, told apart by how they are written.

Sources: https://mlflow.org/docs/latest/ml/tracking/artifact-stores and Azure ML's CLI v2 YAML syntax.
"""

import re
from difflib import get_close_matches
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from shared.errors import MalformedRequest


class LocalPath(NamedTuple):
    """A folder, or an .onnx file; relative to the endpoint file."""

    path: str


class RegisteredModel(NamedTuple):
    """In an MLflow registry; exactly one of `version` and `alias` is set."""

    name: str
    version: str | None = None
    alias: str | None = None


class RegisteredModels(NamedTuple):
    """All in an MLflow registry whose versions have these tags: of each model the newest such version, or the one that
    has the alias.
    """

    tags: tuple[tuple[str, str], ...]
    alias: str | None = None


class LoggedModel(NamedTuple):
    """MLflow 3's own id of a model that was logged, `m-` and 32 hex digits."""

    model_id: str


class RunArtifact(NamedTuple):
    run_id: str
    path: str


class AzureModel(NamedTuple):
    """In a workspace or a registry of Azure ML; exactly one of `version` and `label` is set.

    `workspace`: subscription, resource group and name, where the URI says it.
    """

    name: str
    version: str | None = None
    label: str | None = None
    registry: str | None = None
    workspace: tuple[str, str, str] | None = None


type OneModel = LocalPath | RegisteredModel | LoggedModel | RunArtifact | AzureModel
type ModelUri = OneModel | RegisteredModels

_KNOWN: Final = ("models", "runs", "azureml")
# One letter before a colon is a drive.
_SCHEME: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")
_VERSIONED: Final = re.compile(r"^models:/+([^/@]+)/([0-9]+)$")
_BY_ALIAS: Final = re.compile(r"^models:/+([^/@]+)@([^/@]+)$")
_BY_STAGE: Final = re.compile(r"^models:/+([^/@]+)/([^/@]+)$")
_SET: Final = re.compile(r"^models:/+\*(?:@([^/@?]+))?\?(.+)$")
_LOGGED: Final = re.compile(r"^models:/+(m-[0-9a-f]{32})$")
_RUN: Final = re.compile(r"^runs:/+([0-9a-zA-Z][\w.-]*)/(.+)$")
_AZURE: Final = re.compile(r"^azureml:([^/:@]+)(?::([^/:@]+)|@([^/:@]+))$")
_AZURE_REGISTRY: Final = re.compile(r"^azureml://registries/([^/]+)/models/([^/]+)/(versions|labels)/([^/]+)$")
_AZURE_WORKSPACE: Final = re.compile(
    r"^azureml:/+subscriptions/([^/]+)/resourcegroups/([^/]+)(?:/providers/Microsoft\.MachineLearningServices)?"
    r"/workspaces/([^/]+)/models/([^/]+)/versions/([^/]+)$",
    re.IGNORECASE,
)


def parse(uri: str) -> ModelUri:
    """Raises MalformedRequest, saying how to write it."""
    found = _SCHEME.match(uri)
    if not uri.strip():
        raise MalformedRequest("the model is empty: write a path, models:/name/version or azureml:name:version")
    if found is None:
        return LocalPath(uri)
    scheme = found.group(1)
    if scheme == "models":
        return _mlflow_model(uri)
    if scheme == "runs":
        if run := _RUN.match(uri):
            return RunArtifact(run.group(1), run.group(2).strip("/"))
        raise MalformedRequest(f"{uri} names no model of a run: write runs:/run_id/path")
    if scheme == "azureml":
        return _azure_model(uri)
    near = get_close_matches(scheme.lower(), _KNOWN, 1, 0.5)
    hint = f"did you mean {near[0]}:{uri[found.end() :]}" if near else "download it, and write the path of its folder"
    raise MalformedRequest(f"{uri}: models are not read from {scheme}: {hint}")


def _mlflow_model(uri: str) -> ModelUri:
    if uri.removeprefix("models:").lstrip("/").startswith("*"):
        return _models_by_tags(uri)
    if found := _VERSIONED.match(uri):
        return RegisteredModel(found.group(1), version=str(int(found.group(2))))
    if found := _BY_ALIAS.match(uri):
        return RegisteredModel(found.group(1), alias=found.group(2))
    if found := _LOGGED.match(uri):
        return LoggedModel(found.group(1))
    if found := _BY_STAGE.match(uri):
        name, word = found.groups()
        alias = "" if word.lower() == "latest" else f", or models:/{name}@{word.lower()} once it has that alias"
        raise MalformedRequest(
            f"{uri} means another model whenever one is registered: write its version, models:/{name}/1{alias}"
        )
    raise MalformedRequest(f"{uri} names no model version: write models:/name/version or models:/name@alias")


def _models_by_tags(uri: str) -> RegisteredModels:
    found = _SET.match(uri)
    tags = tuple(parse_qsl(found.group(2), keep_blank_values=True)) if found else ()
    # MLflow's filters have no way to write a quote.
    if found is None or not tags or any(not name or not value or set("`'\"") & {*name, *value} for name, value in tags):
        raise MalformedRequest(f"{uri} names no models: write models:/*?tag=value, or models:/*@alias?tag=value")
    return RegisteredModels(tags, found.group(1))


def _azure_model(uri: str) -> AzureModel:
    if uri.endswith(("@latest", "/labels/latest")):
        raise MalformedRequest(
            f"{uri} means another model whenever one is registered: write its version, azureml:name:version"
        )
    if found := _AZURE.match(uri):
        return AzureModel(found.group(1), version=found.group(2), label=found.group(3))
    if found := _AZURE_REGISTRY.match(uri):
        registry, name, by, what = found.groups()
        is_version = by == "versions"
        return AzureModel(name, what if is_version else None, None if is_version else what, registry=registry)
    if found := _AZURE_WORKSPACE.match(uri):
        subscription, group, workspace, name, version = found.groups()
        return AzureModel(name, version=version, workspace=(subscription, group, workspace))
    raise MalformedRequest(
        f"{uri} names no model of Azure ML: write azureml:name:version, "
        "or azureml://registries/registry/models/name/versions/version"
    )
