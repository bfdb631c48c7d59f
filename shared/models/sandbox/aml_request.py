"""Stands in for `azureml.contrib.services.aml_request`: the request that a run() with `@rawhttp` is given.

What Azure ML's documentation uses of Flask's request is here: method, path, full_path, args, headers, body, JSON, form
and files. The rest needs the real package in the deployment's environment, which is then used instead.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from .multipart import Upload, read_multipart

_rawHttpRequested = False  # noqa: N816 - the name that Azure ML's server looks for

_FORM = "application/x-www-form-urlencoded"


def rawhttp(function: Callable[..., Any]) -> Callable[..., Any]:
    """Has run() take the whole request."""
    global _rawHttpRequested
    _rawHttpRequested = True
    return function


class Values(dict[str, Any]):
    """The first value of each name; all of them by `getlist`."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(reversed(pairs))
        self._pairs = pairs

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for name, _ in self._pairs))

    def keys(self) -> Any:
        return list(self)

    def items(self) -> Any:
        return [(name, self[name]) for name in self]

    def values(self) -> Any:
        return [self[name] for name in self]

    def getlist(self, name: str) -> list[Any]:
        return [value for given, value in self._pairs if given == name]

    def get(self, name: str, default: Any = None, type: Callable[[Any], Any] | None = None) -> Any:  # noqa: A002 - as in Flask
        try:
            return self[name] if type is None else type(self[name])
        except (KeyError, ValueError):
            return default

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        return {name: self[name] if flat else self.getlist(name) for name in self}


class RequestHeaders(Mapping[str, str]):
    """In whatever case they are asked for."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = {name.lower(): value for name, value in headers.items()}

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name.title() for name in self._headers)

    def __len__(self) -> int:
        return len(self._headers)


class AMLRequest:
    """One HTTP request."""

    path = "/score"
    script_root = ""
    scheme = "http"

    def __init__(self, method: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method = method
        self.query_string = query.encode()
        self.headers = RequestHeaders(headers)
        self.args = Values(parse_qsl(query, keep_blank_values=True))
        self.full_path = f"{self.path}?{query}"
        self.content_type = self.headers.get("content-type")
        self.content_length = len(body)
        self.mimetype = (self.content_type or "").partition(";")[0].strip().lower()
        self.is_json = self.mimetype == "application/json" or (
            self.mimetype.startswith("application/") and self.mimetype.endswith("+json")
        )
        self.stream = io.BytesIO(body)
        self._body = body
        self._form: tuple[Values, Values] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(
            f"this request has no '{name}': install azureml-inference-server-http in the deployment's environment"
        )

    @property
    def data(self) -> bytes:
        return self._body

    @property
    def json(self) -> Any:
        return self.get_json()

    @property
    def form(self) -> Values:
        return self._parts()[0]

    @property
    def files(self) -> Values:
        return self._parts()[1]

    def get_data(self, cache: bool = True, as_text: bool = False, parse_form_data: bool = False) -> Any:
        return self._body.decode(errors="replace") if as_text else self._body

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Raises ValueError when the body is not JSON, or is not said to be."""
        if not self.is_json and not force:
            if silent:
                return None
            raise ValueError("the request's Content-Type is not application/json")
        try:
            return json.loads(self._body)
        except ValueError:
            if silent:
                return None
            raise

    def _parts(self) -> tuple[Values, Values]:
        if self._form is None:
            fields: list[tuple[str, str]] = []
            uploads: list[tuple[str, Upload]] = []
            if self.mimetype == _FORM:
                fields = parse_qsl(self._body.decode(errors="replace"), keep_blank_values=True)
            elif self.mimetype == "multipart/form-data":
                fields, uploads = read_multipart(self.content_type or "", self._body)
            self._form = Values(fields), Values(uploads)
        return self._form


def from_call(wanted: Any, request: Any) -> Any:
    """Ours, or the request of the Flask that the real AMLRequest is made of."""
    if wanted is AMLRequest:
        return AMLRequest(request.method, request.query, request.headers, request.body)
    from flask import Request

    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": AMLRequest.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.url_scheme": AMLRequest.scheme,
        "wsgi.input": io.BytesIO(request.body),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return Request(environ)
