"""How much may be in hand at once: bytes of requests on this instance, and requests of one caller."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from shared.errors import Overloaded, PayloadTooLarge

# What a byte of a JSON body may become in memory, measured with nested objects, the worst of all.
EXPANSION: Final = 50
_MOST_CALLERS: Final = 10_000


class BytesInHand:
    """Bodies that are worked on now; together at most `limit` bytes. Belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._held = 0

    def take(self, size: int) -> "Hold":
        """Raises PayloadTooLarge for a body that could never be taken, Overloaded for one that cannot be now."""
        hold = Hold(self)
        hold.raise_to(size)
        return hold


class Hold:
    """The share of one request. Whatever it takes in memory counts as the body that may become as much."""

    __slots__ = ("_of", "_size")

    def __init__(self, of: BytesInHand) -> None:
        self._of = of
        self._size = 0

    def raise_to(self, size: int) -> None:
        """Never lowers it. Raises as `BytesInHand.take`."""
        of, more = self._of, size - self._size
        if size > of.limit:
            raise PayloadTooLarge(
                f"the request takes the memory of {size} bytes of body, and at most {of.limit} are taken here: "
                "send it in parts"
            )
        if of._held + more > of.limit:
            raise Overloaded("this instance works on as much as its memory holds: try again shortly")
        if more > 0:
            of._held += more
            self._size = size

    def release(self) -> None:
        self._of._held -= self._size
        self._size = 0


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
