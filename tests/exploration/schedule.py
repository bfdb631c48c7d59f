"""A schedule as one line: who does how many operations, and which of them go wrong. `host*12 late*3 host:die`."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from tests.exploration.execution import Choice, Execution
from tests.exploration.stepping import Mode


def written(choices: Iterable[Choice]) -> str:
    told = []
    for choice, same in groupby(choices):
        count = len([*same])
        told += [f"{choice.actor}:{choice.mode}"] * count if choice.mode else [f"{choice.actor}*{count}"]
    return " ".join(told)


def read(text: str) -> Iterator[Choice]:
    for word in text.split():
        if ":" in word:
            actor, _, mode = word.partition(":")
            yield Choice(actor, Mode(mode))
        else:
            actor, _, count = word.partition("*")
            yield from [Choice(actor, Mode.OK)] * int(count)


class Replay:
    """A director that does as it is told, and no more."""

    def __init__(self, choices: Iterable[Choice]) -> None:
        self._left = iter(choices)

    def choose(self, execution: Execution) -> Choice | None:
        choice = next(self._left, None)
        if choice is not None:
            assert execution.actors[choice.actor].is_runnable, f"{choice.actor} has nothing to do here"
            return choice
        return None
