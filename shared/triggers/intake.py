"""What starts batch jobs without being asked over HTTP: a dropped blob, or the clock.

A drop is told by the host that polls storage, by Event Grid through the host, or by Event Grid through a storage queue
where the app's network is private: a setting says which. All three come to the same function.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import azure.functions as func
import grpc
from azure.durable_functions import Blueprint, SyncDurableFunctionsClient

from shared.batch import closing, orchestrator, reconciler
from shared.batch.intake import blob_event, drops, schedules
from shared.batch.job import Job
from shared.endpoints import watched
from shared.errors import SlipwayError
from shared.ports import Container
from shared.services import services
from shared.settings import DATA_CONNECTION, STORAGE_QUEUE, read_trigger_settings
from shared.triggers.batch import is_running, start
from shared.triggers.dropped import BlobReference

_log = logging.getLogger(__name__)

INBOX_QUEUE: Final = "inbox-events"
# How long the engine's own record of an orchestration is kept after it ended: for those who look into a failure.
_KEEP_HISTORY: Final = timedelta(days=1)
_PURGE_FOR: Final = timedelta(seconds=20)
# How long one tick sweeps, and looks at windows of monitoring: the next one goes on.
_SWEEP_S: Final = 30.0
_WATCH_S: Final = 30.0

_source, _tick_schedule = read_trigger_settings(os.environ)
blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)


def _dropped(name: str, client: SyncDurableFunctionsClient) -> None:
    ports = services().batch
    found = ports.store.find(Container.INBOX, name)
    if found is None:
        _log.warning("%s/%s was taken away before its job could start", Container.INBOX, name)
        return
    job = drops.drop(found.name, found.etag, ports)
    if job is not None:
        start(client, job)


if _source == STORAGE_QUEUE:

    @blueprint.queue_trigger("message", INBOX_QUEUE, DATA_CONNECTION)
    @blueprint.durable_client_input("client")
    def drop_message(message: func.QueueMessage, client: SyncDurableFunctionsClient) -> None:
        name = blob_event.dropped_name(message.get_body())
        if name is not None:
            _dropped(name, client)

else:

    @blueprint.blob_trigger("blob", f"{Container.INBOX}/{{name}}", DATA_CONNECTION, source=func.BlobSource(_source))
    @blueprint.durable_client_input("client")
    def drop(blob: BlobReference, client: SyncDurableFunctionsClient) -> None:
        _dropped(blob.name, client)


@blueprint.timer_trigger("timer", _tick_schedule)
@blueprint.durable_client_input("client")
def tick(timer: func.TimerRequest, client: SyncDurableFunctionsClient) -> None:
    chores: tuple[Callable[[], None], ...] = (
        lambda: services().metrics.tick(),
        lambda: _start_all(client, schedules.due(services().batch)),
        lambda: _start_all(client, reconciler.forsaken(services().batch, lambda job: is_running(client, job))),
        _sweep,
        lambda: _purge(client),
        _watch,
    )
    for chore in chores:
        try:
            chore()
        except (SlipwayError, grpc.RpcError) as error:
            _log.warning("this tick did not do all it should, the next one will: %s", error)
        except Exception:
            _log.exception("this tick did not do all it should")


def _start_all(client: SyncDurableFunctionsClient, found: Iterable[Job]) -> None:
    for job in found:
        start(client, job)


def _sweep() -> None:
    until = time.monotonic() + _SWEEP_S
    closing.sweep(services().batch, lambda: time.monotonic() > until)


def _watch() -> None:
    until = time.monotonic() + _WATCH_S
    services().watcher.look(watched.targets(services().catalog), lambda: time.monotonic() > until)


def _purge(client: SyncDurableFunctionsClient) -> None:
    """The engine's records of what has ended grow without end, and none of it is needed: documents are the truth."""
    if datetime.now(UTC).minute:
        return  # once an hour is often enough
    client.purge_orchestrations_by(
        created_time_to=datetime.now(UTC) - _KEEP_HISTORY, runtime_status=[*orchestrator.ENDED], timeout=_PURGE_FOR
    )
