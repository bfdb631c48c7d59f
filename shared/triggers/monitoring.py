"""What monitoring has found, and the ground truth that callers tell it."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Role
from shared.endpoints.spec import Endpoint
from shared.errors import InvalidTransition
from shared.monitoring import feedback, results
from shared.monitoring.feedback import Feedback
from shared.monitoring.settings import Monitoring
from shared.online.callers import admit
from shared.services import services
from shared.triggers.http import Call, Reply, json_reply
from shared.triggers.manage import authorize, parsed
from shared.triggers.pages import in_route
from shared.triggers.paging import read_page
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)

_MOST_LISTED: Final = 100
_MOST_FEEDBACK_BYTES: Final = 4 * 1024 * 1024


async def _newest(call: Call) -> Reply:
    """Of each deployment what its newest window says; a deployment without one is left out."""
    await authorize(call, Role.READ, Role.MANAGE)
    endpoint = await asyncio.to_thread(services().catalog.look, call.route("endpoint"))
    names = endpoint.revision.deployments
    pages = await asyncio.gather(
        *(asyncio.to_thread(results.page, services().store, endpoint.name, name, 1) for name in names)
    )
    return json_reply({"value": [each.model_dump(mode="json") for page in pages for each in page.results]})


async def _history(call: Call) -> Reply:
    """Of one deployment, newest first."""
    await authorize(call, Role.READ, Role.MANAGE)
    endpoint = await asyncio.to_thread(services().catalog.look, call.route("endpoint"))
    deployment = call.route("deployment")
    endpoint.deployment(deployment)
    top, marker, _ = read_page(call, _MOST_LISTED)
    page = await asyncio.to_thread(results.page, services().store, endpoint.name, deployment, top, marker)
    return json_reply({"value": [each.model_dump(mode="json") for each in page.results], "skiptoken": page.marker})


async def _tell(call: Call) -> Reply:
    """Whoever may score may say what turned out to be right; it counts as a request of the caller's quota."""
    online, name = services().online, call.route("endpoint")
    found = await admit(call.header("authorization"), name, (Role.SCORE,), online.authenticator, online.catalog)
    online.quotas.take(name, found.principal.id, found.endpoint.revision.quota.requests_per_minute)
    settings = _settings(found.endpoint)
    told = await asyncio.to_thread(parsed, Feedback, call, _MOST_FEEDBACK_BYTES)
    kept = await asyncio.to_thread(feedback.save, services().store, name, settings, told, datetime.now(UTC))
    return json_reply({"accepted": len(told.feedback), "kept": kept}, 202)


def _settings(endpoint: Endpoint) -> Monitoring:
    settings = endpoint.revision.monitoring
    if settings is None or settings.model_performance is None:
        raise InvalidTransition(
            f"endpoint '{endpoint.name}' takes no feedback: publish it with monitoring.model_performance first"
        )
    return settings


_BELOW: Final = "endpoints/{endpoint}"
route(blueprint, "monitoring", f"{_BELOW}/monitoring", {"GET": _newest})
route(blueprint, "monitoring_history", f"{_BELOW}/monitoring/{{deployment}}", {"GET": _history})
route(blueprint, "feedback", f"{_BELOW}/feedback", {"POST": _tell}, pages=in_route)
