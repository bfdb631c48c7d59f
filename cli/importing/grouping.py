"""Sorts files into the endpoints and deployments that belong together. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from cli.importing.source import Kind, Source
from shared.errors import MalformedRequest

_DEPLOYMENT_OF = {
    Kind.ONLINE_ENDPOINT: Kind.ONLINE_DEPLOYMENT,
    Kind.BATCH_ENDPOINT: Kind.BATCH_DEPLOYMENT,
}


class Group(NamedTuple):
    """An endpoint with its deployments, at least one."""

    endpoint: Source
    deployments: tuple[Source, ...]


class Groups(NamedTuple):
    """An online and a batch endpoint of one name are one endpoint of Slipway; at least one of them is there."""

    name: str
    online: Group | None
    batch: Group | None


def grouped(sources: Sequence[Source]) -> Groups:
    """Raises MalformedRequest for files that are not those of one endpoint."""
    endpoints = [source for source in sources if source.kind in _DEPLOYMENT_OF]
    if not endpoints:
        files = ", ".join(source.file for source in sources) or "no files"
        raise MalformedRequest(f"{files}: no endpoint is among them: give its YAML file beside its deployments'")
    first = endpoints[0]
    for other in endpoints[1:]:
        if other.name != first.name:
            raise MalformedRequest(
                f"{other.file}: is the endpoint '{other.name}', and {first.file} is '{first.name}': "
                "import each on its own"
            )
        if other.kind is first.kind:
            raise MalformedRequest(f"{other.file}: is the same endpoint as {first.file}: give one of the two")
    for source in sources:
        if source not in endpoints:
            _check_deployment(source, endpoints)
    return Groups(
        first.name, _group(Kind.ONLINE_ENDPOINT, endpoints, sources), _group(Kind.BATCH_ENDPOINT, endpoints, sources)
    )


def _check_deployment(source: Source, endpoints: Sequence[Source]) -> None:
    of = str(source.get("endpoint_name"))
    if of != endpoints[0].name:
        raise MalformedRequest(
            f"{source.file}: is a deployment of the endpoint '{of}', not of '{endpoints[0].name}': leave it out, "
            "or import it with its own endpoint"
        )
    if not any(_DEPLOYMENT_OF[endpoint.kind] is source.kind for endpoint in endpoints):
        raise MalformedRequest(f"{source.file}: is a {source.kind}: give the file of its endpoint '{of}' too")


def _group(kind: Kind, endpoints: Sequence[Source], sources: Sequence[Source]) -> Group | None:
    endpoint = next((source for source in endpoints if source.kind is kind), None)
    if endpoint is None:
        return None
    deployments = tuple(source for source in sources if source.kind is _DEPLOYMENT_OF[kind])
    if not deployments:
        raise MalformedRequest(f"{endpoint.file}: has no deployments: give their files too")
    by_name: dict[str, Source] = {}
    for source in deployments:
        if (same := by_name.setdefault(source.name, source)) is not source:
            raise MalformedRequest(
                f"{source.file}: is the deployment '{source.name}', as is {same.file}: give one of the two"
            )
    return Group(endpoint, deployments)
