"""From an Authorization header to a principal: pure, given the keys and the time.

The order of the checks in `verify` is the contract. Sources: RFC 6750 (bearer), RFC 7515 and 7519 (JWT), and
https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens (Entra's tokens).
"""

import base64
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from shared.auth import claims as read
from shared.auth.access import Principal
from shared.auth.keys import KeyId, SigningKey
from shared.auth.rules import TokenRules, TokenVersion
from shared.errors import CredentialsMalformed, NotAuthenticated, NotAuthorized, TokenRejected

ALGORITHM = "RS256"
MAX_TOKEN_BYTES = 16_384
LEEWAY_S = 60.0

# RFC 6750, section 2.1: scheme, spaces, b64token. A scheme is taken in any case (RFC 9110, section 11.1).
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)", re.ASCII)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_CLIENT_CLAIM = {TokenVersion.V1: "appid", TokenVersion.V2: "azp"}


class Verified(NamedTuple):
    principal: Principal
    expires_at: float
    key_id: KeyId


def parse_bearer(header: str | None) -> str:
    """The token of an Authorization header.

    Raises NotAuthenticated when no header came or one of another scheme, which RFC 6750, section 3.1 answers
    without an error code, and CredentialsMalformed when a bearer header cannot be read.
    """
    scheme, _, rest = (header or "").strip().partition(" ")
    if not scheme or (rest and scheme.lower() != "bearer"):
        raise NotAuthenticated(
            "send an Entra ID access token, or a key where the endpoint takes keys, in the header "
            "Authorization: Bearer <token or key>"
        )
    if len(rest) > MAX_TOKEN_BYTES:
        raise TokenRejected("the token is too large")
    found = _BEARER.fullmatch(f"{scheme} {rest}")
    if found is None:
        raise CredentialsMalformed("the Authorization header must be: Bearer <token>")
    return found[1]


def key_id_of(token: str) -> KeyId:
    """Which key the token says it is signed with; nothing of it is believed before that key has proved it.

    `jku`, `x5u`, `x5c` and `jwk` are never looked at.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRejected("the token is too large")
    if not _COMPACT.fullmatch(token):
        raise TokenRejected("the token is not a signed JWT")
    header_part, payload_part, _ = token.split(".")
    header = read.parse(_decode(header_part))
    if read.text(header, "alg") != ALGORITHM:
        raise TokenRejected("the token's signature algorithm is not accepted")
    if "crit" in header:
        raise TokenRejected("the token asks for an extension that is not known")  # RFC 7515, section 4.1.11
    kid = read.text(header, "kid")
    version = read.text(read.parse(_decode(payload_part)), "ver")
    if version not in _CLIENT_CLAIM:
        raise TokenRejected("the token's version is not known")
    return KeyId(TokenVersion(version), kid)


def verify(token: str, keys: Mapping[str, SigningKey], rules: TokenRules, now: float) -> Verified:
    """Authenticates, then authorises. `keys` by kid, of the token's version; `now` in seconds since 1970.

    Raises TokenRejected for a token that is not good, NotAuthorized for a good one that may do nothing here.
    """
    key_id = key_id_of(token)
    key = keys.get(key_id.kid)
    if key is None:
        raise TokenRejected("the token's signing key is not known")
    claims = _signed_claims(token, key)
    expires_at = _check_time(claims, now)
    issuer = _check_issuer(claims, rules, key_id.version)
    _check_audience(claims, rules)
    _check_tenant(claims, rules, issuer)
    _check_key_issuer(key, rules, key_id.version)
    principal = _principal(claims, rules, key_id.version)
    _check_granted(principal, rules)
    return Verified(principal, expires_at, key_id)


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenRejected("the token is not a signed JWT") from None


@cache
def _signatures() -> tuple[Any, type[Exception]]:
    """PyJWT's verifier and its error. With it comes cryptography, which a process that only indexes never needs."""
    from jwt import PyJWTError
    from jwt.api_jws import PyJWS

    return PyJWS(algorithms=[ALGORITHM]), PyJWTError


def _signed_claims(token: str, key: SigningKey) -> read.Claims:
    signatures, failure = _signatures()
    try:
        payload: bytes = signatures.decode(token, key.key, algorithms=[ALGORITHM])
    except failure:
        raise TokenRejected("the token's signature is not good") from None
    return read.parse(payload)


def _check_time(claims: read.Claims, now: float) -> float:
    expires_at = read.seconds(claims, "exp")
    if now >= expires_at + LEEWAY_S:
        raise TokenRejected("the token has expired")
    if "nbf" in claims and now < read.seconds(claims, "nbf") - LEEWAY_S:
        raise TokenRejected("the token is not valid yet")
    return expires_at


def _check_issuer(claims: read.Claims, rules: TokenRules, version: TokenVersion) -> str:
    issuer = read.text(claims, "iss")
    if issuer != rules.authorities[version].issuer:
        raise TokenRejected("the token's issuer is not accepted")
    return issuer


def _check_audience(claims: read.Claims, rules: TokenRules) -> None:
    if read.text(claims, "aud") not in rules.audiences:
        raise TokenRejected("the token is meant for another audience")


def _check_tenant(claims: read.Claims, rules: TokenRules, issuer: str) -> None:
    tenant_id = read.guid(claims, "tid")
    if tenant_id != rules.tenant_id or tenant_id not in issuer.split("/"):
        raise TokenRejected("the token's tenant is not accepted")


def _check_key_issuer(key: SigningKey, rules: TokenRules, version: TokenVersion) -> None:
    """A key signs only for the issuer that its key document names, `{tenantid}` standing for any tenant.

    The v2 documents name one for every key. The v1 documents name none, or the v2 form; Microsoft's validator
    takes both for v1 tokens (Microsoft.IdentityModel.Validators, AadTokenValidationParametersExtension).
    """
    if key.issuer is None and version is TokenVersion.V1:
        return
    named = (key.issuer or "").replace("{tenantid}", rules.tenant_id)
    if named not in {rules.authorities[version].issuer, rules.authorities[TokenVersion.V2].issuer}:
        raise TokenRejected("the token's signing key belongs to another issuer")


def _principal(claims: read.Claims, rules: TokenRules, version: TokenVersion) -> Principal:
    """A token with `scp` speaks for a user; one without is an application's own, and must look like one.

    That is `idtyp` app, or `sub` equal to `oid` where the optional claim `idtyp` is not configured. ID tokens
    fail here even where a front end shares the API's client id, and with it the audience: they have neither.
    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    object_id = read.guid(claims, "oid")
    delegated = "scp" in claims
    kind = claims.get("idtyp", "app" if claims.get("sub") == claims["oid"] else "user")
    if not delegated and kind != "app":
        raise TokenRejected("the token is no access token of an application or of a user")
    return Principal(
        tenant_id=rules.tenant_id,
        object_id=object_id,
        client_id=read.guid(claims, _CLIENT_CLAIM[version]),
        kind="user" if delegated else "app",
        roles=read.texts(claims, "roles"),
        scopes=read.words(claims, "scp"),
    )


def _check_granted(principal: Principal, rules: TokenRules) -> None:
    """Any principal of the tenant can get a token for the API: only roles and scopes say that it may call."""
    if principal.kind == "app" and rules.allowed_clients and principal.client_id not in rules.allowed_clients:
        raise NotAuthorized("the calling application is not among those that may call")
    if principal.kind == "user" and rules.required_scope not in principal.scopes:
        raise NotAuthorized(f"the token lacks the scope {rules.required_scope}")
    if not principal.roles:
        raise NotAuthorized("the token holds no app role of this API")
