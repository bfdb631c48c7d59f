"""The keys' adapter against a real HTTP server, and the whole walk of a token with it."""

import base64
import json
import socket
from collections.abc import Iterator

import pytest

from shared.adapters.entra import MAX_DOCUMENT_BYTES, EntraKeys
from shared.auth.authenticate import Authenticator
from shared.auth.keys import KeyRing
from shared.auth.rules import TokenVersion
from shared.auth.verified import VerifiedTokens
from shared.errors import IdentityProviderUnavailable, TokenRejected
from tests.unit.adapters.key_server import KEYS, METADATA, Answer, KeyServer, key_server
from tests.unit.auth.issuing import (
    ABSENT,
    NOW,
    OBJECT,
    OTHER_TENANT,
    TENANT,
    V1,
    V2,
    app_claims,
    jwk,
    private_key,
    sign,
    some_rules,
    user_claims,
)

BOTH = pytest.mark.parametrize("version", [V1, V2])


@pytest.fixture
def server() -> Iterator[KeyServer]:
    with key_server() as running:
        yield running


def trouble(server: KeyServer, timeout_s: float = 5.0) -> str:
    """What is told when the keys cannot be had; it names the host, and no path of it."""
    with pytest.raises(IdentityProviderUnavailable) as caught:
        EntraKeys(server.rules, timeout_s).fetch(V2)
    told = caught.value.message
    assert told.startswith(f"the token issuer 127.0.0.1:{server.server_port} ")
    assert TENANT not in told
    return told


@BOTH
def test_the_keys_are_where_the_metadata_says(server: KeyServer, version: TokenVersion) -> None:
    server.publish(version, "one", "two")
    keys = EntraKeys(server.rules).fetch(version)
    assert server.asked == [METADATA[version], KEYS[version]]
    assert {kid: key.key for kid, key in keys.items()} == {kid: private_key(kid).public_key() for kid in ("one", "two")}
    assert {key.issuer for key in keys.values()} == {server.issuer(V2) if version is V2 else None}


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": ABSENT},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kid": ABSENT},
        {"kid": 7},
        {"issuer": ["https://elsewhere"]},
        {"n": ABSENT},
        {"n": "!"},
        {"n": 7},
        {"n": None},
        {"n": ""},
        {"e": "AA"},
        {"e": {}},
        {"cloud_instance_name": "microsoftonline.us"},
    ],
)
def test_keys_that_cannot_be_used_are_passed_over(server: KeyServer, changes: dict[str, object]) -> None:
    issuer = server.issuer(V2)
    metadata = {"issuer": issuer, "jwks_uri": server.origin + KEYS[V2], "cloud_instance_name": "microsoftonline.com"}
    server.say(METADATA[V2], metadata)
    server.say(KEYS[V2], {"keys": [jwk("two", **changes), "no key", None, jwk("one")]})
    assert set(EntraKeys(server.rules).fetch(V2)) == {"one"}
    server.say(KEYS[V2], {"keys": [jwk("two", **changes)]})
    assert "no key that can be used" in trouble(server)


def test_short_keys_are_passed_over(server: KeyServer) -> None:
    numbers = private_key("short", 1024).public_key().public_numbers()
    modulus = base64.urlsafe_b64encode(numbers.n.to_bytes(128)).decode().rstrip("=")
    server.say(KEYS[V2], {"keys": [jwk("one", kid="short", n=modulus)]})
    assert "no key that can be used" in trouble(server)


def test_a_private_part_in_the_document_is_not_read(server: KeyServer) -> None:
    server.say(KEYS[V2], {"keys": [jwk("one", d="AQAB", p="AQ", q="AQ")]})
    assert EntraKeys(server.rules).fetch(V2)["one"].key == private_key("one").public_key()


@pytest.mark.parametrize("keys", [ABSENT, None, {}, "keys", [], 7])
def test_a_document_without_keys_is_trouble(server: KeyServer, keys: object) -> None:
    server.say(KEYS[V2], {} if keys is ABSENT else {"keys": keys})
    assert "no key that can be used" in trouble(server)


@pytest.mark.parametrize("issuer", ["https://elsewhere/v2.0", "", None, 7, ABSENT])
def test_metadata_of_another_issuer_is_trouble(server: KeyServer, issuer: object) -> None:
    server.say(METADATA[V2], {"jwks_uri": server.origin + KEYS[V2]} | ({} if issuer is ABSENT else {"issuer": issuer}))
    assert "metadata of another issuer" in trouble(server)
    server.say(METADATA[V2], {"issuer": server.issuer(V2).replace(TENANT, OTHER_TENANT)})
    assert "metadata of another issuer" in trouble(server)
    assert server.asked == [METADATA[V2]] * 2


def test_the_tenant_template_of_the_metadata_is_filled_in(server: KeyServer) -> None:
    issuer = f"{server.origin}/{{tenantid}}/v2.0"
    server.say(METADATA[V2], {"issuer": issuer, "jwks_uri": server.origin + KEYS[V2]})
    assert set(EntraKeys(server.rules).fetch(V2)) == {"one"}


def test_keys_at_another_address_are_never_asked_for(server: KeyServer) -> None:
    port = server.server_port
    for address in (
        f"https://127.0.0.1:{port}/keys",
        f"http://localhost:{port}/keys",
        f"http://127.0.0.1:{port}0/keys",
        f"http://127.0.0.1:{port}@elsewhere.example/keys",
        f"http://elsewhere.example\\@127.0.0.1:{port}/keys",
        f" http://127.0.0.1:{port}/keys",
        "/keys",
        "file:///etc/passwd",
        "",
        None,
        7,
    ):
        server.say(METADATA[V2], {"issuer": server.issuer(V2), "jwks_uri": address})
        assert "at another address" in trouble(server)
    assert set(server.asked) == {METADATA[V2]}


@pytest.mark.parametrize("path", [METADATA[V2], KEYS[V2]])
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Answer(b"{}", 500), "answered with status 500"),
        (Answer(b"{}", 404), "answered with status 404"),
        (Answer(b"", 204), "answered with status 204"),
        (Answer(b"", 302, (("Location", "/elsewhere"),)), "answered with status 302"),
        (Answer(b""), "not JSON"),
        (Answer(b"<html>"), "not JSON"),
        (Answer(b"\xff\xfe\x00"), "not JSON"),
        (Answer(b"[" * 100_000), "not JSON"),
        (Answer(b"[]"), "no JSON object"),
        (Answer(b"x" * (MAX_DOCUMENT_BYTES + 1)), "too much"),
        (Answer(b"{}", headers=(("Content-Length", "50"),)), "cannot be reached"),
        (Answer(b"not gzip", headers=(("Content-Encoding", "gzip"),)), "cannot be reached"),
    ],
)
def test_an_answer_that_is_not_the_document_is_trouble(server: KeyServer, path: str, answer: Answer, told: str) -> None:
    server.answers[path] = answer
    server.say("/elsewhere", json.loads(server.answers[KEYS[V1]].body))
    assert told in trouble(server)
    assert "/elsewhere" not in server.asked


def test_an_issuer_that_is_not_there_is_trouble() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        rules = some_rules(local_issuer=f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(IdentityProviderUnavailable, match="cannot be reached; try again in a moment"):
            EntraKeys(rules).fetch(V2)


def test_an_issuer_that_does_not_answer_is_trouble(server: KeyServer) -> None:
    server.holding.clear()
    assert "did not answer in time" in trouble(server, timeout_s=0.05)


def test_an_answer_that_takes_too_long_altogether_is_trouble(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(range(0, 1000, 4))
    monkeypatch.setattr("shared.adapters.entra.time.monotonic", lambda: float(next(moments)))
    server.answers[METADATA[V2]] = Answer(b" " * 50_000)
    assert "did not answer in time" in trouble(server)


def test_the_way_to_loopback_leads_through_no_proxy(server: KeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert set(EntraKeys(server.rules).fetch(V2)) == {"one"}
    assert all("Authorization" not in headers for headers in server.asked_with)


def door(server: KeyServer, **settings: object) -> Authenticator:
    rules = some_rules(**({"local_issuer": server.origin} | settings))
    return Authenticator(rules, KeyRing(EntraKeys(server.rules)), VerifiedTokens(), lambda: NOW)


@BOTH
async def test_a_local_issuers_tokens_are_taken_where_the_setting_names_it(
    server: KeyServer, version: TokenVersion
) -> None:
    authenticator = door(server)
    for claims in (app_claims, user_claims):
        token = sign(claims(version, iss=server.issuer(version)))
        for _ in range(2):
            assert (await authenticator.authenticate(f"Bearer {token}")).object_id == OBJECT
    assert server.asked == [METADATA[version], KEYS[version]]


@BOTH
async def test_a_local_issuers_tokens_are_rejected_without_the_setting(
    server: KeyServer, version: TokenVersion
) -> None:
    token = sign(app_claims(version, iss=server.issuer(version)))
    with pytest.raises(TokenRejected, match="issuer is not accepted"):
        await door(server, local_issuer="").authenticate(f"Bearer {token}")


@BOTH
async def test_entras_tokens_are_rejected_where_a_local_issuer_is_set(server: KeyServer, version: TokenVersion) -> None:
    with pytest.raises(TokenRejected, match="issuer is not accepted"):
        await door(server).authenticate(f"Bearer {sign(app_claims(version))}")


async def test_no_keys_and_no_issuer_is_never_a_yes(server: KeyServer) -> None:
    server.answers.clear()
    token = sign(app_claims(iss=server.issuer(V2)))
    with pytest.raises(IdentityProviderUnavailable, match="status 404"):
        await door(server).authenticate(f"Bearer {token}")
