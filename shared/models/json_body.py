"""The one reader of JSON bodies: what it refuses is refused alike in every protocol."""

import json
import re
from typing import Any, Final

import numpy as np
import orjson

from shared.errors import MalformedRequest, PayloadTooLarge

MAX_DEPTH: Final = 64
# More rows belong into a batch job: one request holds its rows several times over while it is scored.
MAX_ROWS: Final = 100_000

_NUMPY_PAYS_BYTES: Final = 4096
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NAN: Final = re.compile(rb"\bNaN\b")
_NAN_OR_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|\bNaN\b', re.DOTALL)
_KEY_LIKE: Final = re.compile(rb'"\s*:')
_NO_NUMBER: Final = re.compile(r"-?(nan|inf)", re.IGNORECASE)
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS: Final = bytes(code for code in range(256) if code not in b"[]{}")
_NO_BRACKETS_OR_QUOTES: Final = bytes(code for code in _NO_BRACKETS if code != ord('"'))
_CONTAINERS: Final = (dict, list)


def read_json(body: bytes, *, takes_nan: bool = False) -> Any:
    """The document. `takes_nan`: a bare NaN, which is no JSON, counts as null.

    Raises MalformedRequest, which tells the place of a mistake and nothing of the content.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if takes_nan and _NAN.search(body):
            return read_json(_NAN_OR_STRING.sub(lambda found: b"null" if found[0] == b"NaN" else found[0], body))
        raise _not_json(body, error) from None
    if _may_be_deep(body):
        _check_depth(body)
    # One member and one colon: nothing is given twice. Looking for two colons costs a tenth of counting them all.
    if type(document) is not dict or len(document) != 1 or body.find(b":", body.find(b":") + 1) >= 0:
        _check_keys(body, document)
    return document


def has_booleans(body: bytes) -> bool:
    """Whether true or false may be among the values: one of the words in a text counts, too."""
    # One letter is looked for at a tenth of the cost, and in rows of numbers there are none.
    return (b"r" in body and b"true" in body) or (b"f" in body and b"false" in body)


def read_object(body: bytes, members: str) -> dict[str, Any]:
    """The document, which must be an object. `members`: what to send, for the message. Raises MalformedRequest."""
    document = read_json(body)
    if type(document) is not dict:
        raise MalformedRequest(f"the body must be an object {members}")
    return document


def check_rows(*values: object) -> None:
    """Raises PayloadTooLarge when one of the values is a list longer than a request may be."""
    for value in values:
        if type(value) is list:
            check_row_count(len(value))


def check_row_count(rows: int) -> None:
    """Raises PayloadTooLarge."""
    if rows > MAX_ROWS:
        raise PayloadTooLarge(
            f"the request has {rows} rows, but at most {MAX_ROWS} are taken at once: "
            "send it in parts, or run a batch job"
        )


def _not_json(body: bytes, error: orjson.JSONDecodeError) -> MalformedRequest:
    try:
        body.decode()
    except UnicodeDecodeError as wrong:
        return MalformedRequest(f"the body is not JSON: it is not UTF-8 at byte {wrong.start}")
    if not body.strip():
        return MalformedRequest("the body is not JSON: it is empty")
    # orjson stops at the sign of -Infinity, or one behind it.
    near = error.doc[max(error.pos - 1, 0) : error.pos + 9].lstrip(" \t\r\n[,:")
    if _NO_NUMBER.match(near):
        place = f"line {error.lineno} column {error.colno}"
        return MalformedRequest(
            f"the body is not JSON: NaN and Infinity are not JSON ({place}): "
            "send null for a missing value in an optional column"
        )
    return MalformedRequest(f"the body is not JSON: {error}")


def _may_be_deep(body: bytes) -> bool:
    if len(body) < _NUMPY_PAYS_BYTES:
        return body.count(b"[") + body.count(b"{") > MAX_DEPTH
    # This bit makes a [ a {, and no other byte one but the { itself.
    return int(np.count_nonzero((np.frombuffer(body, np.uint8) | 0x20) == ord("{"))) > MAX_DEPTH


def _count(body: bytes, character: str) -> int:
    if len(body) < _NUMPY_PAYS_BYTES:
        return body.count(ord(character))
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord(character)))


def _check_depth(body: bytes) -> None:
    if b"\\" not in body:
        skeleton = body.translate(_BRACKETS, _NO_BRACKETS_OR_QUOTES).replace(b'""', b"")
    # A string that holds a bracket leaves its first quote behind; an escaped quote would hide that.
    if b"\\" in body or b'"' in skeleton:
        skeleton = _STRING.sub(b"", body).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not skeleton:
            return
        skeleton = skeleton.replace(b"[]", b"")  # the innermost level
    if skeleton:
        raise MalformedRequest(f"the body is nested deeper than {MAX_DEPTH} levels")


def _check_keys(body: bytes, document: Any) -> None:
    """A key that is given twice loses its first value in every reader of JSON, with nobody told.

    Every member has a colon, so as many members as colons mean that none was lost. Colons in texts raise doubts, which
    an exact and slow reading settles.
    """
    if _has_members(document, _count(body, ":")):
        return
    if _has_members(document, len(_KEY_LIKE.findall(body))):
        return
    json.loads(body, object_pairs_hook=_once_each)


def _has_members(document: Any, count: int) -> bool:
    """Whether there are so many members, looked for level by level; in lists only where they begin with an object."""
    found = 0
    level = [document]
    while True:
        objects = [value for value in level if type(value) is dict]
        found += sum(map(len, objects))
        if found >= count:
            return True
        inner = [value for value in level if type(value) is list and value and type(value[0]) in _CONTAINERS]
        level = [value for each in objects for value in each.values() if type(value) in _CONTAINERS]
        level += [value for each in inner if type(each[0]) is dict for value in each]
        if not level:
            return False


def _once_each(pairs: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise MalformedRequest(f'the member "{name[:100]}" is given twice in one object')
        names.add(name)
