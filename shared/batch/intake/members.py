"""The members of a JSON object that a caller sent, and everything that is wrong with them, told at once. Pure."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any, Final

from shared.errors import MalformedRequest

_MOST_TOLD: Final = 20
_LONGEST_TOLD: Final = 500
_LONGEST_NAME: Final = 60


class Problems:
    """What is wrong with a request, and where."""

    def __init__(self) -> None:
        self._told: list[str] = []

    def add(self, where: str, what: str) -> None:
        self._told.append(f"{where}: {what}"[:_LONGEST_TOLD])

    @property
    def are_many(self) -> bool:
        """More than are told."""
        return len(self._told) >= _MOST_TOLD

    def check(self) -> None:
        """Raises MalformedRequest when there is any."""
        if self._told:
            more = len(self._told) - _MOST_TOLD
            raise MalformedRequest("; ".join(self._told[:_MOST_TOLD]) + (f"; and {more} more" if more > 0 else ""))


def shown(name: str) -> str:
    """Of a caller's own choice, as it is told back: short, and on one line."""
    return "".join(character if character.isprintable() else "?" for character in name[:_LONGEST_NAME])


def read_members(
    given: object,
    where: str,
    taken: Collection[str],
    problems: Problems,
    *,
    ignored: Collection[str] = (),
    refused: Mapping[str, str] = {},
) -> dict[str, Any]:
    """The members that are taken, by their camelCase names; null counts as not given.

    Docs of Azure ML write their first letters large, its SDK small: either is good. `refused`: what to do instead.
    """
    if not isinstance(given, dict):
        problems.add(where, "send an object")
        return {}
    members: dict[str, Any] = {}
    for spelled, value in given.items():
        name, place = spelled[:1].lower() + spelled[1:], f"{where}.{shown(spelled)}".removeprefix(".")
        if name in ignored:
            continue
        if name in refused:
            problems.add(place, refused[name])
        elif name not in taken:
            # Looking for what was meant takes long, and what is not told need not be looked for.
            problems.add(place, "" if problems.are_many else _unknown(name, taken))
        elif name in members:
            problems.add(place, "is given twice, in two spellings")
        elif value is not None:
            members[name] = value
    return members


def _unknown(name: str, taken: Collection[str]) -> str:
    lowered = {each.lower(): each for each in taken}
    near = difflib.get_close_matches(name[:_LONGEST_NAME].lower().replace("_", ""), lowered, n=1)
    return f"is not known here: did you mean {lowered[near[0]]}?" if near else "is not known here: leave it away"
