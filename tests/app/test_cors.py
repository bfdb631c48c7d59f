"""Calls from web pages of other origins, over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.app.client import Client
from tests.support import iris

PAGE = "https://page.example"


@pytest.fixture(scope="module")
def opened(publish: Callable[..., dict[str, Any]]) -> str:
    publish("opened", cors={"allowed_origins": [PAGE], "allowed_headers": ["x-own"]})
    return "opened"


def ask_first(client: Client, endpoint: str, origin: str) -> dict[str, str]:
    """The headers of a preflight's answer that speak of origins."""
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-own",
    }
    reply = client.ask("OPTIONS", f"/endpoints/{endpoint}/score", headers=headers)
    assert (reply.status_code, reply.content) == (204, b"")
    return {name.lower(): text for name, text in reply.headers.items() if name.lower().startswith("access-control-")}


def test_a_page_of_an_allowed_origin_asks_first_and_is_told_what_it_may(client: Client, opened: str) -> None:
    told = ask_first(client, opened, PAGE)
    assert told["access-control-allow-origin"] == PAGE
    assert "POST" in told["access-control-allow-methods"]
    assert {"authorization", "x-own"} <= set(told["access-control-allow-headers"].split(", "))


def test_a_page_of_another_origin_is_told_nothing(client: Client, opened: str, flowers: str) -> None:
    assert ask_first(client, opened, "https://other.example") == {}
    assert ask_first(client, flowers, PAGE) == {}
    assert ask_first(client, "nowhere", PAGE) == {}


@pytest.mark.parametrize(
    ("roles", "body", "status"),
    [
        (["Endpoint.Score"], iris.request(1), 200),
        (["Endpoint.Score"], b"{", 400),
        (["Endpoint.Read"], b"", 403),
        ([], b"", 401),
    ],
)
def test_every_reply_to_an_allowed_page_can_be_read_errors_too(
    client: Client, opened: str, roles: list[str], body: bytes, status: int
) -> None:
    reply = client.ask("POST", f"/endpoints/{opened}/score", *roles, headers={"Origin": PAGE}, data=body)
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (status, PAGE)
    assert "x-request-id" in reply.headers["Access-Control-Expose-Headers"]
    assert reply.headers["Vary"] == "Origin"


def test_a_wrong_method_is_told_to_an_allowed_page_too(client: Client, opened: str) -> None:
    reply = client.ask("DELETE", f"/endpoints/{opened}/score", headers={"Origin": PAGE})
    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (405, PAGE)
    assert set(reply.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_replies_to_other_callers_say_nothing_of_origins(client: Client, opened: str, flowers: str) -> None:
    for endpoint, origin in ((opened, "https://other.example"), (flowers, PAGE)):
        reply = client.score(endpoint, Origin=origin)
        assert reply.status_code == 200
        assert not [name for name in reply.headers if name.lower().startswith("access-control-")]
