"""How much may be in hand at once: bytes of requests on this instance, and requests of one caller."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from shared.errors import Overloaded, PayloadTooLarge

# What a byte of a body may become in memory: `[],[],…` takes 3 bytes a list, and Python 64 and a pointer.
EXPANSION: Final = 32
_MOST_CALLERS: Final = 10_000


class BytesInHand:
    """Bodies that are worked on now, unpacked; together at most `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0

    def take(self, size: int) -> None:
        """Raises PayloadTooLarge for a body that could never be taken, Overloaded for one that cannot be now."""
        if size > self.limit:
            raise PayloadTooLarge(f"the body has {size} bytes, but at most {self.limit} are taken: send it in parts")
        if self._held + size > self.limit:
            raise Overloaded("this instance works on as many bytes of requests as its memory holds: try again shortly")
        self._held += size

    def give_back(self, size: int) -> None:
        self._held -= size


class Quotas:
    """A bucket of tokens for each caller and endpoint, filled over a minute. Counts on this instance only.

    `clock`: seconds from anywhere, only forward. When there are too many callers, the one longest unheard of is
    forgotten.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, endpoint: str, caller: str, per_minute: int | None) -> None:
        """Raises Overloaded, saying when to come again."""
        if per_minute is None:
            return
        key, now, rate = (endpoint, caller), self._clock(), per_minute / 60
        left, since = self._buckets.pop(key, (float(per_minute), now))
        left = min(left + (now - since) * rate, float(per_minute))
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise Overloaded(
                f"this caller may send {per_minute} requests a minute to endpoint '{endpoint}'",
                retry_after_s=(1 - left) / rate,
            )
