"""Entra's signing keys, over HTTPS; the local issuer's, over HTTP on loopback."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWTError
from jwt.algorithms import RSAAlgorithm

from shared.auth.keys import SigningKey
from shared.auth.rules import Authority, TokenRules, TokenVersion
from shared.errors import IdentityProviderUnavailable

TIMEOUT_S = 5.0
MAX_DOCUMENT_BYTES = 524_288
MIN_KEY_BITS = 2048


class EntraKeys:
    """A KeySource. Redirects are not followed, and only the issuer's own host is asked."""

    def __init__(self, rules: TokenRules, timeout_s: float = TIMEOUT_S) -> None:
        self._rules = rules
        self._timeout_s = timeout_s

    def fetch(self, version: TokenVersion) -> Mapping[str, SigningKey]:
        """Metadata, then the keys it points to. Every trouble is an IdentityProviderUnavailable."""
        authority = self._rules.authorities[version]
        with requests.Session() as session:
            # A proxy or .netrc of the environment is for the way out, never for loopback.
            session.trust_env = authority.origin.startswith("https://")
            metadata = self._read(session, authority, authority.metadata_url)
            self._check_issuer(metadata, authority)
            document = self._read(session, authority, _keys_address(metadata, authority))
        keys = {key.kid: key for key in _usable(document, metadata)}
        if not keys:
            raise _unavailable(authority, "publishes no key that can be used")
        return keys

    def _read(self, session: requests.Session, authority: Authority, address: str) -> Mapping[str, Any]:
        deadline = time.monotonic() + self._timeout_s
        body = bytearray()
        try:
            with session.get(address, timeout=self._timeout_s, allow_redirects=False, stream=True) as reply:
                if reply.status_code != requests.codes.ok:
                    raise _unavailable(authority, f"answered with status {reply.status_code}")
                for chunk in reply.iter_content(4096):
                    body += chunk
                    if len(body) > MAX_DOCUMENT_BYTES:
                        raise _unavailable(authority, "answered with too much")
                    if time.monotonic() > deadline:
                        raise _unavailable(authority, "did not answer in time")
            document = json.loads(body)
        except requests.Timeout as error:
            raise _unavailable(authority, "did not answer in time") from error
        except requests.RequestException as error:
            raise _unavailable(authority, "cannot be reached") from error
        except (ValueError, RecursionError) as error:
            raise _unavailable(authority, "answered with something that is not JSON") from error
        if not isinstance(document, dict):
            raise _unavailable(authority, "answered with something that is no JSON object")
        return document

    def _check_issuer(self, metadata: Mapping[str, Any], authority: Authority) -> None:
        issuer = str(metadata.get("issuer")).replace("{tenantid}", self._rules.tenant_id)
        if issuer != authority.issuer:
            raise _unavailable(authority, "publishes metadata of another issuer")


def _keys_address(metadata: Mapping[str, Any], authority: Authority) -> str:
    address = str(metadata.get("jwks_uri"))
    # Compared as text, before anything parses it: parsers disagree about the host of a strange address.
    if not address.startswith(f"{authority.origin}/"):
        raise _unavailable(authority, "keeps its keys at another address than its own")
    return address


def _usable(document: Mapping[str, Any], metadata: Mapping[str, Any]) -> Iterator[SigningKey]:
    """RSA keys for signatures, 2048 bits or more; others are passed over, as RFC 7517, section 5 asks.

    So are the keys of Microsoft's other clouds, which Entra's documents carry too.
    """
    listed = document.get("keys")
    cloud = metadata.get("cloud_instance_name")
    for jwk in listed if isinstance(listed, list) else []:
        if not isinstance(jwk, dict) or jwk.get("kty") != "RSA" or jwk.get("use") != "sig":
            continue
        kid, issuer, key = jwk.get("kid"), jwk.get("issuer"), _public_key(jwk)
        if not isinstance(kid, str) or not isinstance(issuer, str | None) or key is None:
            continue
        if key.key_size >= MIN_KEY_BITS and jwk.get("cloud_instance_name", cloud) == cloud:
            yield SigningKey(kid, key, issuer)


def _public_key(jwk: Mapping[str, Any]) -> RSAPublicKey | None:
    try:
        key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})
    except (PyJWTError, LookupError, TypeError, ValueError, AttributeError):
        return None
    return key if isinstance(key, RSAPublicKey) else None


def _unavailable(authority: Authority, what: str) -> IdentityProviderUnavailable:
    host = authority.origin.partition("://")[2]
    return IdentityProviderUnavailable(f"the token issuer {host} {what}; try again in a moment")
