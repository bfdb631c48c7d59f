"""What is explored: a world to begin with, who is in it, and how it may end."""

from collections.abc import Callable, Set
from typing import NamedTuple

from shared.batch.job import JobStatus
from tests.exploration.execution import Part
from tests.exploration.stepping import Mode, Step
from tests.exploration.world import World


class Bounds(NamedTuple):
    """`turns`: how often an actor is interrupted by another; `faults`: operations that fail, and deaths."""

    turns: int
    faults: int

    def modes(self, step: Step) -> tuple[Mode, ...]:
        """An operation that changes nothing might as well not have happened; and to die before it, or to try again
        from the operation after the last one that changed something, is the same to all others.
        """
        if step.changes:
            return (Mode.OK, Mode.AFTER, Mode.DIE) if self.turns else (Mode.OK, Mode.BEFORE, Mode.AFTER, Mode.DIE)
        return (Mode.OK,) if self.turns else (Mode.OK, Mode.BEFORE)


class Scenario(NamedTuple):
    """`ends`: the states in which a job may end, by what its callers were told. `twin`: the output of a job of this
    world that nobody disturbs, by the job's id. `quick`: how far the tests explore it; `make explore` goes further.
    `leaves_late_copies`: in the output of a job that failed something without `_SUCCESS` may be until it is swept.
    """

    name: str
    start: World
    parts: tuple[Part, ...]
    ends: Callable[[Set[str]], Set[JobStatus]]
    twin: dict[str, dict[str, object]]
    quick: tuple[Bounds, ...] = (Bounds(1, 1), Bounds(2, 0))
    leaves_late_copies: bool = False

    @property
    def thorough(self) -> tuple[Bounds, ...]:
        """One actor alone cannot be interrupted; the more there are, or the longer their way, the more ways it has."""
        if len(self.parts) == 1:
            return (Bounds(0, 2),)
        is_large = len(self.parts) > 2 or Bounds(1, 0) in self.quick
        return (Bounds(1, 1), Bounds(2, 0)) if is_large else (Bounds(2, 1), Bounds(3, 0))
