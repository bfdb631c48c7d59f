"""What an endpoint's documents may say."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.endpoints.spec import Draft, Endpoint, Revision, with_traffic
from shared.errors import DeploymentNotFound, InvalidTransition
from tests.unit.endpoints.documents import (
    DIGEST,
    LATER,
    NIGHTLY,
    deployments,
    draft,
    endpoint,
    fields,
    refusal,
    revision,
)


@pytest.mark.parametrize("name", ["abc", "A-1", "flight-delay", "x" * 32])
def test_names_follow_azure_mls_rule(name: str) -> None:
    document = {"name": name, "deployments": deployments(name)}
    assert Draft.model_validate(document).name == name


@pytest.mark.parametrize(
    "name", ["", "ab", "x" * 33, "1abc", "-abc", "abc-", "a_b", "a.b", "a/b", "a..b", "äbc", "abc\n", " abc", "a b"]
)
def test_other_names_are_refused_for_endpoints_deployments_and_schedules(name: str) -> None:
    assert refusal({"name": name, "deployments": deployments("blue")})
    assert refusal(fields(name))
    assert refusal(fields(batch={"schedules": [{**NIGHTLY, "name": name}]}))


@pytest.mark.parametrize(
    "traffic", [{}, {"blue": 0}, {"blue": 100}, {"blue": 0, "green": 100}, {"blue": 50, "green": 50}]
)
def test_traffic_adds_up_to_0_or_100(traffic: dict[str, int]) -> None:
    assert draft("blue", "green", traffic=traffic).traffic == traffic


@pytest.mark.parametrize(
    "traffic",
    [
        {"blue": 99},
        {"blue": 1},
        {"blue": 100, "green": 100},
        {"blue": 50},
        {"blue": 150, "green": -50},
        {"blue": -100, "green": 100},
        {"blue": 101, "green": -1},
        {"red": 100},
        {"blue": 100, "red": 0},
    ],
)
def test_any_other_traffic_is_refused_in_a_draft_and_later(traffic: dict[str, Any]) -> None:
    assert refusal(fields("blue", "green", traffic=traffic))
    with pytest.raises(InvalidTransition):
        with_traffic(endpoint({"blue": 100, "green": 0}), traffic, LATER, "bob")


def test_deployments_that_traffic_names_and_that_are_not_there_are_named() -> None:
    assert "traffic names red, which is not a deployment" in refusal(fields("blue", traffic={"red": 100}))


@pytest.mark.parametrize("count", [0, 21])
def test_an_endpoint_has_1_to_20_deployments(count: int) -> None:
    assert refusal({"name": "flowers", "deployments": deployments(*(f"d{each:02}" for each in range(count)))})


def test_a_deployment_pins_its_model_to_the_byte() -> None:
    for change in ({"digest": "sha256:abc"}, {"digest": DIGEST.upper()}, {"name": "../x"}, {"version": "0"}):
        document = fields("blue")
        document["deployments"]["blue"]["model"] |= change
        assert refusal(document)
    assert str(draft("blue").deployments["blue"].model.ref) == "iris/1"


@pytest.mark.parametrize("timeout_ms", [0, -1, 180_001])
def test_the_request_timeout_keeps_azure_mls_bounds(timeout_ms: int) -> None:
    document = fields("blue")
    document["deployments"]["blue"]["request_settings"] = {"request_timeout_ms": timeout_ms}
    assert refusal(document)


def test_fields_and_values_that_nobody_knows_are_refused() -> None:
    assert refusal(fields("blue", "green", traffic={"blue": 99.5, "green": 0.5}))
    assert refusal(fields("blue", colour="blue"))
    assert refusal(fields("blue", auth_mode=["none"]))
    assert refusal(fields("blue", batch={"error_threshold": -2}))


@pytest.mark.parametrize(
    ("field", "prefix"),
    [
        ("allowed_inputs", "models/"),
        ("allowed_inputs", "jobs/"),
        ("allowed_outputs", "inbox/flowers/"),
        ("allowed_outputs", "predictions/"),
        ("allowed_inputs", "data/*/"),
        ("allowed_inputs", "ftp://x/"),
    ],
)
def test_a_prefix_that_no_endpoint_may_have_is_refused(field: str, prefix: str) -> None:
    assert prefix in refusal(fields(batch={field: [prefix]}))


def test_batch_goes_to_the_deployment_that_the_file_names_also_without_traffic() -> None:
    named = endpoint({"blue": 100, "green": 0}, batch={"deployment": "green"})
    assert named.batch_deployment() == "green"
    assert "is not a deployment" in refusal(fields("blue", batch={"deployment": "green"}))


@pytest.mark.parametrize(
    ("traffic", "chosen"),
    [
        ({"blue": 90, "green": 10}, "blue"),
        ({"blue": 10, "green": 90}, "green"),
        ({"green": 50, "blue": 50}, "blue"),
        ({"blue": 0, "green": 100}, "green"),
    ],
)
def test_batch_goes_to_the_deployment_with_the_most_traffic(traffic: dict[str, int], chosen: str) -> None:
    assert endpoint(traffic).batch_deployment() == chosen


@pytest.mark.parametrize("traffic", [{}, {"blue": 0}])
def test_batch_without_a_named_deployment_and_without_traffic_is_not_found(traffic: dict[str, int]) -> None:
    with pytest.raises(DeploymentNotFound, match=r"set batch\.deployment"):
        endpoint(traffic, "blue").batch_deployment()


def test_an_unknown_deployment_is_not_found() -> None:
    with pytest.raises(DeploymentNotFound, match="endpoint 'flowers' has no deployment 'red'"):
        endpoint({"blue": 100}).deployment("red")


def test_documents_read_back_as_they_were() -> None:
    document = revision("blue", "green", traffic={"blue": 100}, batch={"schedules": [NIGHTLY]})
    assert Revision.model_validate_json(document.model_dump_json()) == document
    whole = endpoint({"blue": 100})
    assert Endpoint.model_validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize("version", [0, 2, "1"])
def test_documents_of_another_schema_version_are_refused(version: object) -> None:
    with pytest.raises(ValidationError):
        Revision.model_validate({**revision().model_dump(), "schema_version": version})
