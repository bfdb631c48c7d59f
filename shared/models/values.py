"""One JSON value to what an array stores, or the reason why not: the takers that the table of types is made of."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import timedelta
from math import isfinite
from typing import Any, Final

import numpy as np

# Whole numbers above this lose digits on the way through a double.
EXACT: Final = 2**53
NOT_FINITE: Final = "the value is not a finite number"
MISSING: Final = "the value is missing"
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?)(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
# What nanoseconds in 64 bits can tell, in whole years.
EARLIEST: Final = np.datetime64("1678-01-01")
LATEST: Final = np.datetime64("2262-01-01")
INSTANT: Final = "a date and time in ISO 8601 from the years 1678 to 2261"


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def float_limit(dtype: Any) -> float:
    """From this on numbers round to infinity."""
    info = np.finfo(dtype)
    if info.dtype == np.float64:
        return float("inf")
    return float(info.max) + 2.0 ** (info.maxexp - info.nmant - 2)


def whole(spelled: str, lowest: int, highest: int) -> Callable[[Any], int]:
    """Whole numbers within a range; also as 1.0, up to where a double is exact."""

    def take(value: Any) -> int:
        if type(value) is int:
            if lowest <= value <= highest:
                return value
        elif type(value) is not float:
            raise ValueError(f"{shown(value)} is not a whole number")
        elif value.is_integer() and abs(value) <= EXACT and lowest <= value <= highest:
            return int(value)
        raise ValueError(f"{shown(value)} is not a whole number of type {spelled}")

    return take


def number(spelled: str, dtype: Any) -> Callable[[Any], float]:
    """Finite numbers that stay finite in `dtype`; digits may be rounded away, as every reader of JSON does."""
    limit = float_limit(dtype)

    def take(value: Any) -> float:
        if type(value) is not float and type(value) is not int:
            raise ValueError(f"{shown(value)} is not a number")
        try:
            taken = float(value)
        except OverflowError:
            raise ValueError(f"{shown(value)} is too large for type {spelled}") from None
        if not isfinite(taken):
            raise ValueError(NOT_FINITE)
        if abs(taken) >= limit:
            raise ValueError(f"{shown(value)} is too large for type {spelled}")
        return taken

    return take


def of_type(wanted: type, spelled: str) -> Callable[[Any], Any]:
    def take(value: Any) -> Any:
        if type(value) is not wanted:
            raise ValueError(f"{shown(value)} is not {spelled}")
        return value

    return take


def anything(value: Any) -> Any:
    if type(value) is float and not isfinite(value):
        raise ValueError(NOT_FINITE)
    return value


def instant(value: Any) -> np.datetime64:
    """ISO 8601 text; what has an offset becomes UTC."""
    match = _INSTANT.fullmatch(value) if type(value) is str else None
    try:
        if match is None or not EARLIEST <= np.datetime64(match[1][:10]) < LATEST:
            raise ValueError
        taken = np.datetime64(match[1], "ns")
    except ValueError:
        raise ValueError(f"{shown(value)} is not {INSTANT}") from None
    if match[2] in (None, "Z"):
        return taken
    sign, hours, minutes = match[2][0], int(match[2][1:3]), int(match[2][-2:])
    offset = np.timedelta64(timedelta(hours=hours, minutes=minutes))
    return taken - offset if sign == "+" else taken + offset


def binary(value: Any) -> bytes:
    """Base64 text; bytes as they are."""
    if type(value) is bytes:
        return value
    if type(value) is str:
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise ValueError(f"{shown(value)} is not binary data in Base64")
