"""The app's own API, as the command line calls it."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import requests

from cli.errors import CommandError, app_refused, app_unavailable

AGENT: Final = "slipway-cli"
_TIMEOUT_S: Final = 60
# A token that is handed out is good for five minutes at least.
_RENEW_S: Final = 240


class App:
    """`token`: called when the first call needs it, and again before what it gave can have run out."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._asked_at = -math.inf
        self._session = requests.Session()
        self._session.headers["User-Agent"] = AGENT

    def get(self, *path: str, **query: str) -> Any:
        return self.ask("GET", *path, params=query).json()

    def ask(
        self,
        method: str,
        *path: str,
        json: object = None,
        data: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """`path`: its segments. Raises CommandError."""
        if time.monotonic() - self._asked_at > _RENEW_S:
            self._session.headers["Authorization"] = f"Bearer {self._token()}"
            self._asked_at = time.monotonic()
        address = "/".join([self._url, *(quote(each, safe="") for each in path)])
        try:
            reply = self._session.request(
                method, address, json=json, data=data, params=params, headers=headers, timeout=_TIMEOUT_S
            )
        except requests.RequestException:
            raise app_unavailable(f"the app at {self._url} does not answer: is it running?") from None
        if not reply.ok:
            raise _refused(reply, self._url)
        return reply


def _refused(reply: requests.Response, url: str) -> CommandError:
    """Azure ML's form is the app's own; MLflow's and the Open Inference Protocol's come from scoring."""
    try:
        match reply.json():
            case {"error": {"code": code, "message": message}} | {"error_code": code, "message": message}:
                return app_refused(str(code), str(message), reply.status_code)
            case {"error": str(message)}:
                return app_refused("Refused", message, reply.status_code)
    except ValueError:
        pass
    return app_unavailable(f"{url} answers {reply.status_code}, and not as the app does: is this its address?")
