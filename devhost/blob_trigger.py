"""Blob triggers: poll the container, run the function once for each version of each blob."""

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import AzureError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties

from devhost.blob_receipts import Receipts, Version
from devhost.bound_data import BoundData, blob_reference, encode_message, put_message
from devhost.errors import HostError
from devhost.functions import Function
from devhost.host_json import HostConfig
from devhost.settings import resolve
from devhost.storage import HOST_CONNECTION, Storage
from devhost.trigger_loop import TriggerLoop
from devhost.worker import Datum

_log = logging.getLogger("devhost.blobs")
POISON_QUEUE = "webjobs-blobtrigger-poison"
_PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")


class BlobPattern:
    """A trigger path `container/some/{name}.csv`; a placeholder takes in slashes."""

    def __init__(self, path: str, wanted_by: str) -> None:
        self.container, _, pattern = path.partition("/")
        if not self.container or not pattern or "{" in self.container:
            raise HostError(f"{wanted_by}: the blob path '{path}' is not container/pattern")
        self.prefix = pattern.split("{")[0]
        self._expression = re.compile(_PLACEHOLDER.sub(r"(?P<\1>.+)", re.escape(pattern)))

    def match(self, name: str) -> dict[str, str] | None:
        found = self._expression.fullmatch(name)
        return found.groupdict() if found else None


class BlobTrigger(TriggerLoop):
    """One blob-triggered function."""

    def __init__(
        self, function: Function, bound_data: BoundData, storage: Storage, config: HostConfig, poll_s: float
    ) -> None:
        super().__init__(function.name, poll_s)
        self._function = function
        self._bound_data = bound_data
        self._config = config
        self._connection = function.trigger.text("connection", HOST_CONNECTION)
        self._pattern = BlobPattern(resolve(function.trigger.text("path"), function.label), function.label)
        service = storage.blobs(self._connection, function.label)
        self._container = service.get_container_client(self._pattern.container)
        self._receipts = Receipts(storage.blobs(HOST_CONNECTION), config.host_id, function.name)
        self._poison = storage.queues(self._connection).get_queue_client(POISON_QUEUE)
        self._done: set[Version] = set()
        self._receipts_read = False
        self._in_flight: set[Version] = set()
        self._slots = asyncio.Semaphore(config.blob_max_parallelism)
        if function.trigger.text("source") == "EventGrid":
            _log.info("%s: the container is polled; no Event Grid is needed here", function.label)

    async def poll(self) -> bool:
        """Start a run for every version that is neither done with nor running."""
        if not self._receipts_read:
            self._done = await asyncio.to_thread(self._receipts.completed)
            self._receipts_read = True
        found = await asyncio.to_thread(lambda: list(self._listing()))
        self._done &= {version for version, _ in found}
        for version, properties in found:
            if version not in self._done and version not in self._in_flight:
                self._in_flight.add(version)
                self.spawn(self._take(version, properties))
        return False

    def _listing(self) -> Iterator[tuple[Version, BlobProperties]]:
        try:
            for blob in self._container.list_blobs(name_starts_with=self._pattern.prefix or None, include=["metadata"]):
                if self._pattern.match(blob.name) is not None:
                    yield Version(self._pattern.container, blob.name, blob.etag.strip('"')), blob
        except ResourceNotFoundError:
            return  # the container may come later

    async def _take(self, version: Version, properties: BlobProperties) -> None:
        try:
            async with self._slots:
                if not self.stopping and await self._run(version, properties):
                    self._done.add(version)
        except (ResourceNotFoundError, ResourceModifiedError):
            _log.info("%s: blob %s was changed or deleted meanwhile", self._function.label, version.name)
        except AzureError as exc:
            _log.warning("%s: blob %s: %s", self._function.label, version.name, exc)
        finally:
            self._in_flight.discard(version)

    async def _run(self, version: Version, properties: BlobProperties) -> bool:
        """One try; True when the version is done with, be it as poison."""
        tries = await asyncio.to_thread(self._receipts.begin, version)
        if tries == 0:
            return True
        if tries <= self._config.blob_max_tries:
            datum = await self._content(version)
            values = self._pattern.match(version.name) or {}
            outcome = await self._bound_data.invoke(
                self._function,
                [(self._function.trigger.name, datum)],
                _metadata(version, properties, values, self._container.url),
                values,
            )
            if outcome.error is None:
                await asyncio.to_thread(self._receipts.complete, version, tries)
                return True
        if tries < self._config.blob_max_tries:
            return False
        _log.error("%s: blob %s is poison after %d tries", self._function.label, version.name, tries)
        text = json.dumps(_poison_message(self._function, version, properties))
        message = encode_message(text, self._config.queue_base64)
        # First the message, then the receipt: killed in between, it is told twice rather than never.
        await asyncio.to_thread(put_message, self._poison, message)
        await asyncio.to_thread(self._receipts.complete, version, tries)
        return True

    async def _content(self, version: Version) -> Datum:
        if self._function.trigger.deferred:
            return blob_reference(self._connection, version.container, version.name)
        client = self._container.get_blob_client(version.name)
        data = await asyncio.to_thread(
            lambda: client.download_blob(etag=version.etag, match_condition=MatchConditions.IfNotModified).readall()
        )
        return Datum(data, "bytes")


def _metadata(
    version: Version, properties: BlobProperties, values: dict[str, str], container_url: str
) -> dict[str, Datum]:
    facts: dict[str, Any] = {
        "Length": properties.size,
        "ETag": f'"{version.etag}"',
        "ContentType": properties.content_settings.content_type,
        "LastModified": properties.last_modified.isoformat(),
        "BlobType": _type_of(properties),
    }
    return {
        **{name: Datum(value, "string") for name, value in values.items()},
        "BlobTrigger": Datum(f"{version.container}/{version.name}", "string"),
        "Uri": Datum(json.dumps(f"{container_url}/{version.name}"), "json"),
        "Properties": Datum(json.dumps(facts), "json"),
        "Metadata": Datum(json.dumps(dict(properties.metadata or {})), "json"),
    }


def _poison_message(function: Function, version: Version, properties: BlobProperties) -> dict[str, str]:
    return {
        "Type": "BlobTrigger",
        "FunctionId": f"Host.Functions.{function.name}",
        "BlobType": _type_of(properties),
        "ContainerName": version.container,
        "BlobName": version.name,
        "ETag": f'"{version.etag}"',
    }


def _type_of(properties: BlobProperties) -> str:
    return str(getattr(properties.blob_type, "value", properties.blob_type))
