"""The keys of an endpoint: made here, shown once, kept as hashes."""

import asyncio

import azure.functions as func
from azure.durable_functions import Blueprint
from pydantic import BaseModel

from shared.auth import endpoint_keys
from shared.auth.access import Role
from shared.endpoints.callers import KeyType, StoredKey
from shared.services import services
from shared.triggers.http import Call, Reply, json_reply
from shared.triggers.manage import author, authorize, parsed
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


class _Wanted(BaseModel):
    key_type: KeyType


async def _list(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    endpoint = await services().catalog.read_online(call.route("endpoint"))
    keys = [
        {"key_type": kind, "created_at": key.created_at, "created_by": key.created_by}
        for kind, key in sorted(endpoint.head.keys.items())
    ]
    return json_reply({"keys": keys})


async def _make(call: Call) -> Reply:
    """The key of the other type stays good, so that callers can move from one to the other."""
    principal = await authorize(call, Role.MANAGE)
    kind = parsed(_Wanted, call).key_type
    key = endpoint_keys.make()
    by = author(call, principal)
    stored = StoredKey(sha256=endpoint_keys.digest(key), created_at=by.at, created_by=by.id)
    await asyncio.to_thread(services().changes.set_key, call.route("endpoint"), kind, stored, by)
    told = {"key_type": kind, "key": key, "created_at": stored.created_at}
    return json_reply(told, 201, {"Cache-Control": "no-store"})


route(blueprint, "keys", "endpoints/{endpoint}/keys", {"GET": _list, "POST": _make})
