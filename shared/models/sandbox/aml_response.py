"""Stands in for `azureml.contrib.services.aml_response`: an answer with a status and headers of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .finite import json_text

_HTML = "text/html; charset=utf-8"
_JSON = "application/json"


class ResponseHeaders:
    """In whatever case they are asked for; a name may come more than once."""

    def __init__(self) -> None:
        self._pairs: list[tuple[str, str]] = []

    def add(self, name: str, value: Any) -> None:
        self._pairs.append((name, str(value)))

    add_header = add

    def getlist(self, name: str) -> list[str]:
        return [value for given, value in self._pairs if given.lower() == name.lower()]

    def remove(self, name: str) -> None:
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def get(self, name: str, default: Any = None) -> Any:
        return next(iter(self.getlist(name)), default)

    def items(self) -> list[tuple[str, str]]:
        return list(self._pairs)

    def update(self, headers: Mapping[str, Any]) -> None:
        for name, value in headers.items():
            self[name] = value

    extend = update

    def setdefault(self, name: str, value: Any) -> str:
        if name not in self:
            self.add(name, value)
        return self[name]

    def __getitem__(self, name: str) -> str:
        values = self.getlist(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __setitem__(self, name: str, value: Any) -> None:
        self.remove(name)
        self.add(name, value)

    def __delitem__(self, name: str) -> None:
        self.remove(name)

    def __contains__(self, name: str) -> bool:
        return bool(self.getlist(name))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)


class AMLResponse:
    """`message` as it is, or as JSON with `json_str`; None is an empty JSON object."""

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, str] | None = None,
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        self.status_code = int(str(status_code).split()[0]) if isinstance(status_code, str) else int(status_code)
        self.headers = ResponseHeaders()
        as_json = json_str or message is None
        self.headers["Content-Type"] = _JSON if as_json else _HTML
        self.set_data(json_text({} if message is None else message) if as_json else message)
        given = response_headers or {}
        if "Content-Type" in given and not as_json:
            self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = run_function_failed
        # A header that is to come more than once is given with commas.
        for name, value in given.items():
            for each in value.split(","):
                self.headers.add_header(name, each.strip())

    @property
    def data(self) -> bytes:
        return self._body

    @data.setter
    def data(self, value: Any) -> None:
        self.set_data(value)

    @property
    def content_type(self) -> Any:
        return self.headers.get("Content-Type")

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["Content-Type"] = value

    def set_data(self, value: Any) -> None:
        """Text, bytes, or an iterable of those."""
        if isinstance(value, str):
            self._body = value.encode()
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self._body = bytes(value)
        else:
            self._body = b"".join(each.encode() if isinstance(each, str) else bytes(each) for each in value)

    def get_data(self, as_text: bool = False) -> Any:
        return self._body.decode() if as_text else self._body

    def get_json(self) -> Any:
        return json.loads(self._body)
