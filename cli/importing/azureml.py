"""Turns the YAML files of an endpoint of Azure ML into one endpoint file: the spine of `slipway import azureml`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from cli.importing.advice import ADVICE
from cli.importing.batches import read_batch, read_other_batch
from cli.importing.deployments import ReadDeployment, read_deployment
from cli.importing.endpoints import MODES, ReadAuth, read_auth, read_default, read_traffic
from cli.importing.grouping import Group, Groups, grouped
from cli.importing.lines import one_line
from cli.importing.monitoring import read_monitoring
from cli.importing.naming import Names
from cli.importing.reading import read_source
from cli.importing.rendering import render
from cli.importing.source import Mapped, Unmapped
from cli.importing.validation import check
from shared.endpoints.batch_settings import BatchSettings
from shared.endpoints.callers import AuthMode
from shared.endpoints.spec import Draft
from shared.errors import MalformedRequest
from shared.monitoring.settings import Monitoring


class Imported(NamedTuple):
    """`text`: the endpoint file. Each field that was read is in one of the lists.

    One whose value could not be kept whole is in both.
    """

    text: str
    mapped: tuple[Mapped, ...]
    unmapped: tuple[Unmapped, ...]


def import_azureml(files: Sequence[Path]) -> Imported:
    """Of an online endpoint, a batch endpoint or both of one name, each with its deployments.

    Reads the files, and those that they name; writes nothing. Raises MalformedRequest with one line that says what is
    wrong in which file.
    """
    try:
        return _imported(files)
    except MalformedRequest as error:
        # It may name a field or a deployment, of which the files can make any text.
        raise MalformedRequest(one_line(error.message)) from None


def _imported(files: Sequence[Path]) -> Imported:
    sources = [read_source(file) for file in files]
    for source in sources:
        check(source)
    groups = grouped(sources)
    names = Names()
    online, batch = _deployments(groups.online, names), _deployments(groups.batch, names)
    deployments = _merged(online, batch)
    endpoint = _endpoint(groups, online, batch)
    read = ", ".join(source.file for source in sources)
    comments = {**endpoint.comments, "name": [f"Imported from Azure ML: {read}."]}
    return Imported(
        text=render(_draft(read, groups.name, deployments, endpoint), deployments, comments),
        mapped=tuple(each for source in sources for each in source.mapped()),
        unmapped=tuple(each for source in sources for each in source.unmapped(ADVICE)),
    )


class _Endpoint(NamedTuple):
    """What is not said by one deployment alone. `comments`: by field."""

    auth_mode: tuple[AuthMode, ...]
    traffic: dict[str, int]
    batch: BatchSettings | None
    monitoring: Monitoring | None
    comments: dict[str, list[str]]


def _deployments(group: Group | None, names: Names) -> tuple[ReadDeployment, ...]:
    return tuple(read_deployment(source, names) for source in group.deployments) if group else ()


def _merged(online: Sequence[ReadDeployment], batch: Sequence[ReadDeployment]) -> tuple[ReadDeployment, ...]:
    """One deployment serves both where it is the same in both. Raises MalformedRequest where only its name is."""
    by_name = {each.name: each for each in online}
    for each in batch:
        same = by_name.setdefault(each.name, each)
        # How requests are treated is only said by the online one.
        alike = each.deployment.model_copy(update={"request_settings": same.deployment.request_settings})
        if (same.model, same.deployment) != (each.model, alike):
            raise MalformedRequest(
                f"{each.file}: the online deployment '{each.name}' in {same.file} differs from this one, and one "
                "endpoint serves both here: rename one of them"
            )
    return tuple(by_name.values())


def _endpoint(groups: Groups, online: Sequence[ReadDeployment], batch: Sequence[ReadDeployment]) -> _Endpoint:
    auths: list[ReadAuth] = []
    traffic: dict[str, int] = {}
    comments: dict[str, list[str]] = {}
    settings, monitoring = None, None
    for group in (groups.online, groups.batch):
        if group:
            group.endpoint.take("name", "name")
    if groups.online:
        auths.append(read_auth(groups.online.endpoint, "key"))
        traffic, comment = read_traffic(groups.online.endpoint, [each.name for each in online])
        comments["traffic"] = [comment]
        is_script = {each.name: each.model.code is not None for each in online}
        monitoring, comment = read_monitoring(groups.online.deployments, is_script)
        comments["monitoring"] = [comment]
    if groups.batch:
        auths.append(read_auth(groups.batch.endpoint, "entra"))
        default = read_default(groups.batch.endpoint, [each.name for each in batch])
        settings = _batch(groups.batch, default.name, {each.name: each.model.code is not None for each in batch})
        comments["batch"] = [default.comment]
    comments["auth_mode"] = [auth.comment for auth in auths]
    modes = {auth.mode for auth in auths}
    return _Endpoint(tuple(mode for mode in MODES if mode in modes), traffic, settings, monitoring, comments)


def _batch(group: Group, default: str, is_script: Mapping[str, bool]) -> BatchSettings:
    by_name = {source.name: source for source in group.deployments}
    settings = read_batch(by_name[default], is_script[default])
    for name, source in by_name.items():
        if name != default:
            read_other_batch(source, is_script[name], settings)
    return settings


def _draft(files: str, name: str, deployments: Sequence[ReadDeployment], endpoint: _Endpoint) -> Draft:
    """Raises MalformedRequest for what only the whole tells, such as a name that is too long."""
    fields: dict[str, Any] = {
        "name": name,
        "auth_mode": endpoint.auth_mode,
        "deployments": {each.name: each.deployment for each in deployments},
    }
    if endpoint.traffic:
        fields["traffic"] = endpoint.traffic
    if endpoint.batch:
        fields["batch"] = endpoint.batch
    if endpoint.monitoring:
        fields["monitoring"] = endpoint.monitoring
    try:
        return Draft.model_validate(fields)
    except ValidationError as error:
        problem = error.errors()[0]
        field = ".".join(str(part) for part in problem["loc"] if part != "[key]")
        reason = problem["msg"].removeprefix("Value error, ")
        told = ": ".join(filter(None, (files, "cannot be imported", field, reason)))
        raise MalformedRequest(told) from None
