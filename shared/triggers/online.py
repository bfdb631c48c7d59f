"""Scoring over HTTP."""

import time
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Role
from shared.endpoints.spec import Endpoint
from shared.errors import Overloaded, SlipwayError
from shared.online import callers, handler
from shared.online.exchange import ScoreProtocol
from shared.online.protocols import azureml, mlflow
from shared.services import services
from shared.triggers.http import Call, Reply, row_for
from shared.triggers.pages import in_route
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


async def score(call: Call, protocol: ScoreProtocol[Any], endpoint: str, pinned: str | None = None) -> Reply:
    """One scoring request, in whatever protocol it came; counted and traced, however it ends."""
    headers = call.request.headers
    request = handler.ScoreRequest(
        endpoint=endpoint,
        request_id=call.id,
        pinned=pinned or headers.get("azureml-model-deployment"),
        headers=headers,
        body=call.body,
        method=call.request.method,
        query=urlsplit(call.request.url).query if call.request.method == "GET" else "",
    )
    served, started, trail, status = services(), time.perf_counter(), handler.Trail(), 500

    def step(reached: handler.Trail) -> None:
        nonlocal trail
        trail = reached

    with served.tracer.request(
        request.method, protocol.NAME, headers.get("traceparent"), {"request_id": call.id}
    ) as span:
        try:
            reply = await handler.score(request, protocol, served.online, step)
            status = reply.status
        except SlipwayError as error:
            status = row_for(error).status
            if isinstance(error, Overloaded):
                served.metrics.rejected(trail.endpoint, trail.deployment, error.code)
            raise
        finally:
            for name, value in trail._asdict().items():
                span.set(name, value)
            span.answered(status)
            served.metrics.request(*trail, protocol.NAME, status, time.perf_counter() - started)
    rendered = reply.rendered
    told = {"azureml-model-deployment": reply.deployment, "x-slipway-model": reply.model, **rendered.headers}
    return Reply(rendered.body, reply.status, rendered.content_type, told)


async def _score(call: Call) -> Reply:
    return await score(call, azureml, call.route("endpoint"))


async def _invocations(call: Call) -> Reply:
    return await score(call, mlflow, call.route("endpoint"))


async def _ping(call: Call) -> Reply:
    """Healthy is, as with MLflow, an endpoint whose model answers: one that nobody has asked for yet is loaded now."""
    endpoint = await _admitted(call)
    deployments = services().online.deployments
    pinned = call.header("azureml-model-deployment")
    await deployments.serving(endpoint, deployments.choose(endpoint, call.id, pinned))
    return Reply(b"\n")


async def _version(call: Call) -> Reply:
    await _admitted(call)
    return Reply(version("mlflow-skinny").encode(), content_type="text/plain")


async def _admitted(call: Call) -> Endpoint:
    ports, roles = services().online, (Role.SCORE, Role.READ)
    authorization = call.header("authorization")
    found = await callers.admit(authorization, call.route("endpoint"), roles, ports.authenticator, ports.catalog)
    return found.endpoint


_BELOW: Final = "endpoints/{endpoint}"
route(blueprint, "score", f"{_BELOW}/score", {"POST": _score, "GET": _score}, azureml.render_error, in_route)
route(blueprint, "invocations", f"{_BELOW}/invocations", {"POST": _invocations}, mlflow.render_error, in_route)
route(blueprint, "mlflow_ping", f"{_BELOW}/ping", {"GET": _ping}, mlflow.render_error)
route(blueprint, "mlflow_health", f"{_BELOW}/health", {"GET": _ping}, mlflow.render_error)
route(blueprint, "mlflow_version", f"{_BELOW}/version", {"GET": _version}, mlflow.render_error)
