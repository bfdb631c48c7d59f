"""The lane that kills hosts: at any moment, all at once, and in the gaps between two writes."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from tests.chaos.faults import Lane
from tests.chaos.hosts import Host
from tests.chaos.journal import Journal
from tests.chaos.weather import Seen, Trap, Weather

KILLED: Final = "SIGKILL of a host"
ALL_KILLED: Final = "SIGKILL of all hosts"
REPLY_LOST: Final = "ledger entry written, reply lost"
_TRAP_DEADLINE_S: Final = 45.0
_STRIKE_ALL: Final = 0.3


class Gap(NamedTuple):
    """`pattern`: of the write that has just reached storage when the host dies; `most`: at which of them at the latest.

    Held against `Seen.line`.
    """

    name: str
    pattern: str
    most: int = 1


GAPS: Final = (
    Gap("rejected rows staged, no ledger entry", r"^PUT staging/.*/rejected/", 10),
    Gap("in the middle of copying", r"^PUT predictions/.*/part-", 5),
    Gap("manifest written, no _SUCCESS", r"^PUT predictions/.*/manifest\.json"),
    Gap("_SUCCESS written, job not closed", r"^PUT predictions/.*/_SUCCESS"),
    Gap("job document created, orchestration not started", r"^PUT jobs/[^/]+/job\.json \(create\)"),
)
_LEDGER: Final = r"^PUT staging/.*/ledger/"


class Deaths(Lane):
    """`unfinished`: how many jobs have not ended; a death while there is none proves nothing."""

    def __init__(
        self,
        journal: Journal,
        chance: random.Random,
        hosts: Mapping[str, Host],
        weather: Weather,
        unfinished: Callable[[], int],
    ) -> None:
        super().__init__("deaths", journal, chance, (2.0, 8.0))
        self._hosts = hosts
        self._weather = weather
        self._unfinished = unfinished

    def kinds(self) -> Sequence[tuple[str, Callable[[], None]]]:
        gaps = [(gap.name, lambda gap=gap: self._kill_in_gap(gap)) for gap in GAPS]
        return [(KILLED, self._kill_one), (ALL_KILLED, self._kill_all), (REPLY_LOST, self._lose_reply), *gaps]

    def run(self) -> None:
        super().run()
        self._weather.trap = None
        for host in self._hosts.values():
            host.look_after()

    def _kill_one(self) -> None:
        self._kill(KILLED, [self._hosts[self.chance.choice(sorted(self._hosts))]])

    def _kill_all(self) -> None:
        self._kill(ALL_KILLED, list(self._hosts.values()))

    def _kill(self, kind: str, hosts: list[Host]) -> None:
        unfinished = self._unfinished()
        for host in hosts:
            host.look_after()
            host.strike()
        if unfinished:
            self.journal.hit(kind, f"{unfinished} jobs were unfinished")
        names = ", ".join(host.name for host in hosts)
        self.journal.say(f"{kind}: {names}, {unfinished} jobs unfinished")
        self._revive(hosts)

    def _kill_in_gap(self, gap: Gap) -> None:
        everybody = self.chance.random() < _STRIKE_ALL

        def spring(seen: Seen) -> None:
            for host in self._hosts.values():
                if everybody or host.name == seen.host:
                    host.strike()

        if self._trapped(Trap(gap.name, gap.pattern, spring, self.chance.randint(1, gap.most))):
            self._revive([host for host in self._hosts.values() if host.struck])

    def _lose_reply(self) -> None:
        self._trapped(Trap(REPLY_LOST, _LEDGER, lambda seen: None, self.chance.randint(1, 10)))

    def _trapped(self, trap: Trap) -> bool:
        for host in self._hosts.values():
            host.look_after()
        self._weather.trap = trap
        waited_s = 0.0
        while not trap.sprung.wait(0.2) and waited_s < _TRAP_DEADLINE_S and not self.halt.is_set():
            waited_s += 0.2
        self._weather.trap = None
        if (victim := trap.victim) is None:
            self.journal.say(f"trap '{trap.name}': nobody came by in {waited_s:.0f} s")
            return False
        self.journal.hit(trap.name, f"{victim.host}: {victim.line}")
        self.journal.say(f"trap '{trap.name}': {victim.host}, after {victim.line}")
        return True

    def _revive(self, hosts: list[Host]) -> None:
        for host in hosts:
            host.bury()
        self.halt.wait(self.chance.uniform(0.0, 4.0))
        for host in hosts:
            host.start()
