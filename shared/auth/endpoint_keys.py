"""Keys as the second way to call an endpoint, as in Azure ML: two of them, to rotate between. Pure.

A key is 256 random bits, so nobody finds one by trying, and one round of SHA-256 is all that its hash needs: slow
hashes are for passwords, which people choose (NIST SP 800-63B, section 5.1.2.2, look-up secrets).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from typing import Final

from shared.auth.access import Principal, Role

# For people and for scanners of secrets. Without a dot, no key is ever taken for a JWT, and no JWT for a key.
PREFIX: Final = "slipway_"
_KEY = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}", re.ASCII)
_KEYS_OF_AN_ENDPOINT: Final = 2
# The hash of no key that anybody knows.
_NONE: Final = "0" * 64


def make() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def is_key(token: str) -> bool:
    """By its form alone: whether it is good is not known yet."""
    return _KEY.fullmatch(token) is not None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def matches(key: str, stored: Collection[str]) -> bool:
    """`stored`: the hashes of at most two keys. Takes as long whether none, one or the other fits."""
    offered = digest(key)
    found = False
    for each in [*stored, *[_NONE] * (_KEYS_OF_AN_ENDPOINT - len(stored))]:
        found |= hmac.compare_digest(offered, each)
    return found


def holder(endpoint: str) -> Principal:
    """Who holds a key of the endpoint: nobody in particular, and either key is the same caller."""
    return Principal(
        tenant_id="",
        object_id=f"key:{endpoint}",
        client_id="",
        kind="key",
        roles=frozenset({Role.SCORE}),
        scopes=frozenset(),
    )
