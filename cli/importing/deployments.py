"""One deployment file of Azure ML, online or batch, as a deployment of the endpoint file. Pure."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from cli.endpoint_file import NO_MODEL, WrittenModel
from cli.importing.environments import read_environment, read_variables
from cli.importing.models import read_model
from cli.importing.naming import Names
from cli.importing.source import FieldPath, Source
from shared.documents import Document
from shared.endpoints.deployment import Deployment, RequestSettings

_REQUESTS: Final = ("request_timeout_ms", "max_concurrent_requests_per_instance", "max_queue_wait_ms")


class ReadDeployment(NamedTuple):
    """`comments`: what a human has to do before it can be published."""

    file: str
    name: str
    deployment: Deployment
    model: WrittenModel
    comments: tuple[str, ...]


def read_deployment(source: Source, names: Names) -> ReadDeployment:
    """Raises MalformedRequest for a deployment that has nothing to publish."""
    became = f"deployments.{source.name}"
    source.take(became, "name")
    source.take("name", "endpoint_name")
    read = read_model(source)
    environment = read_environment(source, read.model.code is not None, names)
    fields: dict[str, Any] = {"model": NO_MODEL}
    if environment.name is not None:
        fields["environment"] = environment.name
    fields |= read_variables(source)
    if requests := read_bounded(
        source, RequestSettings, f"{became}.request_settings", ("request_settings",), _REQUESTS
    ):
        fields["request_settings"] = RequestSettings.model_validate(requests)
    deployment = Deployment.model_validate(fields)
    return ReadDeployment(source.file, source.name, deployment, read.model, (read.comment, environment.comment))


def read_bounded(
    source: Source, document: type[Document], became: str, path: FieldPath, names: Iterable[str]
) -> dict[str, Any]:
    """Those of the fields `names` below `path` that are written; what the document does not take is listed instead."""
    fields: dict[str, Any] = {}
    for name in names:
        value = source.get(*path, name)
        if value is None:
            continue
        try:
            document.model_validate({name: value})
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            source.leave(f"Slipway does not take this value, so its default stands: {reason}", *path, name)
        else:
            fields[name] = source.take(f"{became}.{name}", *path, name)
    return fields
