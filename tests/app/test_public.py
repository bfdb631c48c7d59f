"""What can be reached without a token is one exact list."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from devhost.stack import Stack
from tests.app.client import AUDIENCE, Client

PUBLIC = {"health_live", "health_ready", "protected_resource"}
FUNCTIONS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "contract" / "functions.json").read_text())
ROUTES = [
    (name, method, re.sub(r"\{\w+\}", "x", f"/{binding['settings']['route']}"))
    for name, bindings in FUNCTIONS.items()
    for binding in bindings
    if binding["kind"] == "httpTrigger"
    for method in binding["settings"]["methods"]
]


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_only_the_public_routes_answer_without_a_token(client: Client, name: str, method: str, path: str) -> None:
    reply = client.ask(method, path)
    assert reply.status_code == (200 if name in PUBLIC else 401)
    if name not in PUBLIC:
        assert reply.headers["WWW-Authenticate"] == 'Bearer realm="slipway"'


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_a_token_without_a_role_is_not_enough(client: Client, name: str, method: str, path: str) -> None:
    reply = client.ask(method, path, headers={"Authorization": f"Bearer {client.token()}"})
    assert reply.status_code == (200 if name in PUBLIC else 403)


def test_ready_says_yes_or_no_and_nothing_else(client: Client) -> None:
    assert client.ask("GET", "/health/ready").json() == {"ready": True}


def test_protected_resource_names_the_issuer_and_the_audience(client: Client, stack: Stack) -> None:
    document = client.ask("GET", "/.well-known/oauth-protected-resource").json()
    assert document["resource"] == AUDIENCE
    assert document["authorization_servers"] == [stack.issuer]
