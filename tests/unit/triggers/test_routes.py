"""One function for all methods of an address."""

import azure.functions as func
import orjson
import pytest

from shared.errors import SlipwayError
from shared.triggers.http import Call, Reply
from shared.triggers.routes import ANY, Function, dispatcher


async def echo(call: Call) -> Reply:
    return Reply(str(call.request.method).encode())


async def ask(function: Function, method: str) -> func.HttpResponse:
    return await function(func.HttpRequest(method, "https://app/x", body=b""))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_a_method_goes_to_its_body_and_head_to_that_of_get(method: str) -> None:
    reply = await ask(dispatcher({"GET": echo, "PUT": echo}), method)
    assert (reply.status_code, reply.get_body()) == (200, method.encode())


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE", "PATCH", "TRACE"])
async def test_any_other_method_is_refused_and_the_right_ones_are_named(method: str) -> None:
    reply = await ask(dispatcher({"GET": echo, "PUT": echo}), method)
    assert (reply.status_code, reply.headers["Allow"]) == (405, "GET, HEAD, PUT")
    assert orjson.loads(reply.get_body())["error"]["code"] == "MethodNotAllowed"


async def test_head_is_refused_where_get_is() -> None:
    assert (await ask(dispatcher({"POST": echo}), "HEAD")).headers["Allow"] == "POST"


@pytest.mark.parametrize("method", ["GET", "TRACE"])
async def test_a_route_may_take_whatever_comes(method: str) -> None:
    assert (await ask(dispatcher({ANY: echo}), method)).get_body() == method.encode()


async def test_errors_leave_in_the_form_of_the_routes_protocol() -> None:
    def render(error: SlipwayError, status: int) -> bytes:
        return f"{status} {error.code}".encode()

    async def fail(call: Call) -> Reply:
        raise ValueError("a secret")

    function = dispatcher({"GET": fail}, render)
    assert (await ask(function, "GET")).get_body() == b"500 InternalError"
    refused = await ask(function, "POST")
    assert (refused.get_body(), refused.mimetype) == (b"405 MethodNotAllowed", "application/json")
