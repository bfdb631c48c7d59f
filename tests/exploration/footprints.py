"""Who touches what: operations of two actors that touch nothing in common may happen in any order."""

from collections import defaultdict

from tests.exploration.stepping import Access, Step


class Footprints:
    """Of all actors of a scenario, as far as it is known; `size` grows with what is learned."""

    def __init__(self) -> None:
        self.size = 0
        self._readers: dict[str, set[str]] = defaultdict(set)
        self._writers: dict[str, set[str]] = defaultdict(set)
        self._listers: dict[str, set[str]] = defaultdict(set)

    def add(self, actor: str, step: Step) -> None:
        for access in step.accesses:
            actors = self._of(access)[access.place]
            if actor not in actors:
                actors.add(actor)
                self.size += 1

    def meets(self, actor: str, step: Step) -> bool:
        """Whether another actor may do something for which it matters if this has happened yet."""
        return any(self._others(actor, access) for access in step.accesses)

    def _of(self, access: Access) -> dict[str, set[str]]:
        if access.below:
            return self._listers
        return self._writers if access.writes else self._readers

    def _others(self, actor: str, access: Access) -> bool:
        place = access.place
        if access.below:
            return any(actors - {actor} for written, actors in self._writers.items() if written.startswith(place))
        others = self._writers.get(place, set()) - {actor}
        if access.writes:
            others |= self._readers.get(place, set()) - {actor}
            others = others.union(*(by - {actor} for listed, by in self._listers.items() if place.startswith(listed)))
        return bool(others)
