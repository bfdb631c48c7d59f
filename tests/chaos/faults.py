"""The schedule of faults: four lanes beside each other, each of which lets its kinds loose in an order drawn anew."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from devhost.azurite import Azurite
from tests.chaos.journal import Journal
from tests.chaos.proxy import StorageProxy
from tests.chaos.weather import Fault, Weather

PAUSED: Final = "storage paused"
RESTARTED: Final = "storage restarted"
PUT_FORWARD: Final = "clock put forward"
PUT_BACK: Final = "clock put back"
_HOUR_S: Final = 3600


class Lane(threading.Thread):
    """Goes on until it is told to stop, and leaves everything as it should be.

    `gap_s`: shortest and longest time between two faults, at a `pace` of 1.
    """

    def __init__(self, name: str, journal: Journal, chance: random.Random, gap_s: tuple[float, float]) -> None:
        super().__init__(name=name, daemon=True)
        self.halt = threading.Event()
        self.journal = journal
        self.chance = chance
        self.pace = 1.0
        self._gap_s = gap_s

    def kinds(self) -> Sequence[tuple[str, Callable[[], None]]]:
        """Every kind of fault of this lane, and what lets it loose, has its effect, and takes it away again."""
        raise NotImplementedError

    def run(self) -> None:
        try:
            for name, strike in self._endless():
                self.halt.wait(self.pace * self.chance.uniform(*self._gap_s))
                if self.halt.is_set():
                    return
                self.journal.tried[name] += 1
                strike()
        except Exception as error:
            self.journal.problem(f"the lane of {self.name} broke: {type(error).__name__}: {error}")

    def _endless(self) -> Iterator[tuple[str, Callable[[], None]]]:
        while True:
            round_ = list(self.kinds())
            self.chance.shuffle(round_)
            yield from round_


class Storms(Lane):
    """A fraction of all requests to storage goes wrong in one way, for some seconds."""

    def __init__(self, journal: Journal, chance: random.Random, weather: Weather) -> None:
        super().__init__("storms", journal, chance, (1.0, 5.0))
        self._weather = weather

    def kinds(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return [(fault, lambda fault=fault: self._blow(fault)) for fault in Fault]  # type: ignore[misc]

    def _blow(self, fault: Fault) -> None:
        before = self.journal.hits[fault]
        rate, length_s = self.chance.uniform(0.05, 0.4), self.chance.uniform(3.0, 8.0)
        self._weather.rate, self._weather.fault = rate, fault
        self.halt.wait(length_s)
        self._weather.fault = None
        hits = self.journal.hits[fault] - before
        self.journal.say(f"storm: {rate:.0%} of requests {fault} for {length_s:.0f} s: {hits} hit")


class Outages(Lane):
    """Storage itself stands still or is restarted, in good order."""

    def __init__(self, journal: Journal, chance: random.Random, azurite: Azurite, proxy: StorageProxy) -> None:
        super().__init__("outages", journal, chance, (8.0, 20.0))
        self._azurite = azurite
        self._proxy = proxy

    def kinds(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return [(PAUSED, self._pause), (RESTARTED, self._restart)]

    def _pause(self) -> None:
        length_s = self.chance.uniform(2.0, 8.0)
        self._azurite.pause()
        self.halt.wait(length_s)
        waiting = self._proxy.waiting
        self._azurite.resume()
        if waiting:
            self.journal.hit(PAUSED, f"{waiting} requests waited")
        self.journal.say(f"storage paused for {length_s:.0f} s: {waiting} requests waited")

    def _restart(self) -> None:
        before = self._proxy.away.total()
        self._azurite.stop()
        self.halt.wait(self.chance.uniform(0.0, 2.0))
        self._azurite.start()
        failed = self._proxy.away.total() - before
        if failed:
            self.journal.hit(RESTARTED, f"{failed} requests found nobody")
        self.journal.say(f"storage restarted: {failed} requests found nobody")


class Jumps(Lane):
    """One host's clock is hours off for some seconds."""

    def __init__(
        self, journal: Journal, chance: random.Random, put: dict[str, Callable[[int], None]], proxy: StorageProxy
    ) -> None:
        super().__init__("clocks", journal, chance, (5.0, 15.0))
        self._put = put
        self._proxy = proxy

    def kinds(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return [(PUT_FORWARD, lambda: self._jump(PUT_FORWARD, 1)), (PUT_BACK, lambda: self._jump(PUT_BACK, -1))]

    def _jump(self, kind: str, sign: int) -> None:
        host = self.chance.choice(sorted(self._put))
        offset_s = sign * self.chance.randint(_HOUR_S, 6 * _HOUR_S)
        length_s = self.chance.uniform(4.0, 12.0)
        self._put[host](offset_s)
        self.halt.wait(length_s)
        seen_s = self._proxy.clocks.get(host, 0.0)
        self._put[host](0)
        observed = abs(seen_s - offset_s) < _HOUR_S / 2
        if observed:
            self.journal.hit(kind, f"host {host} dated a request {seen_s:+.0f} s")
        word = "and its requests said so" if observed else "and it noticed nothing"
        self.journal.say(f"clock of host {host} {offset_s / _HOUR_S:+.1f} h for {length_s:.0f} s, {word}")
