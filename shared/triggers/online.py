"""Scoring over HTTP."""

import time
from collections.abc import Awaitable
from importlib.metadata import version
from typing import Any, Final

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

_TRACED_AS: Final = {
    "azureml": "/endpoints/{endpoint}/score",
    "mlflow": "/endpoints/{endpoint}/invocations",
    "oip": "/v2/models/{endpoint}/infer",
}


async def score(call: Call, protocol: ScoreProtocol[Any], endpoint: str, pinned: str | None = None) -> Reply:
    """One scoring request, in whatever protocol it came; counted and traced, however it ends."""
    headers, method = call.headers, call.request.method
    request = handler.ScoreRequest(
        endpoint,
        call.id,
        pinned or headers.get("azureml-model-deployment"),
        headers,
        call.body,
        method,
        call.request.url.partition("?")[2],
    )
    served, started, trail, status = services(), time.perf_counter(), handler.Trail(), 500
    route_of = _TRACED_AS[protocol.NAME]
    with served.tracer.request(method, route_of, headers.get("traceparent"), {"request_id": call.id}) as span:
        try:
            reply = await handler.score(request, protocol, served.online, trail)
            status = reply.status
        except SlipwayError as error:
            status = row_for(error).status
            if isinstance(error, Overloaded):
                served.metrics.rejected(trail.endpoint, trail.deployment, error.code)
            raise
        finally:
            span.set("endpoint", trail.endpoint)
            span.set("deployment", trail.deployment)
            span.set("model", trail.model)
            span.answered(status)
            seconds = time.perf_counter() - started
            served.metrics.request(trail.endpoint, trail.deployment, trail.model, protocol.NAME, status, seconds)
    rendered = reply.rendered
    told = {**rendered.headers, "azureml-model-deployment": reply.deployment, "x-slipway-model": reply.model}
    return Reply(rendered.body, reply.status, rendered.content_type, told)


def _score(call: Call) -> Awaitable[Reply]:
    return score(call, azureml, call.route("endpoint"))


def _invocations(call: Call) -> Awaitable[Reply]:
    return score(call, mlflow, call.route("endpoint"))


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
