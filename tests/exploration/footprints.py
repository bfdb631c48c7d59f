"""Who touches what: operations of two actors that touch nothing in common may happen in any order."""

from tests.exploration.stepping import Access, Step


class Footprints:
    """Of all actors of a scenario, as far as it is known. What is learned meanwhile counts from `adopt` on: what an
    execution may choose must not change while it is gone through again and again.
    """

    def __init__(self) -> None:
        self._learned: set[tuple[str, Access]] = set()
        self._by_access: dict[Access, set[str]] = {}
        self._met: dict[tuple[str, Access], bool] = {}

    def learn(self, actor: str, step: Step) -> None:
        self._learned.update((actor, access) for access in step.accesses)

    def adopt(self) -> bool:
        """Whether there was something new to learn."""
        size = sum(map(len, self._by_access.values()))
        for actor, access in self._learned:
            self._by_access.setdefault(access, set()).add(actor)
        self._met.clear()
        return len(self._learned) > size

    def meets(self, actor: str, step: Step) -> bool:
        """Whether another actor may do something for which it matters if this has happened yet."""
        return any(self._others(actor, access) for access in step.accesses)

    def _others(self, actor: str, access: Access) -> bool:
        key = actor, access
        if key not in self._met:
            self._met[key] = any(actors - {actor} and access.meets(other) for other, actors in self._by_access.items())
        return self._met[key]
