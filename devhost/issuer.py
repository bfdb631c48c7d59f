"""A token issuer that speaks as Entra ID does, for loopback only.

`python -m devhost.issuer --port N --tenant GUID` gives a token to whoever asks for one, with the
roles asked for. It must never be reachable from another machine, and listens on 127.0.0.1 only.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import signal
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from devhost.processes import EXIT_WITH_PARENT, watch_parent

DEFAULT_TENANT = "72f988bf-0000-4000-8000-2d7cd011db47"
DEFAULT_CLIENT = "11111111-2222-4333-8444-555555555555"
DEFAULT_LIFETIME_S = 3600
_FORM_LIMIT_BYTES = 64 * 1024


class SigningKey:
    """An RSA key pair named by its RFC 7638 thumbprint."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(RSAAlgorithm.to_jwk(self.private.public_key()))
        self.jwk: dict[str, Any] = {"kty": "RSA", "n": public["n"], "e": public["e"]}
        canonical = json.dumps(dict(sorted(self.jwk.items())), separators=(",", ":")).encode()
        digest = hashlib.sha256(canonical).digest()
        self.kid = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.jwk |= {"use": "sig", "alg": "RS256", "kid": self.kid}


class LocalIssuer:
    """Mints tokens for one tenant and serves the metadata and keys to check them with."""

    def __init__(self, tenant: str = DEFAULT_TENANT, port: int = 0) -> None:
        self.tenant = tenant
        self.keys = [SigningKey()]
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.issuer = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def issuer(self) -> str:
        """`iss` of v2.0 tokens."""
        return f"{self.url}/{self.tenant}/v2.0"

    @property
    def issuer_v1(self) -> str:
        """`iss` of v1.0 tokens."""
        return f"{self.url}/{self.tenant}/"

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.1)

    def start(self) -> "LocalIssuer":
        threading.Thread(target=self.serve, name="issuer", daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "LocalIssuer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def rotate(self, keep_old: bool = True) -> SigningKey:
        """Sign with a new key from now on; without `keep_old` the earlier keys are withdrawn."""
        key = SigningKey()
        self.keys = [key, *(self.keys if keep_old else [])]
        return key

    def mint(self, *, key: SigningKey | None = None, lifetime_s: int = DEFAULT_LIFETIME_S, **claims: Any) -> str:
        """An app-only v2.0 token; a claim given replaces the usual one, None leaves it out."""
        now = int(time.time())
        oid = claims.get("oid", DEFAULT_CLIENT)
        usual = {
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime_s,
            "tid": self.tenant,
            "oid": oid,
            "sub": oid,
            "azp": DEFAULT_CLIENT,
            "azpacr": "1",
            "idtyp": "app",
            "ver": "2.0",
            "uti": secrets.token_urlsafe(16),
        }
        payload = {name: value for name, value in (usual | claims).items() if value is not None}
        signer = key or self.keys[0]
        return jwt.encode(payload, signer.private, algorithm="RS256", headers={"kid": signer.kid})

    def jwks(self, key_issuer: str) -> dict[str, Any]:
        """The public keys, each with Microsoft's extra member that says whose it is."""
        return {"keys": [key.jwk | {"issuer": key_issuer} for key in self.keys]}

    def document(self, path: str) -> dict[str, Any] | None:
        """What GET answers under this path."""
        base, well_known = f"/{self.tenant}", ".well-known/openid-configuration"
        return {
            f"{base}/v2.0/{well_known}": self._metadata(self.issuer, "discovery/v2.0/keys"),
            f"{base}/{well_known}": self._metadata(self.issuer_v1, "discovery/keys"),
            f"{base}/discovery/v2.0/keys": self.jwks(self.issuer),
            f"{base}/discovery/keys": self.jwks(self.issuer_v1),
        }.get(path)

    def grant(self, form: dict[str, str]) -> dict[str, Any]:
        """Answer a client-credentials request; ValueError says what is wrong with it."""
        scope = form.get("scope", "")
        if form.get("grant_type", "client_credentials") != "client_credentials":
            raise ValueError("grant_type must be client_credentials")
        if not form.get("client_id") or not scope.endswith("/.default"):
            raise ValueError("client_id and scope=<audience>/.default are needed")
        lifetime_s = int(form.get("lifetime_s", DEFAULT_LIFETIME_S))
        token = self.mint(
            lifetime_s=lifetime_s,
            aud=scope.removesuffix("/.default"),
            azp=_object_id(form["client_id"]),
            oid=_object_id(form.get("oid") or form["client_id"]),
            roles=form.get("roles", "").split() or None,
        )
        return {"token_type": "Bearer", "expires_in": lifetime_s, "access_token": token}

    def _metadata(self, issuer: str, keys_path: str) -> dict[str, Any]:
        base = f"{self.url}/{self.tenant}"
        return {
            "issuer": issuer,
            "jwks_uri": f"{base}/{keys_path}",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
        }


def _object_id(name: str) -> str:
    """Ids of clients and callers are GUIDs; another name becomes one, always the same."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    issuer: LocalIssuer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        document = self.server.issuer.document(urlsplit(self.path).path)
        if document is None:
            self._send(404, {"error": "not_found"})
        else:
            self._send(200, document)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > _FORM_LIMIT_BYTES:
            self.close_connection = True
            self._send(413, {"error": "invalid_request", "error_description": "the form is too large"})
            return
        form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        if urlsplit(self.path).path != f"/{self.server.issuer.tenant}/oauth2/v2.0/token":
            self._send(404, {"error": "not_found"})
            return
        try:
            self._send(200, self.server.issuer.grant(form))
        except ValueError as exc:
            self._send(400, {"error": "invalid_request", "error_description": str(exc)})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name http.server calls
        """Say nothing: the log would hold nothing that a reader needs."""

    def _send(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="devhost.issuer", description=__doc__)
    parser.add_argument("--port", type=int, default=7072)
    parser.add_argument("--tenant", default=DEFAULT_TENANT)
    parser.add_argument(EXIT_WITH_PARENT, action="store_true")
    arguments = parser.parse_args()
    if arguments.exit_with_parent:
        watch_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        issuer = LocalIssuer(arguments.tenant, arguments.port)
    except OSError as exc:
        print(f"devhost: the issuer cannot listen on 127.0.0.1:{arguments.port}: {exc.strerror}", file=sys.stderr)
        return 1
    print(f"devhost: issuing tokens as {issuer.issuer}", flush=True)
    issuer.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
