"""What is explored: a world to begin with, who is in it, and how it may end."""

from collections.abc import Callable, Set
from typing import NamedTuple

from shared.batch.job import JobStatus
from tests.exploration.execution import Part
from tests.exploration.world import World


class Scenario(NamedTuple):
    """`ends`: the states in which a job may end, by what its callers were told. `sure`: actors to whom nothing
    happens. `twin`: the output of a job of this world that nobody disturbs, by the job's id.
    """

    name: str
    start: World
    parts: tuple[Part, ...]
    ends: Callable[[Set[str]], Set[JobStatus]]
    twin: dict[str, dict[str, object]]
    sure: frozenset[str] = frozenset()

    def may_fail(self, actor: str) -> bool:
        return actor not in self.sure
