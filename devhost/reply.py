"""What a function returned, as an HTTP reply."""

import json
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

from devhost.worker import Datum

_BODILESS = (204, 304)
_LENGTH_HEADERS = ("content-length", "transfer-encoding")


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
    headers = []
    for name, header in value["headers"].items():
        lowered = name.lower()
        if lowered not in _LENGTH_HEADERS:
            headers.append(_header(lowered, header.value))
    cookies: list[SimpleCookie] | None = value["cookies"]
    if cookies:
        headers += [_header("set-cookie", morsel.OutputString()) for cookie in cookies for morsel in cookie.values()]
    if status in _BODILESS:
        return Reply(status, headers, b"")
    body = _bytes_of(value["body"])
    headers.append((b"content-length", str(len(body)).encode()))
    return Reply(status, headers, body)


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    # The server writes headers as they are, so a line break would start a header of the caller's choice.
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError(f"the value of the header '{name}' holds a line break")
    return name.encode("latin-1"), value.encode("latin-1", "replace")


def _bytes_of(datum: Datum | None) -> bytes:
    if datum is None or datum.value is None:
        return b""
    if isinstance(datum.value, bytes):
        return datum.value
    if isinstance(datum.value, str):
        return datum.value.encode()
    return json.dumps(datum.value).encode()
