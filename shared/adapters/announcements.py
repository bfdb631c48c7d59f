"""Tells of finished jobs: by a message on a storage queue, and by an event of Event Grid where a topic is set."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Protocol

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.identity import ManagedIdentityCredential

from shared.adapters.connection import CLIENT_OPTIONS
from shared.errors import ConfigurationError, StorageUnavailable
from shared.settings import Settings

QUEUE: Final = "job-events"
EVENT_TYPE: Final = "Slipway.JobFinished"
# The publisher takes timeouts with each call alone, and waits for 300 s without; it also logs that events have none.
_CALL: Final = {"connection_timeout": 5, "read_timeout": 30}
_LOGS_OPTIONS: Final = "azure.eventgrid._legacy._generated._serialization"


class Announced(Protocol):
    """What is read of the event of a job; all else is sent as it is."""

    @property
    def id(self) -> str: ...
    @property
    def job_id(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def finished_at(self) -> datetime | None: ...
    def model_dump_json(self) -> str: ...


class JobAnnouncements:
    """An Announcer. First the queue, then the topic: a repeat after a failure of the second tells the first again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._source = settings.data_blob_service_uri.rstrip("/") or "/slipway"

    def announce(self, event: Announced) -> None:
        text = event.model_dump_json()
        with _translated(f"the queue '{QUEUE}'"):
            self._put(text)
        if self._settings.event_grid_topic:
            told = CloudEvent(
                self._source, EVENT_TYPE, id=event.id, subject=f"endpoints/{event.endpoint}/jobs/{event.job_id}",
                time=event.finished_at or event.created_at, data=json.loads(text), datacontenttype="application/json",
            )  # fmt: skip
            with _translated("the Event Grid topic"):
                self._topic.send(told, **_CALL)

    def _put(self, text: str) -> None:
        try:
            self._queue.send_message(text)
        except ResourceNotFoundError:
            with suppress(ResourceExistsError):  # somebody was faster
                self._queue.create_queue()
            self._queue.send_message(text)

    @cached_property
    def _queue(self) -> Any:
        """Base64, as the queue trigger of Azure Functions reads it. The SDK comes with the first job that ends."""
        from azure.storage.queue import QueueClient, TextBase64EncodePolicy

        options = {**CLIENT_OPTIONS, "message_encode_policy": TextBase64EncodePolicy()}
        if not self._settings.data_queue_service_uri:
            return QueueClient.from_connection_string(self._settings.data, QUEUE, **options)
        return QueueClient(self._settings.data_queue_service_uri, QUEUE, credential=self._identity, **options)

    @cached_property
    def _topic(self) -> Any:
        from azure.eventgrid import EventGridPublisherClient

        logging.getLogger(_LOGS_OPTIONS).setLevel(logging.ERROR)
        return EventGridPublisherClient(self._settings.event_grid_topic, self._identity)

    @cached_property
    def _identity(self) -> ManagedIdentityCredential:
        return ManagedIdentityCredential(client_id=self._settings.data_client_id or None)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except AzureError as error:
        status = error.status_code if isinstance(error, HttpResponseError) else None
        if status in (401, 403):
            raise ConfigurationError(
                f"{what} refuses the app ({status}): give the app's identity its role there"
            ) from error
        if isinstance(error, ResourceNotFoundError):
            raise ConfigurationError(f"{what} is not there: check the address in the app's settings") from error
        reason = f"answered {status}" if status else "did not answer"
        raise StorageUnavailable(f"{what} {reason}: try again in a moment") from error
