"""How the tests here call the app: as any HTTP client would."""

import time
from collections.abc import Callable
from typing import Any, Final

import requests

from devhost.stack import Stack
from tests.support import iris

AUDIENCE: Final = "api://slipway"
_DEADLINE_S: Final = 60


class Client:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def token(self, *roles: str, audience: str = AUDIENCE) -> str:
        return self.stack.token(roles, audience)

    def ask(self, method: str, path: str, *roles: str, **parts: Any) -> requests.Response:
        """With a token of these roles; without any when there are none."""
        headers = {"Authorization": f"Bearer {self.token(*roles)}"} if roles else {}
        headers |= parts.pop("headers", {})
        return requests.request(method, f"{self.stack.url}{path}", headers=headers, timeout=30, **parts)

    def score(self, endpoint: str, body: bytes = b"", **headers: str) -> requests.Response:
        headers = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        path = f"/endpoints/{endpoint}/score"
        return self.ask("POST", path, "Endpoint.Score", data=body or iris.request(1), headers=headers)

    def finished(self, endpoint: str, job_id: str) -> dict[str, Any]:
        """The job document, once the job is over."""

        def over() -> dict[str, Any] | None:
            reply = self.ask("GET", f"/endpoints/{endpoint}/jobs/{job_id}", "Endpoint.Read")
            return (
                dict(reply.json())
                if reply.ok and reply.json()["status"] in ("Completed", "Failed", "Canceled")
                else None
            )

        return until("the end of the job", over)


def until[T](what: str, look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not come about within {_DEADLINE_S} s")
