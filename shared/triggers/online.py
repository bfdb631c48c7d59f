"""Scoring over HTTP."""

from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.online import handler
from shared.online.exchange import ScoreProtocol
from shared.online.protocols import azureml
from shared.services import services
from shared.triggers.http import Call, Reply
from shared.triggers.pages import in_route
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def score(call: Call, protocol: ScoreProtocol[Any], pinned: str | None = None) -> Reply:
    """One scoring request, in whatever protocol it came."""
    request = handler.ScoreRequest(
        endpoint=call.route("endpoint"),
        request_id=call.id,
        pinned=pinned or call.header("azureml-model-deployment"),
        headers=call.request.headers,
        body=call.body,
        method=call.request.method,
        query=urlsplit(call.request.url).query,
    )
    reply = await handler.score(request, protocol, services().online, lambda trail: None)
    rendered = reply.rendered
    headers = {"azureml-model-deployment": reply.deployment, "x-slipway-model": reply.model, **rendered.headers}
    return Reply(rendered.body, reply.status, rendered.content_type, headers)


async def _score(call: Call) -> Reply:
    return await score(call, azureml)


route(blueprint, "score", "endpoints/{endpoint}/score", {"POST": _score, "GET": _score}, azureml.render_error, in_route)
