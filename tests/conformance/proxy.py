"""A loopback proxy for clients that send no token or call no path of their own, and for bases that a gateway adds."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
from urllib.parse import urlsplit

# They speak of one connection, and are not passed on.
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "host", "content-length"})


class Proxy:
    """Passes `{under}/…` on to `{target}/…`, with a token where one is given. `port`: where it listens."""

    def __init__(self, target: str, under: str = "", token: str | None = None) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.target, self._server.under, self._server.token = urlsplit(target), under, token
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    target = urlsplit("")
    under = ""
    token: str | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name: text for name, text in self.headers.items() if name.lower() not in _HOP}
        if self.server.token is not None:
            headers["Authorization"] = f"Bearer {self.server.token}"
        target = self.server.target
        path = target.path + self.path.removeprefix(self.server.under)
        connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
        try:
            connection.request(self.command, path, body, headers)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        self.send_response_only(reply.status)
        for name, text in reply.getheaders():
            if name.lower() not in _HOP:
                self.send_header(name, text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _pass_on  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it is called with
        return
