"""Headers with tokens that were verified a moment ago: a caller's next request costs a hash, and not a signature."""

import hashlib
from collections import OrderedDict
from collections.abc import Container
from typing import NamedTuple

from shared.auth.access import Principal
from shared.auth.keys import KeyId
from shared.auth.tokens import Verified

MAX_AGE_S = 300.0  # a managed identity's token lives up to 24 h, and its roles may be taken away meanwhile
MAX_ENTRIES = 4096


class _Entry(NamedTuple):
    principal: Principal
    good_until: float
    key_id: KeyId


class VerifiedTokens:
    """Holds no token: entries are named by the SHA-256 of the header. When full, the least recently used goes."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, header: str, live: Container[KeyId], now: float) -> Principal | None:
        """`live`: the keys of the issuer now. An entry that was verified with any other is dropped."""
        name = _name(header)
        entry = self._entries.get(name)
        if entry is None:
            return None
        if now >= entry.good_until or entry.key_id not in live:
            del self._entries[name]
            return None
        self._entries.move_to_end(name)
        return entry.principal

    def keep(self, header: str, verified: Verified, now: float) -> None:
        """Until the token's own end or MAX_AGE_S from now, whichever is first; no leeway here."""
        good_until = min(verified.expires_at, now + MAX_AGE_S)
        if good_until <= now:
            return
        self._entries[_name(header)] = _Entry(verified.principal, good_until, verified.key_id)
        if len(self._entries) > self._max_entries:
            self._entries.popitem(last=False)


def _name(header: str) -> bytes:
    # A header that no text can be made of is refused by whoever reads it.
    return hashlib.sha256(header.encode(errors="surrogatepass")).digest()
