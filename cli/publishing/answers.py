"""Answers to golden requests: what was recorded and what a new model says, compared leaf by leaf."""

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from cli.publishing.golden import Golden, Protocol

TOLERANCE: Final = 1e-5
"""Of numbers that are not both whole, relative to the larger one.

A recording comes from another processor, and what sums in float32, of seven digits, may end otherwise in the sixth.
"""

_LEAST: Final = 1e-9
"""Numbers nearer to each other than this are the same: of a probability next to nothing few digits hold."""

# In the Open Inference Protocol's answers these name the request, and who answered.
_NAMES: Final = frozenset({"id", "model_name", "model_version"})
_LONGEST: Final = 40


class Answer(NamedTuple):
    """`response`: the body; `refused`: what the caller is told instead."""

    response: Any = None
    refused: str | None = None


class Difference(NamedTuple):
    """`at`: where, such as `[0].label`; `told`: what; `by`: of two numbers, else None."""

    at: str
    told: str
    by: float | None = None


class Outcome(NamedTuple):
    """Of one golden request. `refused`: what its caller would be told now, None when it is answered."""

    request: str
    differences: tuple[Difference, ...]
    refused: str | None

    @property
    def is_same(self) -> bool:
        return not self.differences and self.refused is None

    @property
    def largest(self) -> Difference | None:
        """By its number; the first one where none has a number."""
        return max(self.differences, key=lambda each: -1.0 if each.by is None else each.by, default=None)

    @property
    def document(self) -> dict[str, Any]:
        largest = self.largest
        return {
            "request": self.request,
            "same": self.is_same,
            "differ": len(self.differences),
            "largest": largest._asdict() if largest else None,
            "refused": self.refused,
        }

    def __str__(self) -> str:
        largest = self.largest
        if self.refused is not None:
            return f"refuses {self.request}: {self.refused}"
        if largest is None:
            return f"answers {self.request} as it was recorded"
        by = "" if largest.by is None else f", by {largest.by:.3g}"
        told = f"{largest.at or 'the whole'}: {largest.told}{by}"
        if len(self.differences) > 1:
            told = f"{len(self.differences)} values, the largest at {told}"
        return f"answers {self.request} otherwise in {told}"


def outcome(request: str, golden: Golden, answer: Answer) -> Outcome:
    if answer.refused is not None:
        return Outcome(request, (), answer.refused)
    before, after = golden.response, answer.response
    if golden.protocol == Protocol.OIP:
        before, after = _unnamed(before), _unnamed(after)
    return Outcome(request, tuple(differences(before, after)), None)


def _unnamed(response: Any) -> Any:
    if not isinstance(response, dict):
        return response
    return {name: value for name, value in response.items() if name not in _NAMES}


def differences(before: Any, after: Any, at: str = "") -> Iterator[Difference]:
    """Of two JSON values: of numbers beyond TOLERANCE, of lists by their length, of objects by their fields."""
    match before, after:
        case dict(), dict():
            for name, value in before.items():
                place = f"{at}.{name}".lstrip(".")
                if name in after:
                    yield from differences(value, after[name], place)
                else:
                    yield Difference(place, "is not there any more")
            yield from (Difference(f"{at}.{name}".lstrip("."), "is new") for name in after if name not in before)
        case list(), list():
            if len(before) != len(after):
                yield Difference(at, f"{len(before)} → {len(after)} entries")
                return
            for number, (old, new) in enumerate(zip(before, after, strict=True)):
                yield from differences(old, new, f"{at}[{number}]")
        case _:
            if not _same(before, after):
                by = abs(before - after) if _is_number(before) and _is_number(after) else None
                yield Difference(at, f"{_short(before)} → {_short(after)}", by)


def _same(before: Any, after: Any) -> bool:
    if not (_is_number(before) and _is_number(after)):
        return type(before) is type(after) and bool(before == after)
    if isinstance(before, int) and isinstance(after, int):  # a class or a key, whose neighbour is another one
        return before == after
    return math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=_LEAST)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
