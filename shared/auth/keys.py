"""The token issuer's public keys: fetched seldom, one fetch at a time, and kept when the issuer is away."""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from shared.auth.rules import TokenVersion
from shared.errors import IdentityProviderUnavailable, TokenRejected

REFRESH_S = 3600.0
AGAIN_S = 300.0  # between two fetches while keys are held, whatever asked for them
RETRY_S = 10.0  # between two failing fetches while no keys are held

_log = logging.getLogger(__name__)


class SigningKey(NamedTuple):
    kid: str
    key: Any  # cryptography's RSAPublicKey; named so, it would have to be imported to index the functions
    issuer: str | None  # as the key document has it; Entra's v1 documents say nothing


class KeyId(NamedTuple):
    """Entra publishes one set of keys for each version of tokens."""

    version: TokenVersion
    kid: str


class KeySource(Protocol):
    def fetch(self, version: TokenVersion) -> Mapping[str, SigningKey]:
        """The issuer's current keys by kid; called in a thread. Raises IdentityProviderUnavailable."""
        ...


@dataclass
class _KeySet:
    keys: Mapping[str, SigningKey] = field(default_factory=dict)
    fetched_at: float = -math.inf
    tried_at: float = -math.inf
    trouble: str = ""
    fetching: asyncio.Task[None] | None = None

    def may_fetch(self, now: float) -> bool:
        return now - self.tried_at >= (AGAIN_S if self.keys else RETRY_S)

    def in_flight(self) -> bool:
        return self.fetching is not None and not self.fetching.done()


class KeyRing:
    """Belongs to one event loop. `clock` counts seconds from anywhere, and only forward."""

    def __init__(self, source: KeySource, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._clock = clock
        self._sets = {version: _KeySet() for version in TokenVersion}
        # Every key held now: what was verified with any other is no longer to be believed.
        self.live: frozenset[KeyId] = frozenset()

    async def holding(self, key_id: KeyId) -> Mapping[str, SigningKey]:
        """The keys by kid of a version, this one among them.

        A held key is given at once, and an hourly refresh goes on behind it. For one that is not held, the
        issuer is asked at most once in AGAIN_S. Raises TokenRejected when the issuer does not know the key,
        and IdentityProviderUnavailable when the last try to ask it failed.
        """
        held = self._sets[key_id.version]
        now = self._clock()
        if key_id.kid in held.keys:
            if now - held.fetched_at >= REFRESH_S and held.may_fetch(now):
                self._fetch(key_id.version, held)
            return held.keys
        if held.in_flight() or held.may_fetch(now):
            await asyncio.shield(self._fetch(key_id.version, held))
        if key_id.kid in held.keys:
            return held.keys
        if held.trouble:
            raise IdentityProviderUnavailable(held.trouble)
        raise TokenRejected("the token's signing key is not known")

    def _fetch(self, version: TokenVersion, held: _KeySet) -> asyncio.Task[None]:
        if held.fetching is None or held.fetching.done():
            held.tried_at = self._clock()
            held.fetching = asyncio.create_task(self._refresh(version, held))
        return held.fetching

    async def _refresh(self, version: TokenVersion, held: _KeySet) -> None:
        try:
            keys = await asyncio.to_thread(self._source.fetch, version)
        except IdentityProviderUnavailable as error:
            held.trouble = error.message
            _log.warning("the keys for v%s tokens were not refreshed: %s", version, error.message)
            return
        held.keys, held.fetched_at, held.trouble = keys, self._clock(), ""
        self.live = frozenset(KeyId(each, kid) for each, one in self._sets.items() for kid in one.keys)
