"""The app's own API, as the command line calls it."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import requests
from requests.exceptions import InvalidHeader, InvalidJSONError

from cli.errors import CommandError, app_refused, app_unavailable

AGENT: Final = "slipway-cli"
_TIMEOUT_S: Final = 60
# A token that is handed out is good for five minutes at least.
_RENEW_S: Final = 240
# The app sends it with whatever it answers.
_MARK: Final = "x-request-id"
# What an address would lose on the way, and with it the name of what is meant.
_NO_SEGMENTS: Final = ("", ".", "..")


class Answer(dict[str, Any]):
    """An object of an answer: what it should have, and has not, is told as such."""

    def __missing__(self, key: str) -> Any:
        raise _lacking(key)


class App:
    """`token`: called when the first call needs it, and again before what it gave can have run out."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._ask_token = token
        self._token = ""
        self._asked_at = -math.inf
        self._session = requests.Session()
        self._session.headers["User-Agent"] = AGENT

    def token(self) -> str:
        """Whose bearer the app sees."""
        if time.monotonic() - self._asked_at > _RENEW_S:
            self._token = self._ask_token()
            self._asked_at = time.monotonic()
        return self._token

    def get(self, *path: str, **query: str) -> Answer:
        return self.document("GET", *path, params=query)

    def document(self, method: str, *path: str, **parts: Any) -> Answer:
        """As `ask`, of what is answered as an object in JSON."""
        return self.parsed(self.ask(method, *path, **parts))

    def parsed(self, reply: requests.Response) -> Answer:
        """Raises CommandError."""
        try:
            found = reply.json(object_hook=Answer)
        except ValueError:
            found = None
        if not isinstance(found, Answer):
            raise _another(reply, self._url)
        return found

    def etag(self, reply: requests.Response) -> str:
        """Raises CommandError."""
        found = reply.headers.get("ETag")
        if found is None:
            raise _lacking("ETag")
        return found

    def ask(
        self,
        method: str,
        *path: str,
        json: object = None,
        data: bytes | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        mark: str = _MARK,
    ) -> requests.Response:
        """`path`: its segments. `mark`: a header that the app's own answers have.

        Raises CommandError, also where it is not the app that answers.
        """
        unnamed = [each for each in path if each in _NO_SEGMENTS]
        if unnamed:
            raise CommandError("MalformedRequest", f"'{unnamed[0]}' is no name")
        self._session.headers["Authorization"] = f"Bearer {self.token()}"
        address = "/".join([self._url, *(quote(each, safe="", errors="surrogateescape") for each in path)])
        try:
            reply = self._session.request(
                method, address, json=json, data=data, params=params, headers=headers, timeout=_TIMEOUT_S
            )
        except (InvalidHeader, InvalidJSONError, UnicodeError):
            told = "a value that was given holds what cannot be sent: leave control characters, NaN and infinity out"
            raise CommandError("MalformedRequest", told) from None
        except (requests.RequestException, ValueError):  # the latter of an address that is none
            raise app_unavailable(f"the app at {self._url} does not answer: is it running?") from None
        if not reply.ok:
            raise _refused(reply, self._url)
        if mark not in reply.headers:
            raise _another(reply, self._url)
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
    return _another(reply, url)


def _lacking(name: str) -> CommandError:
    return app_unavailable(
        f"the app's answer has no '{name}': is this its address, and this command of the same version?"
    )


def _another(reply: requests.Response, url: str) -> CommandError:
    return app_unavailable(f"{url} answers {reply.status_code}, and not as the app does: is this its address?")
