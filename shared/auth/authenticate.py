"""The spine of authentication: from the Authorization header to the principal who calls."""

import time
from collections.abc import Callable

from shared.auth.access import Principal
from shared.auth.keys import KeyRing
from shared.auth.rules import TokenRules
from shared.auth.tokens import key_id_of, parse_bearer, verify
from shared.auth.verified import VerifiedTokens


class Authenticator:
    """`clock`: seconds since 1970. Headers are held as hashes only, and never logged."""

    def __init__(
        self,
        rules: TokenRules,
        keys: KeyRing,
        verified: VerifiedTokens,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._verified = verified
        self._clock = clock

    async def authenticate(self, authorization: str | None) -> Principal:
        """Raises AuthError, or IdentityProviderUnavailable when the key cannot be had.

        A header that was seen in the last minutes is answered without waiting for anything, or reading it again.
        """
        header = authorization or ""
        known = self._verified.find(header, self._keys.live, self._clock())
        if known is not None:
            return known
        token = parse_bearer(header)
        keys = await self._keys.holding(key_id_of(token))
        now = self._clock()
        verified = verify(token, keys, self._rules, now)
        self._verified.keep(header, verified, now)
        return verified.principal
