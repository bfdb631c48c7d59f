"""While a request is worked on, everything knows its id."""

import asyncio

import azure.functions as func
import orjson
import pytest

from shared.errors import SchemaMismatch
from shared.monitoring.request_log import request_id
from shared.triggers.http import Call, Reply, json_reply, respond


def request() -> func.HttpRequest:
    return func.HttpRequest("POST", "https://app/x", body=b"")


async def test_what_a_request_does_knows_its_id_also_in_threads() -> None:
    async def body(call: Call) -> Reply:
        return json_reply([call.id, request_id.get(), await asyncio.to_thread(request_id.get)])

    response = await respond(request(), body)
    assert orjson.loads(response.get_body()) == [response.headers["x-request-id"]] * 3


@pytest.mark.parametrize("error", [None, SchemaMismatch("why"), RuntimeError("why")])
async def test_afterwards_there_is_no_request(error: Exception | None) -> None:
    async def body(call: Call) -> Reply:
        if error is not None:
            raise error
        return json_reply({})

    await respond(request(), body)
    assert request_id.get() == ""
