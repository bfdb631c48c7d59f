"""Health, and what a client must know before it has a token. All public."""

import logging

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.rules import TokenVersion
from shared.errors import ConfigurationError
from shared.services import services
from shared.triggers.http import Call, Reply, json_reply, respond

_log = logging.getLogger(__name__)

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


@blueprint.route("health/live", methods=["GET"])
async def health_live(req: func.HttpRequest) -> func.HttpResponse:
    return await respond(req, _live)


async def _live(call: Call) -> Reply:
    return json_reply({"live": True})


@blueprint.route("health/ready", methods=["GET"])
async def health_ready(req: func.HttpRequest) -> func.HttpResponse:
    return await respond(req, _ready)


async def _ready(call: Call) -> Reply:
    try:
        ready = await services().readiness.is_ready()
    except ConfigurationError as error:
        # Yes or no: what is missing stands in the log, and in no reply to a stranger.
        _log.warning("not ready: %s", error.message)
        ready = False
    return json_reply({"ready": True}) if ready else json_reply({"ready": False}, 503, {"Retry-After": "5"})


@blueprint.route(".well-known/oauth-protected-resource", methods=["GET"])
async def protected_resource(req: func.HttpRequest) -> func.HttpResponse:
    """RFC 9728."""
    return await respond(req, _protected_resource)


async def _protected_resource(call: Call) -> Reply:
    settings = services().settings
    return json_reply(
        {
            "resource": settings.audiences[0],
            "authorization_servers": [services().rules.authorities[TokenVersion.V2].issuer],
            "scopes_supported": [settings.required_scope],
            "bearer_methods_supported": ["header"],
        }
    )
