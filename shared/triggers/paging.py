"""What a listing is asked for by its query: how many at a time, from where on, and of what."""

from collections.abc import Collection
from typing import Final, NamedTuple

from shared.errors import MalformedRequest
from shared.triggers.http import Call

_TOP: Final = "$top"
_MARKER: Final = "$skiptoken"


class PageAsked(NamedTuple):
    """`marker`: "" for the first page. `query`: all that was given."""

    top: int
    marker: str
    query: dict[str, str]


def read_page(call: Call, most: int, filters: Collection[str] = ()) -> PageAsked:
    """Raises MalformedRequest."""
    query = dict(call.request.params)
    taken = {_TOP, _MARKER, *filters}
    if unknown := sorted(set(query) - taken):
        raise MalformedRequest(f"'{unknown[0][:80]}' is no filter here: use {', '.join(sorted(taken))}")
    top = query.get(_TOP, str(most))
    if not top.isdecimal() or not 1 <= len(top) <= 3 or not 1 <= int(top) <= most:
        raise MalformedRequest(f"{_TOP} is a number from 1 to {most}")
    return PageAsked(int(top), query.get(_MARKER, ""), query)
