"""Reading a token's JSON, so that a claim of the wrong type is a rejected token and never another error.

Every function raises TokenRejected. No message repeats a value of the token.
"""

import json
from collections.abc import Mapping
from typing import NoReturn

from shared.auth.rules import GUID
from shared.errors import TokenRejected

_LATEST_S = 253_402_300_800  # the first second of the year 10000

Claims = Mapping[str, object]


def parse(data: bytes) -> Claims:
    try:
        found = json.loads(data.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise TokenRejected("the token does not hold readable JSON") from None
    if not isinstance(found, dict):
        raise TokenRejected("the token does not hold a JSON object")
    return found


def text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise TokenRejected(f"the token's {name} is missing or no text")
    return value


def guid(claims: Claims, name: str) -> str:
    value = text(claims, name)
    if not GUID.fullmatch(value):
        raise TokenRejected(f"the token's {name} is no GUID")
    return value.lower()


def seconds(claims: Claims, name: str) -> float:
    """A NumericDate (RFC 7519, section 2). Booleans, NaN and dates beyond the year 9999 are none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST_S:
        raise TokenRejected(f"the token's {name} is missing or no date")
    return float(value)


def words(claims: Claims, name: str) -> frozenset[str]:
    """`scp`: one text, words parted by spaces; none where the claim is absent."""
    return frozenset(text(claims, name).split()) if name in claims else frozenset()


def texts(claims: Claims, name: str) -> frozenset[str]:
    """`roles`: a list of texts; none where the claim is absent."""
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TokenRejected(f"the token's {name} are no list of texts")
    return frozenset(value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
