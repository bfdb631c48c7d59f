"""The HTTP edge: every error has its row, and nothing leaves but what the table says."""

import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import RFC_4122, UUID

import azure.functions as func
import orjson
import pytest

import shared.errors
from shared.errors import (
    AuthError,
    ConfigurationError,
    CredentialsMalformed,
    IdentityProviderUnavailable,
    JobNotFound,
    ModelNotReady,
    NotAuthenticated,
    NotAuthorized,
    Overloaded,
    PayloadTooLarge,
    SchemaMismatch,
    ScoringFailed,
    ScoringTimeout,
    SlipwayError,
    StaleAttempt,
    StaleDocument,
    StorageUnavailable,
    TokenRejected,
    UnsupportedMediaType,
)
from shared.triggers.http import ERROR_TABLE, Call, Reply, bounded, json_reply, respond, row_for


def tree(kind: type[SlipwayError] = SlipwayError) -> Iterator[type[SlipwayError]]:
    yield kind
    for below in below_in_the_tree(kind):
        yield from tree(below)


def below_in_the_tree(kind: type[SlipwayError]) -> list[type[SlipwayError]]:
    """Without what tests derive."""
    return [below for below in kind.__subclasses__() if below.__module__ == SlipwayError.__module__]


ALL = list(dict.fromkeys(tree()))
LEAVES = [kind for kind in ALL if not below_in_the_tree(kind)]


def request(headers: dict[str, str] | None = None, body: bytes = b"") -> func.HttpRequest:
    return func.HttpRequest("POST", "https://app/x", headers=headers or {}, route_params={"endpoint": "f"}, body=body)


async def answer(error: Exception | None = None, headers: dict[str, str] | None = None) -> func.HttpResponse:
    async def body(call: Call) -> Reply:
        if error is not None:
            raise error
        return json_reply({"id": call.id})

    return await respond(request(headers), body)


def document(response: func.HttpResponse) -> Any:
    return orjson.loads(response.get_body())


@pytest.mark.parametrize("kind", LEAVES)
def test_every_leaf_of_the_error_tree_has_a_row(kind: type[SlipwayError]) -> None:
    row = row_for(kind("why"))
    assert row in ERROR_TABLE.values()
    assert 400 <= row.status < 600


def test_every_row_of_the_table_is_some_errors_row() -> None:
    used = {next(base for base in kind.__mro__ if base in ERROR_TABLE) for kind in LEAVES}
    raised_above_their_leaves = {NotAuthenticated, shared.errors.InvalidTransition}
    assert set(ERROR_TABLE) == used | raised_above_their_leaves


@pytest.mark.parametrize("kind", LEAVES)
def test_what_may_be_retried_says_when_unless_the_status_says_so(kind: type[SlipwayError]) -> None:
    row = row_for(kind("why"))
    assert ("Retry-After" in row.headers) == (row.status in {429, 503})
    assert kind.retryable <= (row.status in {408, 429, 503})


def test_codes_are_unique_and_named_as_their_class() -> None:
    assert {kind.__name__: kind.code for kind in ALL[1:]} == {kind.__name__: kind.__name__ for kind in ALL[1:]}


def drawn(docstring: str) -> Iterator[tuple[int, str]]:
    """Depth and name of each class in the docstring's tree: several may share a line, and a remark may follow."""
    lines = docstring.splitlines()
    start = lines.index("SlipwayError")
    for line in lines[start : lines.index("", start)]:
        names = re.split(r" {2,}", line.strip())[0]
        for name in names.split(", "):
            yield (len(line) - len(line.lstrip())) // 4, name


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    path: list[str] = []
    edges = []
    for depth, name in drawn(shared.errors.__doc__ or ""):
        path[depth:] = [name]
        edges.append((path[depth - 1] if depth else "Exception", name))
    assert sorted(edges) == sorted((kind.__base__.__name__, kind.__name__) for kind in ALL if kind.__base__)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (NotAuthenticated, 401),
        (TokenRejected, 401),
        (CredentialsMalformed, 400),
        (NotAuthorized, 403),
        (SchemaMismatch, 400),
        (UnsupportedMediaType, 415),
        (PayloadTooLarge, 413),
        (JobNotFound, 404),
        (StaleAttempt, 409),
        (StaleDocument, 412),
        (ModelNotReady, 503),
        (Overloaded, 429),
        (ScoringTimeout, 408),
        (ScoringFailed, 424),
        (StorageUnavailable, 503),
        (IdentityProviderUnavailable, 503),
    ],
)
async def test_an_error_leaves_as_its_status_code_and_message(kind: type[SlipwayError], status: int) -> None:
    response = await answer(kind("do this"))
    assert (response.status_code, response.mimetype) == (status, "application/json")
    assert document(response) == {"error": {"code": kind.code, "message": "do this"}}


async def test_a_missing_setting_is_told_to_the_log_and_not_to_callers(caplog: pytest.LogCaptureFixture) -> None:
    response = await answer(ConfigurationError("the setting SLIPWAY_TENANT_ID is missing"))
    assert response.status_code == 503
    assert document(response)["error"]["code"] == "ConfigurationError"
    assert b"SLIPWAY" not in response.get_body()
    assert "the setting SLIPWAY_TENANT_ID is missing" in caplog.text


@pytest.mark.parametrize(
    ("kind", "challenge"),
    [
        (NotAuthenticated, 'Bearer realm="slipway"'),
        (TokenRejected, 'Bearer realm="slipway", error="invalid_token"'),
        (CredentialsMalformed, 'Bearer realm="slipway", error="invalid_request"'),
        (NotAuthorized, 'Bearer realm="slipway", error="insufficient_scope"'),
    ],
)
async def test_refused_callers_are_challenged_as_rfc_6750_says(kind: type[AuthError], challenge: str) -> None:
    """Section 3.1: no error code where no credentials came."""
    assert (await answer(kind("why"))).headers["WWW-Authenticate"] == challenge


async def test_only_refused_callers_are_challenged() -> None:
    challenged = {kind for kind in LEAVES if "WWW-Authenticate" in (await answer(kind("why"))).headers}
    assert challenged == {kind for kind in LEAVES if issubclass(kind, AuthError)}


async def test_a_failed_model_leaves_with_azure_mls_headers() -> None:
    headers = (await answer(ScoringFailed("the model failed: x"))).headers
    assert headers["ms-azureml-model-error-statuscode"] == "500"
    assert headers["ms-azureml-model-error-reason"] == "model_error"


async def test_every_reply_has_an_id_made_by_the_server() -> None:
    for error in (None, SchemaMismatch("why"), RuntimeError("why")):
        first, second = [(await answer(error, {"x-request-id": "mine"})).headers["x-request-id"] for _ in range(2)]
        assert first != second
        assert (str(UUID(first)), UUID(first).version, UUID(first).variant) == (first, 4, RFC_4122)


async def test_the_body_of_a_call_sees_the_id_of_its_reply() -> None:
    response = await answer()
    assert document(response) == {"id": response.headers["x-request-id"]}


async def test_a_bodys_own_headers_come_beside_those_of_every_reply() -> None:
    async def body(call: Call) -> Reply:
        return json_reply({}, 202, {"location": "/jobs/1"})

    response = await respond(request({"x-ms-client-request-id": "abc"}), body)
    assert response.status_code == 202
    assert sorted(response.headers.keys()) == ["content-type", "location", "x-ms-client-request-id", "x-request-id"]


@pytest.mark.parametrize("client_id", ["a", "A-z_0", "x" * 100])
async def test_a_well_formed_client_request_id_is_echoed(client_id: str) -> None:
    for error in (None, SchemaMismatch("why"), RuntimeError("why")):
        response = await answer(error, {"X-MS-Client-Request-Id": client_id})
        assert response.headers["x-ms-client-request-id"] == client_id


@pytest.mark.parametrize("client_id", ["", " ", "x" * 101, "a b", "a\r\nset-cookie: x=1", "a\n", "ä", "a/b", "<b>"])
async def test_any_other_client_request_id_is_dropped(client_id: str) -> None:
    assert "x-ms-client-request-id" not in (await answer(None, {"x-ms-client-request-id": client_id})).headers


async def test_an_unexpected_error_tells_its_caller_nothing_and_the_log_everything(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = await answer(ValueError("secret in /home/app/key.pem"))
    assert response.status_code == 500
    assert document(response)["error"]["code"] == "InternalError"
    text = response.get_body().decode() + repr(dict(response.headers))
    assert not [word for word in ("secret", "/home", "ValueError", "Traceback") if word in text]
    assert "secret in /home/app/key.pem" in caplog.text
    assert response.headers["x-request-id"] in caplog.text


async def test_what_only_this_side_can_mend_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        await answer(SchemaMismatch("the callers mistake"))
        response = await answer(StorageUnavailable("storage does not answer"))
    assert "the callers mistake" not in caplog.text
    assert f"request {response.headers['x-request-id']}: StorageUnavailable: storage does not answer" in caplog.text


def test_an_error_without_a_row_of_its_own_takes_its_bases_row() -> None:
    class Newcomer(StorageUnavailable):
        pass

    assert row_for(Newcomer("why")) == row_for(StorageUnavailable("why"))
    assert row_for(SlipwayError("why")).status == 500


def test_a_body_is_taken_up_to_its_bound() -> None:
    assert bounded(b"12345", 5) == b"12345"
    with pytest.raises(PayloadTooLarge, match="6 bytes, but at most 5"):
        bounded(b"123456", 5)


async def test_a_call_reads_headers_that_came_in_any_case() -> None:
    async def body(call: Call) -> Reply:
        return json_reply(
            [call.header("authorization"), call.header("absent"), call.body.decode(), call.route("endpoint")]
        )

    reply = await respond(request({"Authorization": "Bearer x"}, b"body"), body)
    assert orjson.loads(reply.get_body()) == ["Bearer x", None, "body", "f"]
