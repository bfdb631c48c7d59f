"""The OpenAPI document over HTTP, and whether the running app does what it says."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.app.client import Client

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {"post": 100, "get": 10}


@pytest.fixture(scope="module")
def told(client: Client, publish: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI document of an endpoint that takes tokens and keys."""
    publish("told", auth_mode=["entra", "key"])
    reply = client.ask("GET", "/endpoints/told/openapi.json", "Endpoint.Score")
    assert reply.status_code == 200
    return dict(reply.json())


def test_the_documents_are_valid_and_name_the_apps_own_issuer(client: Client, told: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(told).validate()
    flow = told["components"]["securitySchemes"]["oauth2"]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == client.stack.issuer.replace("/v2.0", "/oauth2/v2.0/token")
    old = client.ask("GET", "/endpoints/told/swagger.json", "Endpoint.Read").json()
    OpenAPIV2SpecValidator(old).validate()
    assert list(old["paths"]) == ["/score"]


def test_a_key_may_read_them_and_a_stranger_may_not(client: Client, told: dict[str, Any]) -> None:
    made = client.ask("POST", "/endpoints/told/keys", "Endpoint.Manage", json={"key_type": "primary"})
    headers = {"Authorization": f"Bearer {made.json()['key']}"}
    for path in ("/endpoints/told/openapi.json", "/endpoints/told/swagger.json"):
        assert client.ask("GET", path, headers=headers).status_code == 200
        assert client.ask("GET", path, "Endpoint.Batch").status_code == 403
        assert client.ask("GET", path).status_code == 401
        assert client.ask("GET", path.replace("told", "nowhere"), headers=headers).status_code == 401


def test_every_example_scores(client: Client, told: dict[str, Any]) -> None:
    scored = []
    for path, operations in told["paths"].items():
        for content_type, media in operations.get("post", {}).get("requestBody", {}).get("content", {}).items():
            for deployment, example in media.get("examples", {}).items():
                value = example["value"]
                parts = {"json": value} if content_type == "application/json" else {"data": value}
                headers = {"Content-Type": content_type, "azureml-model-deployment": deployment}
                address = path.replace("{version}", deployment)
                reply = client.ask("POST", address, "Endpoint.Score", headers=headers, **parts)
                assert reply.status_code == 200, (address, reply.text)
                assert reply.headers["azureml-model-deployment"] == deployment
                scored.append(path)
    assert "/endpoints/told/score" in scored


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
def test_the_app_answers_as_its_document_says_whatever_it_is_sent(
    client: Client, told: dict[str, Any], mode: GenerationMode
) -> None:
    """What fits the schemas, and what does not."""
    schema = schemathesis.openapi.from_dict(told)
    schema.config.update(base_url=client.stack.url)
    headers = {"Authorization": f"Bearer {client.token('Endpoint.Score', 'Endpoint.Read')}"}
    seen: Counter[int] = Counter()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES[operation.method],
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case[Any]) -> None:
            reply = case.call(headers=headers, timeout=30)
            case.validate_response(reply, checks=CHECKS)
            seen[reply.status_code] += 1

        ask()
    assert seen[200] > 0
    assert seen[400] > 100
