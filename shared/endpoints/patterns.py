"""Names of blobs with wildcards: `*` and `?` within a segment, `**` for any number of whole segments. Pure."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from shared.errors import MalformedRequest

MAX_WILDCARDS: Final = 16
_WILDCARDS: Final = re.compile(r"\*+|\?")
_DEEP: Final = "**"


def has_wildcards(name: str) -> bool:
    return _WILDCARDS.search(name) is not None


def split_pattern(name: str) -> tuple[str, re.Pattern[str] | None]:
    """What to list, and what the whole name of a listed blob has to match: None where everything listed is meant.

    A slash at the end stands for all blobs below. Raises MalformedRequest.
    """
    first = _WILDCARDS.search(name)
    if first is None:
        return name, None
    if len(_WILDCARDS.findall(name)) > MAX_WILDCARDS:
        raise MalformedRequest(f"a location has at most {MAX_WILDCARDS} wildcards: name fewer, or a folder")
    segments = [*name[:-1].split("/"), _DEEP] if name.endswith("/") else name.split("/")
    if any(_DEEP in segment and segment != _DEEP for segment in segments):
        raise MalformedRequest("** stands for whole folders: write it alone between two slashes, as in data/**/*.csv")
    return name[: name.rfind("/", 0, first.start()) + 1], re.compile("".join(_matching(segments)) + r"\Z", re.DOTALL)


def _matching(segments: list[str]) -> Iterator[str]:
    """Each `**`, and each `*`, takes as little as lets the fixed part behind it match, and never tries again.

    A later place for that part can do no better, so this finds every match, in a time linear in the name.
    """
    runs = [(deep, list(run)) for deep, run in groupby(segments, lambda segment: segment == _DEEP)]
    behind_deep = False
    for number, (deep, run) in enumerate(runs):
        is_last = number == len(runs) - 1
        if deep:
            behind_deep = True
            if is_last:
                yield ".+"
            continue
        fixed = "/".join(_segment(each) for each in run) + (r"\Z" if is_last else "/")
        yield f"(?>(?:[^/]++/)*?{fixed})" if behind_deep else fixed


def _segment(text: str) -> str:
    head, *parts = text.split("*")
    written = _literal(head)
    for number, part in enumerate(parts):
        end = r"(?=/|\Z)" if number == len(parts) - 1 else ""
        written += f"(?>[^/]*?{_literal(part)}{end})"
    return written


def _literal(text: str) -> str:
    return "".join("[^/]" if character == "?" else re.escape(character) for character in text)
