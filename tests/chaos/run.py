"""One run: twins without a disturbance, then jobs and faults at once, then the verdict."""

import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from azure.storage.queue import QueueServiceClient
from rich.console import Console

from devhost.stack import Stack
from samples.flights.local import BY_CARRIER, ENDPOINT, ENDPOINT_FILE, make_stack, publish, publish_by_carrier, storage
from samples.flights.train import DEFAULT_OUT, ensure_trained
from shared.ports import Container
from tests.chaos import contents
from tests.chaos.clock import FakeClock, find_library
from tests.chaos.contents import Content
from tests.chaos.deaths import Deaths
from tests.chaos.faults import Jumps, Lane, Outages, Storms
from tests.chaos.hosts import Host
from tests.chaos.jobs import Jobs
from tests.chaos.journal import Journal
from tests.chaos.judge import Judge, Twin
from tests.chaos.proxy import StorageProxy
from tests.chaos.reader import LatestReader, OutputReader, Watcher
from tests.chaos.weather import Weather

_WORK_DIR: Final = Path("build/chaos")
_HOSTS: Final = ("a", "b")
_SETTINGS: Final = {
    "SLIPWAY_HEARTBEAT_TIMEOUT_S": "5",
    "SLIPWAY_TICK_SCHEDULE": "* * * * * *",
    "DEVHOST_BLOB_POLL_S": "0.5",
}
_MINI_BATCH_SIZE: Final = 1_000
_MOST_OPEN: Final = 6
_MOST_READERS: Final = 4
_READ_BY_SOMEBODY: Final = 0.3
_PROGRESS_EVERY_S: Final = 10.0
_TWINS_END_IN_S: Final = 180.0
# A short run has its faults in quick succession; a longer one lets jobs get on between them.
_HURRIED: Final = 2.0
_SLOWEST: Final = 4.0
# After the time is over: for faults that have not hit yet, and for jobs that have not ended yet.
_OVERTIME_S: Final = 180.0
_END_IN_S: Final = 300.0


def run(minutes: float, seed: int) -> int:
    """The exit status. Raises HostError when something is missing on this machine."""
    library = find_library()
    ensure_trained(DEFAULT_OUT, Console())
    stack = make_stack(_WORK_DIR)
    stack.settings.update(_SETTINGS)
    journal = Journal(_WORK_DIR / "journal.log")
    journal.say(f"seed {seed}; every hit is told in {_WORK_DIR}/journal.log")
    chance = random.Random(seed)  # noqa: S311 - it only has to be repeatable
    with closing(journal), stack:
        _publish(stack)
        made = contents.make(chance)
        twins = _twins(stack, made, journal)
        stack.stop_host()
        weather = Weather(journal, seed)
        with StorageProxy(stack.azurite.ports, _HOSTS, weather) as proxy:
            path = stack.environ["PYTHONPATH"]
            clocks = {name: FakeClock(library, _WORK_DIR / f"clock-{name}", path) for name in _HOSTS}
            for clock in clocks.values():
                clock.check()
            hosts = {name: Host(name, stack, proxy, clocks[name], journal) for name in _HOSTS}
            jobs = Jobs(storage(stack), {twin.job_id for twin in twins.values()})
            lanes: list[Lane] = [
                Deaths(journal, _fork(chance), hosts, weather, lambda: len(jobs.open())),
                Storms(journal, _fork(chance), weather),
                Outages(journal, _fork(chance), stack.azurite, proxy),
                Jumps(journal, _fork(chance), {name: clock.put for name, clock in clocks.items()}, proxy),
            ]
            for lane in lanes:
                lane.pace = min(_SLOWEST, max(1.0, minutes / _HURRIED))
            for host in hosts.values():
                host.start()
            judge = Judge(
                jobs.account, QueueServiceClient.from_connection_string(stack.connection_string), twins, journal
            )
            return _Trial(jobs, lanes, made, judge, journal, _fork(chance)).hold(minutes)


def _fork(chance: random.Random) -> random.Random:
    """Of its own for each thread: what one draws does not depend on when another did."""
    return random.Random(chance.random())  # noqa: S311


def _publish(stack: Stack) -> None:
    text = ENDPOINT_FILE.read_text()
    smaller = re.sub(r"mini_batch_size: \d+", f"mini_batch_size: {_MINI_BATCH_SIZE}", text)
    endpoint_file = _WORK_DIR / "endpoint.yaml"
    endpoint_file.write_text(smaller)
    publish(stack, DEFAULT_OUT / "models", endpoint_file)
    publish_by_carrier(stack)


def _twins(stack: Stack, made: list[Content], journal: Journal) -> dict[str, Twin]:
    """Every content scored once while nothing disturbs. Raises TimeoutError."""
    jobs = Jobs(storage(stack))
    for content in made:
        jobs.drop(f"twin-{content.name}", content)
    deadline = time.monotonic() + _TWINS_END_IN_S
    while left := jobs.open():
        if time.monotonic() > deadline:
            raise TimeoutError(f"undisturbed, {left[0].path} did not end in {_TWINS_END_IN_S:.0f} s: {left[0].status}")
        time.sleep(0.2)
        jobs.look()
    for dropped in jobs.all:
        journal.say(f"undisturbed {dropped.path}: {dropped.status} {dropped.document.get('counts')}")
    return {dropped.content.name: Twin(jobs.account, dropped) for dropped in jobs.all}


class _Trial:
    """Jobs and faults at once, and what comes of it."""

    def __init__(
        self,
        jobs: Jobs,
        lanes: list[Lane],
        made: list[Content],
        judge: Judge,
        journal: Journal,
        chance: random.Random,
    ) -> None:
        self._jobs = jobs
        self._lanes = lanes
        self._made = made
        self._judge = judge
        self._journal = journal
        self._chance = chance
        self._kinds = [name for lane in lanes for name, _ in lane.kinds()]
        self._predictions = jobs.account.get_container_client(Container.PREDICTIONS)
        self._watchers: list[Watcher] = [LatestReader(self._predictions, name) for name in (ENDPOINT, BY_CARRIER)]
        self._said_at = 0.0

    def hold(self, minutes: float) -> int:
        for watcher in self._watchers:
            watcher.start()
        with self._looking():
            self._disturb(minutes * 60.0)
            self._wait_for_the_end()
        for watcher in self._watchers:
            watcher.stop()
        self._judge.jobs(self._jobs)
        self._judge.staging(self._jobs)
        self._judge.watchers(self._watchers)
        self._judge.faults(self._kinds)
        self._judge.table(self._jobs, self._kinds, self._watchers)
        for problem in self._journal.problems:
            print(f"FAILED: {problem}")
        if not self._journal.problems:
            print("every job equals its undisturbed twin")
        return 1 if self._journal.problems else 0

    def _disturb(self, length_s: float) -> None:
        started = time.monotonic()
        for lane in self._lanes:
            lane.start()
        while self._goes_on(time.monotonic() - started - length_s):
            if len(self._jobs.open()) < _MOST_OPEN:
                self._drop()
            time.sleep(self._chance.uniform(0.1, 1.5))
            self._progress(f"{time.monotonic() - started:.0f} of {length_s:.0f} s")
        for lane in self._lanes:
            lane.halt.set()
        for lane in self._lanes:
            lane.join(120)
        self._journal.say("the faults are over")

    def _goes_on(self, over_s: float) -> bool:
        missing = [kind for kind in self._kinds if not self._journal.hits[kind]]
        broken = any(not lane.is_alive() for lane in self._lanes)
        return not broken and (over_s < 0 or (bool(missing) and over_s < _OVERTIME_S))

    def _drop(self) -> None:
        (content,) = self._chance.choices(self._made, [content.weight for content in self._made])
        dropped = self._jobs.drop(f"{len(self._jobs.all):05d}-{content.name}", content)
        self._journal.note(f"dropped {dropped.path}: {dropped.id}")
        reading = [watcher for watcher in self._watchers if isinstance(watcher, OutputReader) and watcher.reading]
        if content.rows and self._chance.random() < _READ_BY_SOMEBODY and len(reading) < _MOST_READERS:
            self._watchers.append(OutputReader(self._predictions, f"{content.endpoint}/{dropped.id}/"))
            self._watchers[-1].start()

    def _wait_for_the_end(self) -> None:
        deadline = time.monotonic() + _END_IN_S
        while self._jobs.open() and time.monotonic() < deadline:
            time.sleep(0.5)
            self._progress("waiting for the last jobs")

    def _progress(self, where: str) -> None:
        if time.monotonic() - self._said_at >= _PROGRESS_EVERY_S:
            self._said_at = time.monotonic()
            still = self._jobs.open()
            hits = self._journal.hits.total()
            self._journal.say(f"{where}: {len(self._jobs.all)} jobs dropped, {len(still)} unfinished, {hits} hits")

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """Follows the jobs in a thread of its own, as storage may keep one waiting."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(0.5):
                self._jobs.look()

        thread = threading.Thread(target=look, name="looking", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(120)
