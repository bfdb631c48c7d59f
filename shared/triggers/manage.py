"""The management API: the only way by which an endpoint's documents change."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any, Final

import azure.functions as func
from azure.durable_functions import Blueprint
from pydantic import BaseModel, ValidationError

from shared.auth.access import Principal, Role, require
from shared.endpoints import audit
from shared.endpoints.audit import Author
from shared.endpoints.catalog import check_name
from shared.endpoints.spec import Endpoint
from shared.errors import MalformedRequest, RouteNotFound
from shared.services import services
from shared.triggers.http import Call, Reply, bounded, json_reply
from shared.triggers.paging import read_page
from shared.triggers.routes import ANY, route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)

_MAX_LISTED: Final = 100
_MAX_AGENT: Final = 200
_MOST_PROBLEMS: Final = 100
# IPv4 or [IPv6], with or without a port.
_ADDRESS: Final = re.compile(r"\[?(?P<address>[0-9.]{7,15}|[0-9a-fA-F:.]{2,45})\]?(:[0-9]{1,5})?")
# Of RFC 9110, section 8.8.3. Who compresses replies on the way makes an ETag weak; it names the same document.
_ETAG: Final = re.compile(r'\*|(?:W/)?("[^"]+")')
# `/keys` tells of keys all that is to be told.
_HASHES: Final[Any] = {"before": {"keys"}, "after": {"keys"}}


async def _list(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    heads = await asyncio.to_thread(services().catalog.heads)
    told = [
        {"name": name, **head.model_dump(mode="json", include={"revision", "traffic", "updated_at", "updated_by"})}
        for name, head in heads
    ]
    return json_reply({"value": told})


async def _read(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    # Not what is kept here: who goes on from a reading that is old, with its ETag, would be refused.
    endpoint = await asyncio.to_thread(services().catalog.look, call.route("endpoint"))
    deployments = services().online.deployments
    status = {name: deployments.status(endpoint, name)._asdict() for name in endpoint.revision.deployments}
    return endpoint_reply(endpoint, status=status)


async def _delete(call: Call) -> Reply:
    principal = await authorize(call, Role.MANAGE)
    name = call.route("endpoint")
    await asyncio.to_thread(services().changes.delete, name, author(call, principal), if_match=if_match(call))
    return json_reply({"deleted": name})


class _Traffic(BaseModel):
    traffic: dict[str, int]


async def _set_traffic(call: Call) -> Reply:
    principal = await authorize(call, Role.MANAGE)
    traffic = parsed(_Traffic, call).traffic
    endpoint = await asyncio.to_thread(
        services().changes.set_traffic,
        call.route("endpoint"),
        traffic,
        author(call, principal),
        if_match=if_match(call),
    )
    return endpoint_reply(endpoint)


async def _audit(call: Call) -> Reply:
    await authorize(call, Role.READ, Role.MANAGE)
    top, marker, _ = read_page(call, _MAX_LISTED)
    name = call.route("endpoint")
    check_name(name)
    page = await asyncio.to_thread(audit.entries, services().store, name, top, marker)
    entries = [entry.model_dump(mode="json", exclude=_HASHES) for entry in page.entries]
    return json_reply({"value": entries, "skiptoken": page.marker})


async def authorize(call: Call, *roles: Role) -> Principal:
    principal = await services().authenticator.authenticate(call.header("authorization"))
    require(principal, *roles)
    return principal


def author(call: Call, principal: Principal) -> Author:
    """Who changes something, as far as its request tells. The front end in Azure puts the caller's address last."""
    address = _ADDRESS.fullmatch((call.header("x-forwarded-for") or "").rpartition(",")[2].strip())
    agent = "".join(filter(str.isprintable, call.header("user-agent") or ""))[:_MAX_AGENT]
    return Author(principal.id, datetime.now(UTC), address["address"] if address else "", agent)


def parsed[M: BaseModel](kind: type[M], call: Call, most_bytes: int | None = None) -> M:
    """Raises MalformedRequest with every problem at once, unless there are very many; PayloadTooLarge."""
    limit = services().settings.max_body_bytes
    try:
        return kind.model_validate_json(bounded(call.body, min(limit, most_bytes or limit)))
    except ValidationError as error:
        if error.error_count() > _MOST_PROBLEMS:  # to write each of them down takes longer than to find it
            raise MalformedRequest(f"the body has {error.error_count()} mistakes: see the reference") from None
        problems = (f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in error.errors())
        raise MalformedRequest("; ".join(problems)) from None


def if_match(call: Call) -> str | None:
    """Which state of the endpoint the caller has seen, where it says so. Raises MalformedRequest."""
    written = call.header("if-match")
    if written is None:
        return None
    tag = _ETAG.fullmatch(written.strip())
    if tag is None:
        raise MalformedRequest("If-Match takes the one ETag that the endpoint was read with, or *")
    return tag[1] or tag[0]


def endpoint_reply(endpoint: Endpoint, code: int = 200, **more: object) -> Reply:
    """Without the keys' hashes: `/keys` tells of keys all that is to be told."""
    told = {**endpoint.model_dump(mode="json", exclude={"head": {"keys"}}), **more}
    return json_reply(told, code, {"ETag": endpoint.etag})


async def _nothing_here(call: Call) -> Reply:
    raise RouteNotFound("nothing is served at this address below the endpoint: see its openapi.json")


route(blueprint, "endpoints", "endpoints", {"GET": _list})
route(blueprint, "read_endpoint", "endpoints/{endpoint}", {"GET": _read, "DELETE": _delete})
route(blueprint, "set_traffic", "endpoints/{endpoint}/traffic", {"PUT": _set_traffic})
route(blueprint, "audit", "endpoints/{endpoint}/audit", {"GET": _audit})
route(blueprint, "not_found", "endpoints/{endpoint}/{*rest}", {ANY: _nothing_here})
