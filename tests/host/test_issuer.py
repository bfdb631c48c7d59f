"""The local token issuer."""

import json
import socket
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from devhost.issuer import DEFAULT_TENANT, LocalIssuer
from devhost.stack import Stack


@pytest.fixture(scope="module")
def issuer() -> Iterator[LocalIssuer]:
    with LocalIssuer() as made:
        yield made


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as reply:
        return json.load(reply)


def _claims(token: str, keys: dict[str, Any], audience: str) -> dict[str, Any]:
    """Check the signature with the published key and return the claims."""
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=audience)
    return claims


@pytest.mark.parametrize(("version", "ending"), [("v2.0/", "/v2.0"), ("", "/")])
def test_metadata_leads_to_keys_that_name_their_issuer(issuer: LocalIssuer, version: str, ending: str) -> None:
    metadata = _get(f"{issuer.url}/{issuer.tenant}/{version}.well-known/openid-configuration")
    assert metadata["issuer"] == f"{issuer.url}/{issuer.tenant}{ending}"
    (key,) = _get(metadata["jwks_uri"])["keys"]
    assert key["issuer"] == metadata["issuer"]
    assert key["kid"] == issuer.keys[0].kid


def test_a_token_has_the_claims_of_an_app(issuer: LocalIssuer) -> None:
    token = issuer.mint(aud="api://x", roles=["Endpoint.Score"], oid="someone")
    claims = _claims(token, issuer.jwks(issuer.issuer), "api://x")
    assert claims["iss"] == issuer.issuer
    assert claims["tid"] == DEFAULT_TENANT
    assert (claims["oid"], claims["sub"]) == ("someone", "someone")
    assert (claims["ver"], claims["idtyp"], claims["azpacr"]) == ("2.0", "app", "1")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["roles"] == ["Endpoint.Score"]
    assert "rh" not in claims


def test_a_claim_can_be_replaced_or_left_out(issuer: LocalIssuer) -> None:
    token = issuer.mint(aud="a", iss="elsewhere", tid=None)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["iss"] == "elsewhere"
    assert "tid" not in claims


def test_after_a_rotation_both_keys_are_served_until_the_old_one_is_withdrawn() -> None:
    with LocalIssuer() as issuer:
        old = issuer.mint(aud="a")
        issuer.rotate()
        new = issuer.mint(aud="a")
        assert _claims(old, issuer.jwks(issuer.issuer), "a")
        assert _claims(new, issuer.jwks(issuer.issuer), "a")
        issuer.rotate(keep_old=False)
        assert len(issuer.jwks(issuer.issuer)["keys"]) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"client_id": "c", "scope": "api://x"},
        {"scope": "api://x/.default"},
        {"client_id": "c", "scope": "api://x/.default", "grant_type": "password"},
        {"client_id": "c", "scope": "api://x/.default", "lifetime_s": "long"},
    ],
)
def test_a_wrong_request_is_400(issuer: LocalIssuer, form: dict[str, str]) -> None:
    url = f"{issuer.url}/{issuer.tenant}/oauth2/v2.0/token"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=10)
    with caught.value as reply:
        assert (reply.code, json.load(reply)["error"]) == (400, "invalid_request")


def test_another_tenant_is_404(issuer: LocalIssuer) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        _get(f"{issuer.url}/another/v2.0/.well-known/openid-configuration")
    with caught.value as reply:
        assert reply.code == 404


def test_it_listens_on_loopback_only(issuer: LocalIssuer) -> None:
    assert issuer._server.server_address[0] == "127.0.0.1"
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", issuer._server.server_address[1]))


def test_a_stack_gets_tokens_from_its_issuer(stack: Stack) -> None:
    metadata = _get(f"{stack.issuer_url}/{stack.tenant}/v2.0/.well-known/openid-configuration")
    token = stack.token(["Endpoint.Score", "Endpoint.Read"], "api://x", oid="me", lifetime_s=60)
    claims = _claims(token, _get(metadata["jwks_uri"]), "api://x")
    assert metadata["issuer"] == stack.issuer == claims["iss"]
    assert (uuid.UUID(claims["oid"]).version, claims["roles"]) == (5, ["Endpoint.Score", "Endpoint.Read"])
    assert claims["exp"] - claims["iat"] == 60
