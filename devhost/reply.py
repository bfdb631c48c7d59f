"""What a function returned, as an HTTP reply."""

import json
import re
from functools import lru_cache
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

from devhost.worker import Datum

_BODILESS = (204, 304)
# How a reply ends and what becomes of the connection is for the host to say.
_OF_THE_CONNECTION = (b"content-length", b"transfer-encoding", b"connection", b"keep-alive")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Reply(NamedTuple):
    """A reply ready to be sent: headers are encoded and hold the body's length."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def json_reply(status: int, document: Any, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    body = json.dumps(document).encode()
    length = str(len(body)).encode()
    return Reply(status, [(b"content-type", b"application/json"), (b"content-length", length), *headers], body)


def error_reply(status: int, code: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Reply:
    return json_reply(status, {"error": {"code": code, "message": message}}, headers)


def render(datum: Datum | None) -> Reply:
    """Turn a function's return value into a reply; ValueError if it cannot be one."""
    if datum is None or datum.type is None:
        return Reply(204, [], b"")
    if datum.type != "http":
        body = _bytes_of(datum)
        length = str(len(body)).encode()
        return Reply(200, [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", length)], body)
    value = datum.value
    status = int(value["status_code"].value)
    if not 200 <= status <= 599:
        raise ValueError(f"{status} is no status of a reply")
    headers = []
    for name, header in value["headers"].items():
        encoded = _name(name)
        if encoded not in _OF_THE_CONNECTION:
            headers.append((encoded, _value(name, header.value)))
    cookies: list[SimpleCookie] | None = value["cookies"]
    if cookies:
        morsels = [morsel for cookie in cookies for morsel in cookie.values()]
        headers += [(b"set-cookie", _value("set-cookie", morsel.OutputString())) for morsel in morsels]
    if status in _BODILESS:
        return Reply(status, headers, b"")
    body = _bytes_of(value["body"])
    headers.append((b"content-length", str(len(body)).encode()))
    return Reply(status, headers, body)


@lru_cache(1024)
def _name(name: str) -> bytes:
    """In lower case. ValueError for one that is no token (RFC 9110, section 5.1)."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} cannot be the name of a header")
    return name.lower().encode()


def _value(name: str, value: str) -> bytes:
    # The server writes headers as they are, so a line break would start a header of the caller's choice.
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"the value of the header '{name}' holds a line break")
    return value.encode("latin-1", "replace")


def _bytes_of(datum: Datum | None) -> bytes:
    if datum is None or datum.value is None:
        return b""
    if isinstance(datum.value, bytes):
        return datum.value
    if isinstance(datum.value, str):
        return datum.value.encode()
    return json.dumps(datum.value).encode()
