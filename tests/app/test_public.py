"""What can be reached without a token is one exact list."""

import re

import pytest

import function_app
from devhost.stack import Stack
from shared.triggers.routes import ROUTES
from tests.app.client import AUDIENCE, Client

assert function_app.app  # which registers all routes
PUBLIC = {"health_live", "health_ready", "protected_resource"}
PATHS = {name: re.sub(r"\{\*?\w+\}", "x", f"/{route.path}") for name, route in ROUTES.items()}
TAKEN = [(name, method, PATHS[name]) for name, route in ROUTES.items() for method in route.methods]


def expected(name: str, method: str, refusal: int) -> int:
    """Beside the public routes only the CORS preflight is answered."""
    return 204 if method == "OPTIONS" else 200 if name in PUBLIC else refusal


@pytest.mark.parametrize(("name", "method", "path"), TAKEN)
def test_only_the_public_routes_answer_without_a_token(client: Client, name: str, method: str, path: str) -> None:
    reply = client.ask(method, path)
    assert reply.status_code == expected(name, method, 401)
    if reply.status_code == 401:
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="slipway"'


@pytest.mark.parametrize(("name", "method", "path"), TAKEN)
def test_a_token_without_a_role_is_not_enough(client: Client, name: str, method: str, path: str) -> None:
    reply = client.ask(method, path, headers={"Authorization": f"Bearer {client.token()}"})
    assert reply.status_code == expected(name, method, 403)


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.methods])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_method_that_a_route_does_not_take_is_refused_and_the_right_ones_are_named(
    client: Client, name: str, method: str
) -> None:
    methods = ROUTES[name].methods
    reply = client.ask(method, PATHS[name])
    assert (reply.status_code == 405) == (method not in methods)
    if method not in methods:
        assert reply.headers["Allow"].split(", ") == sorted({*methods, *(["HEAD"] if "GET" in methods else [])})
        assert "x-request-id" in reply.headers


@pytest.mark.parametrize("path", ["/endpoints/x/nothing", "/endpoints/x/a/b/c", "/endpoints/x/score/more"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_address_below_an_endpoint_where_nothing_is_served_is_not_found(
    client: Client, method: str, path: str
) -> None:
    reply = client.ask(method, path)
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "RouteNotFound")


def test_ready_says_yes_or_no_and_nothing_else(client: Client) -> None:
    assert client.ask("GET", "/health/ready").json() == {"ready": True}


def test_protected_resource_names_the_issuer_and_the_audience(client: Client, stack: Stack) -> None:
    document = client.ask("GET", "/.well-known/oauth-protected-resource").json()
    assert document["resource"] == AUDIENCE
    assert document["authorization_servers"] == [stack.issuer]
