"""What an endpoint file may say about its deployments' requests, its callers and their web pages."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.endpoints.deployment import Deployment, RequestSettings
from tests.unit.endpoints.documents import DIGEST, draft

MODEL = {"name": "iris", "version": "1", "digest": DIGEST}


def deployment(**changes: Any) -> Deployment:
    return Deployment.model_validate({"model": MODEL, **changes})


def test_a_deployment_needs_a_model_and_nothing_else() -> None:
    plain = deployment()
    assert (plain.environment, plain.environment_variables, plain.worker_count) == (None, {}, 1)
    assert plain.request_settings == RequestSettings(
        request_timeout_ms=5000,
        max_concurrent_requests_per_instance=2,
        max_queue=64,
        max_queue_wait_ms=None,
        max_batch_rows=256,
    )


@pytest.mark.parametrize(
    ("field", "lowest", "highest"),
    [
        ("request_timeout_ms", 1, 180_000),
        ("max_concurrent_requests_per_instance", 1, 64),
        ("max_queue", 0, 1000),
        ("max_queue_wait_ms", 1, 180_000),
        ("max_batch_rows", 1, 4096),
    ],
)
def test_request_settings_are_bounded(field: str, lowest: int, highest: int) -> None:
    for value in (lowest, highest):
        assert getattr(deployment(request_settings={field: value}).request_settings, field) == value
    for wrong in (lowest - 1, highest + 1, "many", 1.5):
        with pytest.raises(ValidationError):
            deployment(request_settings={field: wrong})


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": "../venv"},
        {"worker_count": 0},
        {"worker_count": 9},
        {"environment_variables": {"1A": "x"}},
        {"environment_variables": {"A-B": "x"}},
        {"environment_variables": {"A\n": "x"}},
        {"environment_variables": {"": "x"}},
        {"environment_variables": {"A": "x\0"}},
        {"environment_variables": {"A": "x" * 4097}},
        {"environment_variables": {"A": 1}},
        {"environment_variables": {f"A{number}": "x" for number in range(101)}},
    ],
)
def test_an_environment_that_no_process_can_have_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        deployment(**changes)


def test_environment_variables_are_kept_as_they_are() -> None:
    variables = {"_A1": "", "OMP_NUM_THREADS": "1", "text": "two\nlines ä"}
    assert deployment(environment_variables=variables).environment_variables == variables


@pytest.mark.parametrize("modes", [["entra"], ["key"], ["entra", "key"]])
def test_an_endpoint_takes_tokens_or_keys_or_both(modes: list[str]) -> None:
    assert list(draft(auth_mode=modes).auth_mode) == modes
    assert draft().auth_mode == ("entra",)


def test_an_endpoint_that_lets_nobody_in_is_refused() -> None:
    with pytest.raises(ValidationError):
        draft(auth_mode=[])


@pytest.mark.parametrize(
    "origin", ["https://a.example", "https://a-b.example:8443", "http://localhost:3000", "http://127.0.0.1", "*"]
)
def test_origins_are_taken_as_browsers_send_them(origin: str) -> None:
    cors = draft(cors={"allowed_origins": [origin]}).cors
    assert cors is not None
    assert (cors.allowed_origins, cors.allowed_headers, cors.max_age_s) == ((origin,), (), 600)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "a.example",
        "http://a.example",
        "https://A.example",
        "https://a.example/",
        "https://a.example:443",
        "https://a.example:0",
        "https://*.example",
        "https://a.example https://b.example",
        "https://a.example\r\nx: y",
        "https://a.example\n",
        "https://user@a.example",
    ],
)
def test_any_other_origin_is_refused_and_says_how_it_is_written(origin: str) -> None:
    with pytest.raises(ValidationError, match="https://host"):
        draft(cors={"allowed_origins": [origin]})


@pytest.mark.parametrize(
    "cors",
    [
        {},
        {"allowed_origins": []},
        {"allowed_origins": ["*", "https://a.example"]},
        {"allowed_origins": ["*"], "allowed_headers": ["x y"]},
        {"allowed_origins": ["*"], "allowed_headers": ["x\r\n"]},
        {"allowed_origins": ["*"], "max_age_s": -1},
        {"allowed_origins": ["*"], "max_age_s": 86_401},
        {"allowed_origins": ["*"], "allow_credentials": True},
    ],
)
def test_other_cors_settings_are_refused(cors: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        draft(cors=cors)


def test_a_quota_is_a_number_of_requests_or_none() -> None:
    assert draft().quota.requests_per_minute is None
    assert draft(quota={"requests_per_minute": 60}).quota.requests_per_minute == 60
    with pytest.raises(ValidationError):
        draft(quota={"requests_per_minute": 0})
