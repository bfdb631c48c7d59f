"""Azure Monitor's ingestion endpoint, over real HTTP on loopback: it takes everything and keeps it.

https://learn.microsoft.com/azure/azure-monitor/app/api-custom-events-metrics; the path is that of the exporter.
"""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "11111111-aaaa-4aaa-8aaa-111111111111"
PATH = "/v2.1/track"


class Ingestion(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.connection_string = f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{self.server_port}"
        self.asked: list[str] = []
        self.envelopes: list[dict[str, Any]] = []

    def of(self, base_type: str) -> list[dict[str, Any]]:
        """Envelopes with what they carry as `data`, in the order they came."""
        found = [each for each in self.envelopes if each["data"]["baseType"] == base_type]
        return [{"tags": each["tags"], "key": each["iKey"], **each["data"]["baseData"]} for each in found]


class _Handler(BaseHTTPRequestHandler):
    server: Ingestion

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        taken = json.loads(body)
        self.server.asked.append(self.path)
        self.server.envelopes += taken
        reply = json.dumps({"itemsReceived": len(taken), "itemsAccepted": len(taken), "errors": []}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        """Says nothing: the tests read what came."""


@contextmanager
def ingestion_server() -> Iterator[Ingestion]:
    with Ingestion() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
