"""Finished jobs are told on a real queue of Azurite, and to Event Grid up to its SDK's last step."""

import base64
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.queue import QueueClient
from pytest_mock import MockerFixture
from requests import Response
from requests.structures import CaseInsensitiveDict

from shared.adapters.announcements import EVENT_TYPE, QUEUE, JobAnnouncements
from shared.batch.events import Announcer, JobEvent
from shared.batch.job import JobStatus
from shared.errors import ConfigurationError, StorageUnavailable
from shared.settings import Settings

TOPIC = "https://topic.westeurope-1.eventgrid.azure.net/api/events"
NOW = datetime(2026, 11, 26, tzinfo=UTC)
EVENT = JobEvent(
    id="rest-1-1-Completed", job_id="rest-1", endpoint="flowers", status=JobStatus.COMPLETED, deployment="blue",
    model_version="1", counts=None, output="predictions/flowers/ö/", error=None, submitted_by="somebody",
    created_at=NOW, started_at=NOW, finished_at=None,
)  # fmt: skip


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"tenant_id": "tenant", "audiences": ("audience",), **given})


@pytest.fixture
def queue(azurite: str) -> QueueClient:
    """Where no job has ended yet."""
    client = QueueClient.from_connection_string(azurite, QUEUE)
    try:
        client.delete_queue()
    except ResourceNotFoundError:
        return client
    return client


def received(queue: QueueClient) -> list[Any]:
    """As the queue trigger of Azure Functions reads them."""
    return [json.loads(base64.b64decode(message.content)) for message in queue.receive_messages()]


def test_the_first_event_makes_the_queue_and_the_next_ones_find_it(azurite: str, queue: QueueClient) -> None:
    announcer: Announcer = JobAnnouncements(settings(data=azurite))
    announcer.announce(EVENT)
    announcer.announce(EVENT)
    assert received(queue) == [json.loads(EVENT.model_dump_json())] * 2


def test_two_hosts_make_the_queue_at_once(azurite: str, queue: QueueClient, mocker: MockerFixture) -> None:
    create = QueueClient.create_queue

    def late(self: QueueClient) -> None:
        create(queue)
        create(self, metadata={"another": "one"})

    mocker.patch.object(QueueClient, "create_queue", late)
    JobAnnouncements(settings(data=azurite)).announce(EVENT)
    assert len(received(queue)) == 1


class Topic:
    """Event Grid's end of the wire. What goes to storage goes on."""

    def __init__(self) -> None:
        self.status = 200
        self.silent = False
        self.requests: list[Any] = []
        self.options: list[dict[str, Any]] = []

    def send(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def sent(transport: RequestsTransport, request: Any, **options: Any) -> Any:
            if not request.url.startswith(TOPIC):
                return send(transport, request, **options)
            self.requests.append(request)
            self.options.append(options)
            if self.silent:
                raise ServiceRequestError("no route")
            return self._reply(request)

        return sent

    def _reply(self, request: Any) -> Any:
        from azure.core.pipeline.transport import RequestsTransportResponse

        reply = Response()
        reply.status_code, reply.headers, reply._content = self.status, CaseInsensitiveDict(), b"{}"
        return RequestsTransportResponse(request, reply)


@pytest.fixture
def topic(mocker: MockerFixture) -> Topic:
    made = Topic()
    mocker.patch.object(RequestsTransport, "send", made.send(RequestsTransport.send))
    identity = SimpleNamespace(get_token=lambda *_, **__: AccessToken("token", 9_999_999_999))
    mocker.patch("shared.adapters.announcements.ManagedIdentityCredential", return_value=identity)
    return made


def test_a_topic_gets_a_cloud_event(
    azurite: str, queue: QueueClient, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        JobAnnouncements(settings(data=azurite, event_grid_topic=TOPIC)).announce(EVENT)
    assert len(received(queue)) == 1
    (request,) = topic.requests
    assert request.headers["Authorization"] == "Bearer token"
    assert request.headers["Content-Type"].startswith("application/cloudevents-batch+json")
    assert json.loads(request.body) == [
        {
            "specversion": "1.0",
            "id": EVENT.id,
            "source": "/slipway",
            "type": EVENT_TYPE,
            "subject": "endpoints/flowers/jobs/rest-1",
            "time": "2026-11-26T00:00:00.000Z",
            "datacontenttype": "application/json",
            "data": json.loads(EVENT.model_dump_json()),
        }
    ]
    assert topic.options[0]["connection_timeout"] == 5
    assert topic.options[0]["read_timeout"] == 30
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, ConfigurationError, "the Event Grid topic refuses the app (401): give the app's identity its role there"),
        (403, ConfigurationError, "the Event Grid topic refuses the app (403): give the app's identity its role there"),
        (404, ConfigurationError, "the Event Grid topic is not there: check the address in the app's settings"),
        (400, StorageUnavailable, "the Event Grid topic answered 400: try again in a moment"),
    ],
)
def test_a_topic_that_refuses_is_told_and_may_be_tried_again(
    azurite: str, queue: QueueClient, topic: Topic, status: int, kind: type[Exception], told: str
) -> None:
    announcer = JobAnnouncements(settings(data=azurite, event_grid_topic=TOPIC))
    topic.status = status
    with pytest.raises(kind) as caught:
        announcer.announce(EVENT)
    assert str(caught.value) == told
    topic.status = 200
    announcer.announce(EVENT)
    assert [event["id"] for event in received(queue)] == [EVENT.id] * 2
    assert [json.loads(request.body)[0]["id"] for request in topic.requests] == [EVENT.id] * 2


def test_a_topic_that_is_silent_may_be_tried_again(azurite: str, topic: Topic) -> None:
    topic.silent = True
    with pytest.raises(StorageUnavailable, match="the Event Grid topic did not answer: try again"):
        JobAnnouncements(settings(data=azurite, event_grid_topic=TOPIC)).announce(EVENT)


def _refused(status: int) -> HttpResponseError:
    error = HttpResponseError("no")
    error.status_code = status
    return error


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (_refused(403), ConfigurationError, "the queue 'job-events' refuses the app (403): give the app's identity"),
        (_refused(503), StorageUnavailable, "the queue 'job-events' answered 503: try again in a moment"),
        (ServiceRequestError("no"), StorageUnavailable, "the queue 'job-events' did not answer: try again in a moment"),
    ],
)
def test_a_queue_that_is_not_there_for_us_is_told(
    azurite: str, topic: Topic, mocker: MockerFixture, error: Exception, kind: type[Exception], told: str
) -> None:
    mocker.patch.object(QueueClient, "send_message", side_effect=error)
    with pytest.raises(kind) as caught:
        JobAnnouncements(settings(data=azurite, event_grid_topic=TOPIC)).announce(EVENT)
    assert str(caught.value).startswith(told)
    assert topic.requests == []


def test_in_azure_the_apps_identity_opens_the_queue(mocker: MockerFixture) -> None:
    opened = mocker.patch("azure.storage.queue.QueueClient")
    identity = mocker.patch("shared.adapters.announcements.ManagedIdentityCredential")
    uris = {
        "data_blob_service_uri": "https://data.blob.core.windows.net",
        "data_queue_service_uri": "https://data.queue.core.windows.net",
    }
    JobAnnouncements(settings(**uris, data_client_id="id")).announce(EVENT)
    identity.assert_called_once_with(client_id="id")
    assert opened.call_args.args == ("https://data.queue.core.windows.net", QUEUE)
    assert opened.call_args.kwargs["credential"] is identity.return_value
    opened.return_value.send_message.assert_called_once_with(EVENT.model_dump_json())
