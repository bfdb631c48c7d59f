"""Tokens made to be believed, and tokens made to break things."""

import contextlib
import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import HMACAlgorithm

from shared.auth.tokens import MAX_TOKEN_BYTES, key_id_of, verify
from shared.errors import AuthError, TokenRejected
from tests.unit.auth.issuing import (
    ABSENT,
    NOW,
    V1,
    V2,
    app_claims,
    jwk,
    private_key,
    sign,
    signing_keys,
    some_rules,
    unsigned,
    user_claims,
)

RULES = some_rules()
GOOD = {version: sign(app_claims(version)) for version in (V1, V2)}


def rejected(token: str) -> str:
    with pytest.raises(TokenRejected) as caught:
        verify(token, signing_keys("one"), RULES, NOW)
    return caught.value.message


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "", "HS256", "RS512", "PS256", "ES256", "rs256", "RS256 "])
def test_only_the_configured_algorithm_is_accepted(alg: str) -> None:
    assert "algorithm is not accepted" in rejected(unsigned({"alg": alg, "kid": "one"}, app_claims()))


def test_an_unsigned_token_is_rejected() -> None:
    assert "not a signed JWT" in rejected(unsigned({"alg": "none", "kid": "one"}, app_claims(), b""))
    assert "signature is not good" in rejected(unsigned({"alg": "RS256", "kid": "one"}, app_claims()))


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("alg", ["HS256", "RS256"])
def test_the_public_key_is_no_secret(encoding: Encoding, alg: str) -> None:
    secret = private_key("one").public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    signed = unsigned({"alg": alg, "kid": "one"}, app_claims()).rpartition(".")[0]
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(signed.encode(), secret)
    rejected(unsigned({"alg": alg, "kid": "one"}, app_claims(), signature))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/cert"},
        {"jwk": jwk("attacker")},
        {"x5c": ["MIIC"], "x5t": "one"},
    ],
)
def test_keys_that_a_token_brings_along_are_not_looked_at(header: dict[str, Any]) -> None:
    forged = sign(app_claims(), kid="one", key=private_key("attacker"), **header)
    assert "signature is not good" in rejected(forged)
    assert "key is not known" in rejected(sign(app_claims(), kid="attacker", **header))
    assert verify(sign(app_claims(), **header), signing_keys("one"), RULES, NOW).key_id.kid == "one"


def test_a_token_signed_by_another_key_of_the_same_name_is_rejected() -> None:
    assert "signature is not good" in rejected(sign(app_claims(), key=private_key("attacker")))


def test_claims_cannot_be_exchanged() -> None:
    header, _, signature = GOOD[V2].split(".")
    payload = sign(app_claims(roles=["Endpoint.Manage"]), key=private_key("attacker")).split(".")[1]
    assert "signature is not good" in rejected(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("crit", [["exp"], [], None, "b64"])
def test_a_token_that_asks_for_an_extension_is_rejected(crit: object) -> None:
    assert "extension" in rejected(unsigned({"alg": "RS256", "kid": "one", "crit": crit}, app_claims()))


def test_a_detached_payload_is_rejected() -> None:
    rejected(unsigned({"alg": "RS256", "kid": "one", "b64": False}, app_claims()))


@pytest.mark.parametrize(
    "header",
    [
        [],
        "RS256",
        {},
        {"alg": "RS256"},
        {"alg": ["RS256"], "kid": "one"},
        {"alg": "RS256", "kid": 1},
        {"alg": "RS256", "kid": None},
        {"kid": "one"},
    ],
)
def test_a_header_without_algorithm_or_key_is_rejected(header: object) -> None:
    rejected(unsigned(header, app_claims()))


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", "é.b.c", "a.b.c=", "e30.e30.e30", "a b.c.d"]
)
def test_what_is_no_jwt_is_rejected(token: str) -> None:
    rejected(token)


@pytest.mark.parametrize("ver", [ABSENT, "", "1", "3.0", 2.0, None, ["2.0"]])
def test_an_unknown_version_is_rejected(ver: object) -> None:
    assert "ver" in rejected(sign(app_claims(ver=ver)))


def test_an_oversize_token_is_refused_before_it_is_parsed() -> None:
    assert "too large" in rejected(sign(app_claims(padding="x" * MAX_TOKEN_BYTES)))
    assert "too large" in rejected("a.b." + "c" * MAX_TOKEN_BYTES)


NO_DATES: list[object] = ["soon", "1", True, None, [], {}, -1, 1e300, 10**400]
NO_TEXTS: list[object] = [None, 7, True, [], {}, ["x"]]
NO_LISTS: list[object] = ["Endpoint.Score", None, {"Endpoint.Score": 1}, ["Endpoint.Score", 1], 7]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("exp", "nbf") for value in NO_DATES),
        *((name, value) for name in ("iss", "aud", "tid", "oid", "azp") for value in NO_TEXTS),
        *(("roles", value) for value in NO_LISTS),
        ("aud", ["api://slipway"]),
        ("oid", "me"),
        ("oid", ABSENT),
        ("azp", "my app"),
        ("azp", ABSENT),
    ],
)
def test_a_claim_of_the_wrong_type_is_a_rejected_token(name: str, value: object) -> None:
    assert name in rejected(sign(app_claims(**{name: value})))


@pytest.mark.parametrize("scopes", [["user_impersonation"], None, 7, {}])
def test_a_scope_of_the_wrong_type_is_a_rejected_token(scopes: object) -> None:
    assert "scp" in rejected(sign(user_claims(scp=scopes)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_a_token_that_never_ends_is_rejected(number: str) -> None:
    rejected(sign(json.dumps(app_claims(exp="END")).replace('"END"', number).encode()))


@pytest.mark.parametrize("payload", [b"", b"[]", b'"text"', b"7", b"\xff\xfe", b"[" * 8000, b'{"a":' * 2000])
def test_a_payload_that_is_no_json_object_is_rejected(payload: bytes) -> None:
    rejected(sign(payload) if payload else "e30..e30")


def test_nothing_of_the_token_is_in_the_message() -> None:
    claims = app_claims(aud="api://secret-name", padding="secret-name")
    for token in (sign(claims), sign(claims | {"exp": "secret-name"}), sign(claims, kid="secret-name")):
        assert "secret-name" not in rejected(token)


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True))
def test_random_text_is_never_more_than_an_auth_error(token: str) -> None:
    with pytest.raises(AuthError):
        verify(token, signing_keys("one"), RULES, NOW)


@given(st.sampled_from([V1, V2]), st.randoms(use_true_random=False), st.integers(1, 4))
def test_a_mutated_token_is_never_more_than_an_auth_error(version: Any, rng: random.Random, edits: int) -> None:
    characters = list(GOOD[version])
    for _ in range(edits):
        place = rng.randrange(len(characters))
        characters[place : place + rng.randrange(3)] = rng.choice(["", "A", ".", "-", "=", "é", "\x00"])
    mutated = "".join(characters)
    if mutated != GOOD[version]:
        with pytest.raises(AuthError):
            verify(mutated, signing_keys("one"), RULES, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(user_claims())) | st.just("idtyp"), JSON, max_size=4))
def test_any_signed_claims_are_a_principal_or_an_auth_error(changes: dict[str, object]) -> None:
    token = sign(user_claims(**changes))
    with contextlib.suppress(AuthError):
        assert verify(token, signing_keys("one"), RULES, NOW).principal.roles


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jwk"]), JSON))
def test_any_header_is_a_key_id_or_an_auth_error(header: dict[str, object]) -> None:
    with contextlib.suppress(AuthError):
        assert key_id_of(unsigned({"alg": "RS256"} | header, app_claims())).version is V2
