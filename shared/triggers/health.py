"""Health, and what a client must know before it has a token. All public."""

import logging

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.rules import TokenVersion
from shared.errors import ConfigurationError
from shared.services import services
from shared.triggers.http import Call, Reply, json_reply
from shared.triggers.routes import route

_log = logging.getLogger(__name__)

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def _live(call: Call) -> Reply:
    return json_reply({"live": True})


async def _ready(call: Call) -> Reply:
    try:
        ready = await services().readiness.is_ready()
    except ConfigurationError as error:
        # Yes or no: what is missing stands in the log, and in no reply to a stranger.
        _log.warning("not ready: %s", error.message)
        ready = False
    return json_reply({"ready": True}) if ready else json_reply({"ready": False}, 503, {"Retry-After": "5"})


async def _protected_resource(call: Call) -> Reply:
    """RFC 9728."""
    settings = services().settings
    return json_reply(
        {
            "resource": settings.audiences[0],
            "authorization_servers": [services().rules.authorities[TokenVersion.V2].issuer],
            "scopes_supported": [settings.required_scope],
            "bearer_methods_supported": ["header"],
        }
    )


route(blueprint, "health_live", "health/live", {"GET": _live})
route(blueprint, "health_ready", "health/ready", {"GET": _ready})
route(blueprint, "protected_resource", ".well-known/oauth-protected-resource", {"GET": _protected_resource})
