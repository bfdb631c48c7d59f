"""How routes are opened to web pages of other origins, as far as the endpoint's file allows it."""

from collections.abc import Callable, Iterable, Mapping

import azure.functions as func

from shared.endpoints.callers import Cors
from shared.errors import SlipwayError
from shared.online import cors
from shared.services import services
from shared.triggers.http import Body, Call, Reply

type EndpointOf = Callable[[func.HttpRequest], str | None]
"""Which endpoint a request is for; None where its address names none."""


def in_route(request: func.HttpRequest) -> str:
    """For routes with a parameter `endpoint`."""
    return str(request.route_params["endpoint"])


def preflight(methods: Iterable[str], endpoint_of: EndpointOf) -> Body:
    """Answers OPTIONS, which browsers send without credentials. 204 also where the answer is no."""
    taken = sorted({*methods, "OPTIONS"})
    own = {"Allow": ", ".join(taken)}

    async def answer(call: Call) -> Reply:
        found = await _cors_of(endpoint_of(call.request))
        return Reply(b"", 204, headers={**own, **cors.preflight(found, call.header("origin"), taken)})

    return answer


async def reply_headers(request: func.HttpRequest, endpoint_of: EndpointOf) -> Mapping[str, str]:
    """Names in lower case. Costs nothing where no page asks."""
    if "origin" not in request.headers:
        return {}
    headers = cors.reply_headers(await _cors_of(endpoint_of(request)), request.headers["origin"])
    return {name.lower(): value for name, value in headers.items()}


async def _cors_of(endpoint: str | None) -> Cors | None:
    """None too where there is no such endpoint, or nobody can tell now: a page is then told nothing."""
    if endpoint is None:
        return None
    try:
        return (await services().catalog.read_online(endpoint, stranger=True)).revision.cors
    except SlipwayError:
        return None
