"""A secret that lets its holder look at one job, for callers who follow a Location without a token. Pure.

It is 256 random bits, so one round of SHA-256 is all that its hash needs.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from shared.batch.job import Capability

_BYTES: Final = 32
LENGTH: Final = 43  # of that many bytes in URL-safe Base64


def make(now: datetime, lifetime: timedelta) -> tuple[str, Capability]:
    """The secret, which is shown once, and what is kept of it."""
    secret = secrets.token_urlsafe(_BYTES)
    return secret, Capability(sha256=_digest(secret), expires_at=now + lifetime)


def holds(secret: str, capabilities: Iterable[Capability], now: datetime) -> bool:
    """Takes as long whichever of them fits, and if none does."""
    if len(secret) != LENGTH:
        return False
    offered = _digest(secret)
    found = False
    for each in capabilities:
        found |= hmac.compare_digest(offered, each.sha256) & (now < each.expires_at)
    return found


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
