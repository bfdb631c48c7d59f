"""Tokens as Entra makes them, signed with real RSA keys."""

import base64
import functools
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.api_jws import PyJWS

from shared.auth.keys import SigningKey
from shared.auth.rules import TokenRules, TokenVersion
from shared.settings import Settings

NOW = 1_800_000_000.0
TENANT = "11111111-aaaa-4aaa-8aaa-111111111111"
OTHER_TENANT = "22222222-bbbb-4bbb-8bbb-222222222222"
API_URI = "api://slipway"
API_CLIENT = "33333333-cccc-4ccc-8ccc-333333333333"
CALLER = "44444444-dddd-4ddd-8ddd-444444444444"
OBJECT = "55555555-eeee-4eee-8eee-555555555555"
V1, V2 = TokenVersion.V1, TokenVersion.V2
ISSUERS = {V1: f"https://sts.windows.net/{TENANT}/", V2: f"https://login.microsoftonline.com/{TENANT}/v2.0"}
ABSENT = object()


@functools.cache
def private_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The same key for the same name, as long as the tests run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def some_settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "data": "UseDevelopmentStorage=true",
        "tenant_id": TENANT,
        "audiences": (API_URI, API_CLIENT),
    }
    return Settings.model_validate(given | changes)


def some_rules(**changes: Any) -> TokenRules:
    return TokenRules.from_settings(some_settings(**changes))


def app_claims(version: TokenVersion = V2, /, **changes: object) -> dict[str, object]:
    """What an application's or a managed identity's own token says."""
    claims: dict[str, object] = {
        "aud": API_URI if version is V1 else API_CLIENT,
        "iss": ISSUERS[version],
        "iat": int(NOW) - 10,
        "nbf": int(NOW) - 10,
        "exp": int(NOW) + 3600,
        "appid" if version is V1 else "azp": CALLER,
        "oid": OBJECT,
        "sub": OBJECT,
        "tid": TENANT,
        "roles": ["Endpoint.Score"],
        "ver": str(version),
    }
    return {name: value for name, value in (claims | changes).items() if value is not ABSENT}


def user_claims(version: TokenVersion = V2, /, **changes: object) -> dict[str, object]:
    return app_claims(version, **({"sub": "pairwise", "scp": "openid user_impersonation"} | changes))


def sign(claims: Mapping[str, object] | bytes, kid: str = "one", key: Any = None, **header: Any) -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    chosen = header.pop("alg", "RS256")
    signing = private_key(kid) if key is None else key
    return PyJWS().encode(payload, signing, algorithm=chosen, headers={"kid": kid} | header)


def unsigned(header: object, claims: object, signature: bytes = b"x") -> str:
    """A token put together by hand, as no library would."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def signing_keys(*kids: str, issuer: str | None = ISSUERS[V2]) -> dict[str, SigningKey]:
    return {kid: SigningKey(kid, private_key(kid).public_key(), issuer) for kid in kids}


def jwk(kid: str, /, **changes: object) -> dict[str, object]:
    """A key as Entra's v2 key document lists it."""
    public = RSAAlgorithm.to_jwk(private_key(kid).public_key(), as_dict=True)
    listed = {
        "kty": "RSA",
        "use": "sig",
        "kid": kid,
        "n": public["n"],
        "e": public["e"],
        "issuer": ISSUERS[V2],
    }
    return {name: value for name, value in (listed | changes).items() if value is not ABSENT}
