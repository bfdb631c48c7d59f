"""What storage does to a request on a bad day, and where a trap waits for one."""

import random
import re
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from tests.chaos.journal import Journal


class Fault(StrEnum):
    """What becomes of a request."""

    INTERNAL_ERROR = "answered 500"
    BUSY = "answered 503"
    SLOW = "answered seconds late"
    CLOSED = "closed before storage had it"
    REPLY_LOST = "written, reply lost"


class Seen(NamedTuple):
    """One request of a host: method and path with query; `creates`: only if there is nothing yet."""

    host: str
    method: str
    path: str
    creates: bool

    @property
    def writes(self) -> bool:
        return self.method in ("PUT", "POST", "DELETE")

    @property
    def line(self) -> str:
        """Without the account and the query, which often holds a signature."""
        path = re.sub(r"^/[^/]+/|\?.*$", "", self.path)
        return f"{self.method} {path}{' (create)' if self.creates else ''}"


class Trap:
    """Springs once, when the `count`-th write that matches has just reached storage: its reply is never sent.

    `pattern` is held against `Seen.line`.
    """

    def __init__(self, name: str, pattern: str, spring: Callable[[Seen], None], count: int = 1) -> None:
        self.name = name
        self.sprung = threading.Event()
        self.victim: Seen | None = None
        self._pattern = re.compile(pattern)
        self._spring = spring
        self._left = count

    def see(self, seen: Seen) -> bool:
        """True when this write is the one."""
        if self._left <= 0 or not self._pattern.search(seen.line):
            return False
        self._left -= 1
        if self._left > 0:
            return False
        self.victim = seen
        self._spring(seen)
        self.sprung.set()
        return True


class Weather:
    """`rate`: which part of the requests `fault` strikes; none without a fault."""

    def __init__(self, journal: Journal, seed: int) -> None:
        self.fault: Fault | None = None
        self.rate = 0.0
        self.trap: Trap | None = None
        self._journal = journal
        self._random = random.Random(seed)  # noqa: S311 - it only has to be repeatable

    def strike(self, seen: Seen) -> Fault | None:
        """What becomes of this request; a lost reply is for writes alone."""
        fault = self.fault
        if fault is None or self._random.random() >= self.rate:
            return None
        return None if fault == Fault.REPLY_LOST and not seen.writes else fault

    def delay_s(self) -> float:
        return self._random.uniform(0.5, 4.0)

    def hit(self, fault: Fault, seen: Seen) -> None:
        self._journal.hit(fault, f"{seen.host}: {seen.line}")

    def springs(self, seen: Seen) -> bool:
        trap = self.trap
        return trap is not None and seen.writes and trap.see(seen)
