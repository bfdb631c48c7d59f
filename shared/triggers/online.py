"""Scoring over HTTP."""

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.online import handler
from shared.online.protocols import azureml
from shared.services import services
from shared.triggers.http import Call, Reply
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def _score(call: Call) -> Reply:
    request = handler.ScoreRequest(
        endpoint=call.route("endpoint"),
        request_id=call.id,
        authorization=call.header("authorization"),
        pinned=call.header("azureml-model-deployment"),
        content_type=call.header("content-type"),
        content_encoding=call.header("content-encoding"),
        body=call.body,
    )
    reply = await handler.score(request, azureml, services().online)
    headers = {"azureml-model-deployment": reply.deployment, "x-slipway-model": reply.model}
    return Reply(reply.body, content_type=reply.content_type, headers=headers)


route(blueprint, "score", "endpoints/{endpoint}/score", {"POST": _score})
