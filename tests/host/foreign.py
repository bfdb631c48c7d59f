"""How the tests speak to the foreign app: HTTP calls, its storage, and what it wrote down."""

import base64
import binascii
import contextlib
import http.client
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from devhost.stack import Stack

SETTINGS = {
    "TICK_SCHEDULE": "*/2 * * * * *",
    "YEARLY_SCHEDULE": "0 0 0 1 1 *",
    "RECORDS": "records",
    "DEVHOST_BLOB_POLL_S": "0.2",
    "DEVHOST_QUEUE_POLL_S": "0.2",
}


class Reply(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)

    def json(self) -> Any:
        return json.loads(self.body)


def call(stack: Stack, path: str, body: bytes | None = None, method: str | None = None, timeout_s: float = 30) -> Reply:
    """One HTTP request: POST with a body, GET without, unless a method is given."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=timeout_s)
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body)
        reply = connection.getresponse()
        return Reply(reply.status, reply.getheaders(), reply.read())
    finally:
        connection.close()


def eventually[T](probe: Callable[[], T], what: str, deadline_s: float = 20.0) -> T:
    """Ask until the answer is true, or fail at the deadline."""
    ends_at = time.monotonic() + deadline_s
    while not (answer := probe()):
        assert time.monotonic() < ends_at, f"not within {deadline_s:.0f} s: {what}"
        time.sleep(0.05)
    return answer


def prepare_storage(stack: Stack) -> None:
    with BlobServiceClient.from_connection_string(stack.connection_string) as service:
        service.create_container("records")


def upload(stack: Stack, container: str, name: str, text: str) -> None:
    """Write a blob, making its container when it is the first one."""
    with BlobServiceClient.from_connection_string(stack.connection_string) as service:
        with contextlib.suppress(ResourceExistsError):
            service.create_container(container)
        service.get_blob_client(container, name).upload_blob(text, overwrite=True)


def read_blob(stack: Stack, container: str, name: str) -> bytes | None:
    with BlobServiceClient.from_connection_string(stack.connection_string) as service:
        try:
            return service.get_blob_client(container, name).download_blob().readall()
        except ResourceNotFoundError:
            return None


def records(stack: Stack, kind: str, **wanted: Any) -> list[dict[str, Any]]:
    """What the app wrote down of this kind, with these facts."""
    lines = (read_blob(stack, "records", kind) or b"").splitlines()
    facts: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [fact for fact in facts if all(fact.get(name) == value for name, value in wanted.items())]


def send_message(stack: Stack, queue: str, content: str) -> None:
    """Put a message as it is, making its queue when it is the first one."""
    with QueueServiceClient.from_connection_string(stack.connection_string) as service:
        with contextlib.suppress(ResourceExistsError):
            service.create_queue(queue)
        with service.get_queue_client(queue) as client:
            client.send_message(content)


def messages(stack: Stack, queue: str) -> list[str]:
    """The messages in a queue, decoded where they are base64, left where they are."""
    with QueueServiceClient.from_connection_string(stack.connection_string) as service:
        try:
            with service.get_queue_client(queue) as client:
                return [_decoded(item.content) for item in client.peek_messages(32)]
        except ResourceNotFoundError:
            return []


def _decoded(content: str) -> str:
    try:
        return base64.b64decode(content, validate=True).decode()
    except binascii.Error:
        return content
