"""The app's metrics as Prometheus reads them."""

import asyncio
from typing import Final

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Role, require
from shared.services import services
from shared.triggers.http import Call, Reply
from shared.triggers.routes import route

# https://prometheus.io/docs/instrumenting/exposition_formats
_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def _read(call: Call) -> Reply:
    principal = await services().authenticator.authenticate(call.header("authorization"))
    require(principal, Role.READ)
    return Reply(await asyncio.to_thread(services().telemetry.prometheus), content_type=_TEXT)


route(blueprint, "read_metrics", "metrics", {"GET": _read})
