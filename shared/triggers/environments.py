"""What foreign code would run in, and from where it may come: what a publisher must know before it uploads."""

import asyncio

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Role
from shared.services import services
from shared.triggers.http import Call, Reply, json_reply
from shared.triggers.manage import authorize
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def _list(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    found = await asyncio.to_thread(lambda: services().environments.found)
    told = [each._asdict() for each in found]
    return json_reply({"value": told, "code_sources": services().settings.code_sources})


route(blueprint, "environments", "environments", {"GET": _list})
