"""Models of an MLflow tracking server, or of a store in a database or a folder.

Source of the error codes: mlflow.exceptions and the tracking server's REST API.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from cli.sources.arriving import arriving
from cli.sources.origin import Registered
from cli.sources.quiet import quiet
from cli.sources.uris import LoggedModel, RegisteredModel, RunArtifact
from shared.errors import MalformedRequest, ModelNotFound, SlipwayError, StorageRefused, StorageUnavailable

_REFUSED: Final = frozenset({"PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"})
_ABSENT: Final = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"})
_MISTAKEN: Final = frozenset({"INVALID_PARAMETER_VALUE", "BAD_REQUEST"})
_SQLITE: Final = "sqlite:///"


class Downloaded(NamedTuple):
    """`resolved`: the URI that means this model for ever."""

    folder: Path
    resolved: str
    registered: Registered


def download(model: RegisteredModel | LoggedModel | RunArtifact, tracking_uri: str | None, into: Path) -> Downloaded:
    """Without `tracking_uri`, from where MLFLOW_TRACKING_URI says.

    Raises ModelNotFound, MalformedRequest for a place that is no store, StorageUnavailable and StorageRefused.
    """
    with opened(tracking_uri) as client:
        match model:
            case RegisteredModel():
                registered = _version(client, model)
                resolved, name = f"models:/{registered.name}/{registered.version}", registered.name
            case LoggedModel():
                logged = client.get_logged_model(model.model_id)
                registered = Registered("", "", logged.source_run_id, tuple(sorted(logged.tags.items())))
                resolved, name = f"models:/{model.model_id}", logged.name or model.model_id
            case RunArtifact():
                run = client.get_run(model.run_id)
                registered = Registered("", "", run.info.run_id)
                resolved, name = f"runs:/{model.run_id}/{model.path}", Path(model.path).name
        return Downloaded(fetch(resolved, into, name), resolved, registered)


def _version(client: Any, model: RegisteredModel) -> Registered:
    try:
        if model.alias is None:
            found = client.get_model_version(model.name, model.version)
        else:
            found = client.get_model_version_by_alias(model.name, model.alias)
    except Exception as error:
        # An unknown alias is an invalid parameter to MLflow, and no missing resource.
        if _code(error) in _ABSENT or (model.alias is not None and _code(error) == "INVALID_PARAMETER_VALUE"):
            raise ModelNotFound(_what_there_is(client, model)) from None
        raise
    tags = tuple(sorted((found.tags or {}).items()))
    return Registered(found.name, str(found.version), found.run_id or None, tags, tuple(found.aliases or ()))


def _what_there_is(client: Any, model: RegisteredModel) -> str:
    wanted = f"version {model.version}" if model.alias is None else f"alias {model.alias}"
    try:
        there = client.get_registered_model(model.name)
    except Exception as error:
        if _code(error) not in _ABSENT:
            raise
        names = [each.name for each in client.search_registered_models(max_results=10)]
        known = f"it has {', '.join(names)}" if names else "it is empty"
        return f"the registry has no model {model.name}: {known}"
    if model.alias is not None:
        known = ", ".join(sorted(there.aliases)) or "none"
        return f"model {model.name} has no {wanted}: its aliases are {known}"
    versions = client.search_model_versions(f"name='{model.name}'", max_results=20)
    known = ", ".join(sorted((str(each.version) for each in versions), key=int)) or "none"
    return f"model {model.name} has no {wanted}: its versions are {known}"


def fetch(resolved: str, into: Path, name: str) -> Path:
    """The folder `name` in a new one below `into`; while a store is `opened`."""
    from mlflow.artifacts import download_artifacts

    with arriving(into, name) as arrival:
        found = Path(download_artifacts(artifact_uri=resolved, dst_path=str(arrival.partial)))
        # Of a run MLflow keeps the artifact's path below the folder that it is given.
        if not found.is_dir():
            raise MalformedRequest(f"{resolved} is a file and no model: write the path of the folder with the MLmodel")
        place = found.resolve().relative_to(arrival.partial.resolve())
    return arrival.folder / place


@contextmanager
def opened(tracking_uri: str | None) -> Iterator[Any]:
    """A client of the store, MLFLOW_TRACKING_URI's where none is given; what fails inside is told in one line."""
    where = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI", "")
    _check(where)
    with quiet(), _translated(where), _asked(where) as client:
        yield client


@contextmanager
def _asked(where: str) -> Iterator[Any]:
    """A client of it. A version's files are looked for where the process asks, whatever a call is told."""
    import mlflow  # it takes seconds

    before = os.environ.get("MLFLOW_TRACKING_URI", "")
    mlflow.set_tracking_uri(where)
    try:
        yield mlflow.MlflowClient()
    finally:
        unset: Any = None  # which it takes, whatever its types say
        mlflow.set_tracking_uri(before or unset)


def _check(where: str) -> None:
    """MLflow would begin an empty store where there is none."""
    if not where:
        raise MalformedRequest("no MLflow server is known: set MLFLOW_TRACKING_URI, or give a tracking URI")
    path = Path(where.removeprefix(_SQLITE)) if where.startswith(_SQLITE) else None
    if path is None and urlsplit(where).scheme in {"", "file"} and where != "databricks":
        path = Path(urlsplit(where).path)
    if path is not None and not path.exists():
        raise MalformedRequest(f"there is no MLflow store at {where}: correct MLFLOW_TRACKING_URI")


@contextmanager
def _translated(where: str) -> Iterator[None]:
    try:
        yield
    except SlipwayError:
        raise
    except Exception as error:
        raise _translate(error, _without_password(where)) from error


def _translate(error: Exception, where: str) -> SlipwayError:
    code, said = _code(error), " ".join(str(error).split())[:300]
    if code in _REFUSED:
        return StorageRefused(
            f"{where} does not let you read the model: set MLFLOW_TRACKING_TOKEN, or "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, of somebody who may"
        )
    if code == "ENDPOINT_NOT_FOUND":
        return MalformedRequest(f"what answers at {where} is no MLflow server: correct MLFLOW_TRACKING_URI")
    if code in _ABSENT:
        return ModelNotFound(f"MLflow at {where} says: {said}")
    if "failed with exception" in said or isinstance(error, OSError):
        return StorageUnavailable(f"the MLflow server at {where} does not answer: is it running?")
    if code in _MISTAKEN:
        return MalformedRequest(f"MLflow at {where} says: {said}")
    return StorageUnavailable(f"MLflow at {where} failed: {said}")


def _without_password(where: str) -> str:
    parts = urlsplit(where)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else where


def _code(error: Exception) -> str:
    return str(getattr(error, "error_code", ""))
