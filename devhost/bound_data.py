"""The bindings beside the trigger: durable clients and blobs in, queue messages and blobs out."""

import asyncio
import base64
import contextlib
import json
import logging
import re
from collections.abc import Mapping

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueClient

from devhost.errors import HostError
from devhost.functions import DURABLE_CLIENT, Binding, Function
from devhost.messages import ModelBindingData
from devhost.settings import resolve
from devhost.storage import HOST_CONNECTION, Storage
from devhost.worker import Datum, Outcome, Worker

_log = logging.getLogger("devhost.bindings")
_PLACEHOLDER = re.compile(r"\{(\w[\w-]*)\}")


class BoundData:
    """Invokes a function with what its further bindings name, and delivers what they hold afterwards."""

    def __init__(self, worker: Worker, storage: Storage, queue_base64: bool) -> None:
        self._worker = worker
        self._storage = storage
        self._queue_base64 = queue_base64
        self._client_json: str | None = None

    def offer_durable_client(self, client_json: str) -> None:
        self._client_json = client_json

    async def invoke(
        self,
        function: Function,
        inputs: list[tuple[str, Datum]],
        metadata: Mapping[str, Datum] | None = None,
        values: Mapping[str, str] | None = None,
        trace_parent: str = "",
    ) -> Outcome:
        """Run the function; `values` fill the placeholders of its bindings' paths."""
        try:
            more = [(binding.name, await self._read(function, binding, values or {})) for binding in function.inputs]
            outcome = await self._worker.invoke(function, [*inputs, *more], metadata, trace_parent)
            if outcome.error is None:
                await self._deliver(function, outcome, values or {})
        except (HostError, AzureError) as exc:
            _log.exception("%s: a binding failed", function.label)
            return Outcome(None, (), exc)
        return outcome

    async def _read(self, function: Function, binding: Binding, values: Mapping[str, str]) -> Datum:
        if binding.kind == DURABLE_CLIENT:
            return Datum(self._client_json, "string")
        container, name = self._blob_path(function, binding, values)
        connection = binding.text("connection", HOST_CONNECTION)
        if binding.deferred:
            return blob_reference(connection, container, name)
        client = self._storage.blobs(connection).get_blob_client(container, name)
        return Datum(await asyncio.to_thread(lambda: client.download_blob().readall()), "bytes")

    async def _deliver(self, function: Function, outcome: Outcome, values: Mapping[str, str]) -> None:
        produced = dict(outcome.outputs)
        if outcome.value is not None:
            produced.setdefault("$return", outcome.value)
        for binding in function.outputs:
            datum = produced.get(binding.name)
            if datum is None or datum.type is None or binding.kind == "http":
                continue
            connection = binding.text("connection", HOST_CONNECTION)
            if binding.kind == "queue":
                queue = resolve(binding.text("queueName"), function.label)
                client = self._storage.queues(connection).get_queue_client(queue)
                for text in _messages(datum):
                    content = encode_message(text, self._queue_base64)
                    await asyncio.to_thread(put_message, client, content)
            else:
                container, name = self._blob_path(function, binding, values)
                data = datum.value if isinstance(datum.value, bytes) else str(datum.value).encode()
                await asyncio.to_thread(_put_blob, self._storage.blobs(connection), container, name, data)

    @staticmethod
    def _blob_path(function: Function, binding: Binding, values: Mapping[str, str]) -> tuple[str, str]:
        def value_of(match: re.Match[str]) -> str:
            if match.group(1) not in values:
                raise HostError(f"{function.label}: nothing gives '{{{match.group(1)}}}' of '{binding.name}'")
            return values[match.group(1)]

        path = _PLACEHOLDER.sub(value_of, resolve(binding.text("path"), function.label))
        container, _, name = path.partition("/")
        return container, name


def blob_reference(connection: str, container: str, name: str) -> Datum:
    """What the real host sends for a BlobClient parameter: where the blob is, never its content."""
    content = {"Connection": connection, "ContainerName": container, "BlobName": name}
    reference = ModelBindingData("1.0", "AzureStorageBlobs", "application/json", json.dumps(content))
    return Datum(reference, "model_binding_data")


def encode_message(text: str, as_base64: bool) -> str:
    return base64.b64encode(text.encode()).decode() if as_base64 else text


def put_message(client: QueueClient, content: str) -> None:
    """Send a message, making its queue when it is the first one."""
    try:
        client.send_message(content)
    except ResourceNotFoundError:
        with contextlib.suppress(ResourceExistsError):
            client.create_queue()
        client.send_message(content)


def _put_blob(service: BlobServiceClient, container: str, name: str, content: bytes) -> None:
    try:
        service.get_blob_client(container, name).upload_blob(content, overwrite=True)
    except ResourceNotFoundError:
        service.create_container(container)
        service.get_blob_client(container, name).upload_blob(content, overwrite=True)


def _messages(datum: Datum) -> list[str]:
    """A queue output is one text, or a JSON list of texts and of messages with a body."""
    if datum.type != "json":
        return [datum.value.decode() if isinstance(datum.value, bytes) else str(datum.value)]
    document = json.loads(datum.value)
    items = document if isinstance(document, list) else [document]
    return [str(item["body"]) if isinstance(item, dict) and "body" in item else str(item) for item in items]
