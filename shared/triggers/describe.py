"""What tells callers how an endpoint is called: OpenAPI 3.1, and Swagger 2.0 for Azure ML's clients."""

from collections.abc import Callable, Mapping

import azure.functions as func
from azure.durable_functions import Blueprint

from shared.auth.access import Role
from shared.endpoints.spec import Endpoint
from shared.online.callers import admit
from shared.online.openapi.described import Answering, Gate, Json
from shared.online.openapi.document import openapi
from shared.online.openapi.swagger import swagger
from shared.services import services
from shared.triggers.http import Body, Call, Reply, json_reply
from shared.triggers.pages import in_route
from shared.triggers.routes import route

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


def _told(document: Callable[[Endpoint, Mapping[str, Answering], Gate], Json]) -> Body:
    async def tell(call: Call) -> Reply:
        ports = services().online
        _, endpoint = await admit(
            call.header("authorization"),
            call.route("endpoint"),
            (Role.SCORE, Role.READ),
            ports.authenticator,
            ports.catalog,
        )
        answering = await services().packages.describe(endpoint)
        return json_reply(document(endpoint, answering, Gate.of(services().rules, services().settings)))

    return tell


route(blueprint, "openapi", "endpoints/{endpoint}/openapi.json", {"GET": _told(openapi)}, pages=in_route)
route(blueprint, "swagger", "endpoints/{endpoint}/swagger.json", {"GET": _told(swagger)}, pages=in_route)
