"""Finds all executions of some actors within bounds: how often they take turns, and how often something goes wrong.

Two ways to the same state are gone on from once: a state is all that is stored and all that each actor was told. Whose
next operation touches nothing that another actor ever touches need not be interrupted before it: it might as well have
happened before.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from tests.exploration.execution import Actor, Choice, Execution
from tests.exploration.footprints import Footprints
from tests.exploration.scenario import Bounds, Scenario
from tests.exploration.stepping import Mode
from tests.exploration.verdict import Verdicts
from tests.exploration.world import World

_LONGEST: Final = 3000


class Found(NamedTuple):
    """`violation`: "" when there was none. `choices`: the schedule that led to it."""

    executions: int
    states: int
    ends: int
    violation: str = ""
    choices: tuple[Choice, ...] = ()


class _Node:
    __slots__ = ("at", "options")

    def __init__(self, options: list[Choice]) -> None:
        self.options = options
        self.at = 0


class Search:
    """Depth first; each execution goes its predecessor's way up to the last choice that is not exhausted."""

    def __init__(self, scenario: Scenario, start: World, bounds: Bounds, pool: ThreadPoolExecutor) -> None:
        self.footprints = Footprints()
        self._scenario = scenario
        self._start = start
        self._bounds = bounds
        self._pool = pool
        self._path: list[_Node] = []
        self._visited: set[int] = set()
        self._verdicts = Verdicts(scenario)
        self._depth = 0
        self._turns = 0
        self._faults = 0
        self._cut = False

    def run(self) -> Found:
        """All of it; once more when an actor turned out to touch what was thought to be another's alone."""
        wanted, executions = self._bounds, 0
        # What they touch is learned at little cost first.
        self._bounds = Bounds(min(1, wanted.turns), 0)
        while True:
            found = self._pass()
            executions += found.executions
            learned = self.footprints.adopt()
            if found.violation or (self._bounds == wanted and not learned):
                return found._replace(executions=executions)
            if not learned:
                self._bounds = wanted

    def _pass(self) -> Found:
        self._visited.clear()
        self._path.clear()
        executions = 0
        while True:
            execution, violation = self._execute()
            executions += 1
            if violation or not self._backtrack():
                choices = tuple(each.choice for each in execution.happened) if violation else ()
                return Found(executions, len(self._visited), self._verdicts.size, violation, choices)

    def _execute(self) -> tuple[Execution, str]:
        self._depth, self._turns, self._faults = 0, self._bounds.turns, self._bounds.faults
        self._cut = False
        execution = Execution(self._start.again(), self._scenario.parts, self, self._pool)
        execution.run()
        if execution.violation or self._cut:
            return execution, execution.violation
        return execution, self._verdicts.judge(execution.world)

    def _backtrack(self) -> bool:
        while self._path:
            node = self._path[-1]
            node.at += 1
            if node.at < len(node.options):
                return True
            self._path.pop()
        return False

    def choose(self, execution: Execution) -> Choice | None:
        options = self._options(execution)
        if not options:
            self._cut = any(actor.is_runnable for actor in execution.actors.values())
            return None
        if len(execution.happened) > _LONGEST:
            execution.violation = "it does not come to an end"
            return None
        choice = options[0] if len(options) == 1 else self._chosen(execution, options)
        if choice is None:
            self._cut = True
            return None
        current = execution.current
        if current is not None and choice.actor != current.name:
            self._turns -= 1
        if choice.mode != Mode.OK:
            self._faults -= 1
        self.footprints.learn(choice.actor, execution.actors[choice.actor].pending)
        return choice

    def _chosen(self, execution: Execution, options: list[Choice]) -> Choice | None:
        if self._depth == len(self._path):
            state = self._state(execution)
            if state in self._visited:
                return None
            self._visited.add(state)
            self._path.append(_Node(options))
        node = self._path[self._depth]
        self._depth += 1
        choice = node.options[node.at]
        assert choice in options, f"the same choices have led to another place: {options} instead of {node.options}"
        return choice

    def _state(self, execution: Execution) -> int:
        actors = tuple((actor.seen, actor.begun, actor.ended, actor.stirred) for actor in execution.actors.values())
        current = execution.current.name if execution.current else ""
        return hash((execution.world.state, actors, current, self._turns, self._faults))

    def _options(self, execution: Execution) -> list[Choice]:
        current = execution.current
        if current is not None:
            chosen = [current]
            if self._turns and self.footprints.meets(current.name, current.pending):
                chosen += [each for each in execution.actors.values() if each is not current]
        else:
            chosen = list(execution.actors.values())
        return [
            Choice(actor.name, mode)
            for actor in chosen
            # Whom nothing has happened to while it slept might as well have slept later.
            if actor.is_runnable and (actor is current or actor.stirred)
            for mode in self._modes(actor)
            # Who dies while another is at work has died before that.
            if mode != Mode.DIE or current in (None, actor)
        ]

    def _modes(self, actor: Actor) -> tuple[Mode, ...]:
        step = actor.pending
        if not self._faults or not step.place:
            return (Mode.OK,)
        return self._bounds.modes(step)
