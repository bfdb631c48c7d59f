"""The Open Inference Protocol over HTTP: one function, behind which a table of addresses lies."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Role
from shared.endpoints.spec import Endpoint
from shared.errors import EndpointNotFound, MethodNotAllowed, ModelNotReady, NotAuthorized, RouteNotFound
from shared.models.json_body import read_object
from shared.models.loaded import LoadedModel
from shared.online import callers
from shared.online.deployments import Serving
from shared.online.protocols import oip, oip_metadata
from shared.services import services
from shared.triggers.http import Call, Reply, bounded, json_reply
from shared.triggers.manage import authorize
from shared.triggers.online import score
from shared.triggers.routes import route

# {"ready": true}, and room for what may be added.
_MAX_INDEX_BYTES: Final = 1024

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


class Target(NamedTuple):
    """What an address names: an endpoint, and a deployment of it; "" and None where it names none."""

    endpoint: str
    deployment: str | None


async def _server(call: Call, target: Target) -> Reply:
    await authorize(call, Role.SCORE, Role.READ)
    return json_reply(oip_metadata.server())


async def _live(call: Call, target: Target) -> Reply:
    await authorize(call, Role.SCORE, Role.READ)
    return json_reply(oip_metadata.health())


async def _ready(call: Call, target: Target) -> Reply:
    await authorize(call, Role.SCORE, Role.READ)
    if not await services().readiness.is_ready():
        raise ModelNotReady("the server cannot reach its storage: try again")
    return json_reply(oip_metadata.health())


async def _metadata(call: Call, target: Target) -> Reply:
    endpoint, serving = await _serving(call, target)
    package = serving.model.package
    flavor = package.model.flavor if package.model else next(iter(package.models.values())).flavor
    loaded = serving.model.find("")
    outputs = loaded.flavor.outputs if isinstance(loaded, LoadedModel) else package.signature.outputs
    versions = list(endpoint.revision.deployments)
    return json_reply(oip_metadata.model(endpoint.name, versions, flavor, package.signature, outputs))


async def _model_ready(call: Call, target: Target) -> Reply:
    """A model that nobody has asked for yet is loaded now: whoever waits for it would wait for ever."""
    endpoint, _ = await _serving(call, target)
    return json_reply(oip_metadata.ready(endpoint.name))


async def _serving(call: Call, target: Target) -> tuple[Endpoint, Serving]:
    """Without a deployment in the address, the one that a request would go to."""
    ports = services().online
    roles = (Role.SCORE, Role.READ)
    authorization = call.header("authorization")
    _, endpoint = await callers.admit(authorization, target.endpoint, roles, ports.authenticator, ports.catalog)
    pinned = target.deployment or call.header("azureml-model-deployment")
    name = ports.deployments.choose(endpoint, call.id, pinned)
    return endpoint, await ports.deployments.serving(endpoint, name)


async def _infer(call: Call, target: Target) -> Reply:
    return await score(call, oip, target.endpoint, target.deployment)


async def _index(call: Call, target: Target) -> Reply:
    """Of the endpoints that the caller may score. `{"ready": true}` asks for what is ready only."""
    await authorize(call, Role.SCORE, Role.READ)
    body = bounded(call.body, _MAX_INDEX_BYTES)
    only_ready = bool(body) and read_object(body, "or nothing").get("ready") is True
    names = await asyncio.to_thread(services().catalog.names)
    listed = await asyncio.gather(*(_listed(call, name) for name in names))
    entries = [entry for entries in listed for entry in entries]
    return json_reply([entry for entry in entries if not only_ready or entry["state"] == "READY"])


async def _listed(call: Call, name: str) -> list[dict[str, str]]:
    ports = services().online
    roles = (Role.SCORE, Role.READ)
    try:
        _, endpoint = await callers.admit(call.header("authorization"), name, roles, ports.authenticator, ports.catalog)
    except (NotAuthorized, EndpointNotFound):
        return []
    entries = []
    for deployment in endpoint.revision.deployments:
        status = ports.deployments.status(endpoint, deployment)
        entries.append(oip_metadata.indexed(name, deployment, status.state, status.error))
    return entries


type Handler = Callable[[Call, Target], Awaitable[Reply]]

_MODEL: Final = r"models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?"
_ADDRESSES: Final[tuple[tuple[re.Pattern[str], Mapping[str, Handler]], ...]] = (
    (re.compile(rf"{_MODEL}/infer"), {"POST": _infer}),
    (re.compile(rf"{_MODEL}/ready"), {"GET": _model_ready}),
    (re.compile(_MODEL), {"GET": _metadata}),
    (re.compile("health/live"), {"GET": _live}),
    (re.compile("health/ready"), {"GET": _ready}),
    (re.compile("repository/index"), {"POST": _index}),
    (re.compile(""), {"GET": _server}),
)


async def _dispatch(call: Call) -> Reply:
    method = "GET" if call.request.method == "HEAD" else call.request.method
    path = _path(call.request)
    for pattern, handlers in _ADDRESSES:
        match = pattern.fullmatch(path)
        if match is None:
            continue
        if method not in handlers:
            allow = ", ".join(sorted([*handlers, "OPTIONS", *(["HEAD"] if "GET" in handlers else [])]))
            raise MethodNotAllowed(f"this address does not take {method}: use {allow}", allow)
        found = match.groupdict()
        return await handlers[method](call, Target(found.get("model") or "", found.get("version")))
    await authorize(call, Role.SCORE, Role.READ)
    raise RouteNotFound("nothing is served at this address: /v2 and the protocol say what is")


def _path(request: func.HttpRequest) -> str:
    """Below /v2, without slashes at its ends."""
    return str(request.route_params.get("path") or "").strip("/")


def _endpoint_of(request: func.HttpRequest) -> str | None:
    match = re.match(_MODEL, _path(request))
    return match["model"] if match else None


route(blueprint, "inference", "v2/{*path}", {"GET": _dispatch, "POST": _dispatch}, oip.render_error, pages=_endpoint_of)
