"""A token issuer's two kinds of documents, over real HTTP on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from shared.auth.rules import TokenRules, TokenVersion
from tests.unit.auth.issuing import ABSENT, TENANT, V1, V2, jwk, some_rules

DOCUMENT = ".well-known/openid-configuration"
METADATA = {V1: f"/{TENANT}/{DOCUMENT}", V2: f"/{TENANT}/v2.0/{DOCUMENT}"}
KEYS = {V1: "/common/discovery/keys", V2: f"/{TENANT}/discovery/v2.0/keys"}


class Answer(NamedTuple):
    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


class KeyServer(ThreadingHTTPServer):
    """Answers what `answers` holds by path; `holding` keeps every answer back until it is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.rules: TokenRules = some_rules(local_issuer=self.origin)
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.asked_with: list[dict[str, str]] = []
        self.holding = threading.Event()
        self.holding.set()
        for version in TokenVersion:
            self.publish(version, "one")

    def issuer(self, version: TokenVersion) -> str:
        return self.rules.authorities[version].issuer

    def publish(self, version: TokenVersion, *kids: str) -> None:
        """As Entra does: keys of v2 name their issuer, keys of v1 do not."""
        named = self.issuer(V2) if version is V2 else ABSENT
        self.say(METADATA[version], {"issuer": self.issuer(version), "jwks_uri": self.origin + KEYS[version]})
        self.say(KEYS[version], {"keys": [jwk(kid, issuer=named) for kid in kids]})

    def say(self, path: str, document: object) -> None:
        self.answers[path] = Answer(json.dumps(document).encode())


class _Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.asked_with.append(dict(self.headers))
        self.server.holding.wait(10)
        answer = self.server.answers.get(self.path, Answer(b"", 404))
        try:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:
            self.close_connection = True  # the other side had enough

    def log_message(self, *_: object) -> None:
        """Says nothing: the tests read what was asked."""


@contextmanager
def key_server() -> Iterator[KeyServer]:
    with KeyServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.holding.set()
            server.shutdown()
            thread.join()
