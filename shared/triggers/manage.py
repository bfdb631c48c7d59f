"""The management API: the only way by which an endpoint's documents change."""

import asyncio
from datetime import UTC, datetime

import azure.functions as func
from azure.durable_functions import Blueprint
from pydantic import BaseModel, ValidationError

from shared.auth.access import Principal, Role, require
from shared.endpoints.spec import Draft, Endpoint
from shared.errors import MalformedRequest, RouteNotFound
from shared.services import services
from shared.triggers.http import Call, Reply, bounded, json_reply
from shared.triggers.routes import ANY, route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def _read(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    endpoint = await services().catalog.read_online(call.route("endpoint"))
    deployments = services().online.deployments
    status = {name: deployments.status(endpoint, name)._asdict() for name in endpoint.revision.deployments}
    return _endpoint_reply(endpoint, status=status)


async def _publish(call: Call) -> Reply:
    principal = await authorize(call, Role.MANAGE)
    draft = parsed(Draft, call)
    if draft.name != call.route("endpoint"):
        raise MalformedRequest(f"the body names the endpoint '{draft.name}', the address '{call.route('endpoint')}'")
    endpoint = await asyncio.to_thread(services().catalog.publish, draft, principal.id, datetime.now(UTC))
    return _endpoint_reply(endpoint, code=201)


class _Traffic(BaseModel):
    traffic: dict[str, int]


async def _set_traffic(call: Call) -> Reply:
    principal = await authorize(call, Role.MANAGE)
    traffic = parsed(_Traffic, call).traffic
    endpoint = await asyncio.to_thread(
        services().catalog.set_traffic, call.route("endpoint"), traffic, principal.id, datetime.now(UTC)
    )
    return _endpoint_reply(endpoint)


async def authorize(call: Call, *roles: Role) -> Principal:
    principal = await services().authenticator.authenticate(call.header("authorization"))
    require(principal, *roles)
    return principal


def parsed[M: BaseModel](kind: type[M], call: Call) -> M:
    """Raises MalformedRequest with every problem at once."""
    try:
        return kind.model_validate_json(bounded(call.body, services().settings.max_body_bytes))
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in error.errors())
        raise MalformedRequest("; ".join(problems)) from None


def _endpoint_reply(endpoint: Endpoint, code: int = 200, **more: object) -> Reply:
    """Without the keys' hashes: `/keys` tells of keys all that is to be told."""
    return json_reply({**endpoint.model_dump(mode="json", exclude={"head": {"keys"}}), **more}, code)


async def _nothing_here(call: Call) -> Reply:
    raise RouteNotFound("nothing is served at this address below the endpoint: see its openapi.json")


route(blueprint, "read_endpoint", "endpoints/{endpoint}", {"GET": _read})
route(blueprint, "publish_revision", "endpoints/{endpoint}/revisions", {"POST": _publish})
route(blueprint, "set_traffic", "endpoints/{endpoint}/traffic", {"PUT": _set_traffic})
route(blueprint, "not_found", "endpoints/{endpoint}/{*rest}", {ANY: _nothing_here})
