"""The app's own API, as the command line calls it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import requests

from cli.errors import CommandError, app_refused, app_unavailable

AGENT: Final = "slipway-cli"
_TIMEOUT_S: Final = 60


class App:
    """`token`: called once, when the first call needs it."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._token = token
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
        if "Authorization" not in self._session.headers:
            self._session.headers["Authorization"] = f"Bearer {self._token()}"
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
