"""The revisions of an endpoint: the next one published, the earlier ones read, and one of them made current again."""

import asyncio

import azure.functions as func
from azure.durable_functions import Blueprint
from pydantic import BaseModel

from shared.auth.access import Role
from shared.endpoints.spec import Draft
from shared.errors import MalformedRequest, RouteNotFound
from shared.services import services
from shared.triggers.http import Call, Reply, json_reply
from shared.triggers.manage import author, authorize, endpoint_reply, if_match, parsed
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def _publish(call: Call) -> Reply:
    principal = await authorize(call, Role.MANAGE)
    draft = parsed(Draft, call)
    if draft.name != call.route("endpoint"):
        raise MalformedRequest(f"the body names the endpoint '{draft.name}', the address '{call.route('endpoint')}'")
    create = call.header("if-none-match")
    if create not in (None, "*"):
        raise MalformedRequest("If-None-Match takes * alone: the endpoint must be new")
    endpoint = await asyncio.to_thread(
        services().changes.publish,
        draft,
        author(call, principal),
        if_match=if_match(call),
        create=create is not None,
    )
    return endpoint_reply(endpoint, code=201)


async def _list(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    found = await asyncio.to_thread(services().changes.revisions, call.route("endpoint"))
    return json_reply({"value": [each._asdict() for each in found]})


async def _read(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    number = call.route("revision")
    if not number.isdecimal() or len(number) > 9:
        raise RouteNotFound("a revision is a number: see the endpoint's revisions")
    revision = await asyncio.to_thread(services().changes.revision, call.route("endpoint"), int(number))
    return json_reply(revision.model_dump(mode="json"))


class _Wanted(BaseModel):
    """`traffic`: as it is where none is given."""

    revision: int
    traffic: dict[str, int] | None = None


async def _roll_back(call: Call) -> Reply:
    principal = await authorize(call, Role.MANAGE)
    wanted = parsed(_Wanted, call)
    endpoint = await asyncio.to_thread(
        services().changes.roll_back,
        call.route("endpoint"),
        wanted.revision,
        wanted.traffic,
        author(call, principal),
        if_match=if_match(call),
    )
    return endpoint_reply(endpoint)


route(blueprint, "revisions", "endpoints/{endpoint}/revisions", {"GET": _list, "POST": _publish})
route(blueprint, "revision", "endpoints/{endpoint}/revisions/{revision}", {"GET": _read})
route(blueprint, "rollback", "endpoints/{endpoint}/rollback", {"POST": _roll_back})
