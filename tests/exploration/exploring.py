"""Explores scenarios in processes side by side, and replays what was found."""

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final, NamedTuple

from tests.exploration.execution import Execution
from tests.exploration.scenario import Bounds, Scenario
from tests.exploration.scenarios import every
from tests.exploration.schedule import Replay, read, written
from tests.exploration.search import Found, Search
from tests.exploration.verdict import Verdicts
from tests.exploration.world import stage
from tests.exploration.worlds import Worlds

ACTORS: Final = 8


class Report(NamedTuple):
    scenario: str
    bounds: Bounds
    found: Found
    seconds: float

    def __str__(self) -> str:
        found = self.found
        bounds = f"{self.bounds.turns} turns, {self.bounds.faults} faults"
        sizes = f"{found.executions:8,} executions {found.ends:6,} ends"
        told = f"{self.scenario:22} {bounds:17} {sizes} {self.seconds:7.1f} s"
        if not found.violation:
            return told
        again = f'python -m tests.exploration --scenario {self.scenario} --schedule "{written(found.choices)}"'
        return f"{told}\n  {found.violation}\n  {again}"


def explore(folder: Path, name: str, bounds: Bounds) -> Report:
    began = time.monotonic()
    with stage(), ThreadPoolExecutor(ACTORS) as pool:
        scenario = named(folder, name)
        found = Search(scenario, scenario.start, bounds, pool).run()
    return Report(name, bounds, found, time.monotonic() - began)


def named(folder: Path, name: str) -> Scenario:
    return next(each for each in every(Worlds(folder)) if each.name == name)


def replay(folder: Path, name: str, schedule: str) -> str:
    """Prints what happens; what is wrong with it, "" when nothing is."""
    with stage(), ThreadPoolExecutor(ACTORS) as pool:
        scenario = named(folder, name)
        execution = Execution(scenario.start.again(), scenario.parts, Replay(read(schedule)), pool)
        execution.run()
        for each in execution.happened:
            print(f"{each.actor:>12} {each.mode:6} {each.step}")
        return execution.violation or Verdicts(scenario).judge(execution.world)


def tasks(folder: Path, only: str | None, *, thorough: bool) -> list[tuple[str, Bounds]]:
    with stage():
        found = [each for each in every(Worlds(folder)) if only in (None, each.name)]
    return [(each.name, bounds) for each in found for bounds in (each.thorough if thorough else each.quick)]


def run(folder: Path, tasks: Sequence[tuple[str, Bounds]], processes: int) -> Iterator[Report]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        for done in as_completed([pool.submit(explore, folder, *task) for task in tasks]):
            yield done.result()
