"""How a route is registered: for every method, so that one it does not take is answered here, not by the host."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, NamedTuple

import azure.functions as func
from azure.durable_functions import Blueprint, DurableFunctionsClient

from shared.errors import MethodNotAllowed
from shared.triggers.http import Body, Call, RenderError, Reply, plain_error, respond
from shared.triggers.pages import EndpointOf, preflight, reply_headers

ANY: Final = "*"


class Route(NamedTuple):
    """`methods`: those that it takes, without HEAD; empty where it takes none, or does not look at the method."""

    path: str
    methods: tuple[str, ...]


ROUTES: Final[dict[str, Route]] = {}
"""Function name to route, of all modules that were imported: what the reference and the tests are held to."""


type Function = Callable[..., Coroutine[Any, Any, func.HttpResponse]]
"""Of a request, and of the durable client where there is one."""


def route(
    blueprint: Blueprint,
    name: str,
    path: str,
    bodies: Mapping[str, Body],
    render_error: RenderError = plain_error,
    pages: EndpointOf | None = None,
    *,
    starts_jobs: bool = False,
) -> None:
    """Registers the function `name`. A path is registered once: all of its methods belong together.

    `bodies`, `render_error`, `pages`: see `dispatcher`. `starts_jobs`: the host hands over the durable client.
    """
    serve = dispatcher(bodies, render_error, pages)

    # The worker reads from a function's parameters what it is to be given.
    async def plain(req: func.HttpRequest) -> func.HttpResponse:
        return await serve(req)

    async def starting(req: func.HttpRequest, client: DurableFunctionsClient) -> func.HttpResponse:
        return await serve(req, client)

    plain.__name__ = starting.__name__ = name
    if starts_jobs:
        blueprint.route(path)(blueprint.durable_client_input("client")(starting))
    else:
        blueprint.route(path)(plain)
    methods = tuple(method for method in bodies if method != ANY)
    ROUTES[name] = Route(path, (*methods, "OPTIONS") if pages else methods)


def dispatcher(
    bodies: Mapping[str, Body], render_error: RenderError = plain_error, pages: EndpointOf | None = None
) -> Function:
    """An HTTP function with a body for each method that it takes, ANY for all others.

    HEAD is taken where GET is; the host leaves the reply's body away. `render_error` gives the errors the form of
    the route's protocol, 405 too. `pages`: the route is open to the web pages that this endpoint allows.
    """
    taken = dict(bodies)
    if "GET" in taken:
        taken.setdefault("HEAD", taken["GET"])
    if pages is not None:
        taken["OPTIONS"] = preflight(taken, pages)
    allow = ", ".join(sorted(taken))

    async def refuse(call: Call) -> Reply:
        raise MethodNotAllowed(f"this address does not take {call.request.method}: use {allow}", allow)

    other = taken.pop(ANY, refuse)

    async def serve(req: func.HttpRequest, client: DurableFunctionsClient | None = None) -> func.HttpResponse:
        body = taken.get(req.method, other)
        response = await respond(req, body, render_error, client)
        if pages is not None and req.method != "OPTIONS":
            response.headers.update(await reply_headers(req, pages))
        return response

    return serve
