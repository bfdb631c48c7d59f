"""Queue triggers: take messages on a lease, delete them on success, poison them after five tries."""

import asyncio
import base64
import binascii
import contextlib
import json
import logging

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.storage.queue import QueueMessage

from devhost.bound_data import BoundData, put_message
from devhost.functions import Function
from devhost.host_json import HostConfig
from devhost.settings import resolve
from devhost.storage import HOST_CONNECTION, Storage
from devhost.trigger_loop import TriggerLoop
from devhost.worker import Datum

_log = logging.getLogger("devhost.queues")
# The real host leases for 10 minutes; here a killed host's messages come back sooner.
_LEASE_S = 30


class QueueTrigger(TriggerLoop):
    """One queue-triggered function."""

    def __init__(
        self, function: Function, bound_data: BoundData, storage: Storage, config: HostConfig, poll_s: float
    ) -> None:
        super().__init__(function.name, poll_s)
        self._function = function
        self._bound_data = bound_data
        self._config = config
        service = storage.queues(function.trigger.text("connection", HOST_CONNECTION), function.label)
        name = resolve(function.trigger.text("queueName"), function.label)
        self._queue = service.get_queue_client(name)
        self._poison = service.get_queue_client(f"{name}-poison")
        self._in_flight = 0

    async def poll(self) -> bool:
        room = self._config.queue_batch_size - self._in_flight
        if room <= 0:
            return False
        messages = await asyncio.to_thread(self._receive, room)
        for message in messages:
            self._in_flight += 1
            self.spawn(self._take(message))
        return len(messages) == room

    def _receive(self, most: int) -> list[QueueMessage]:
        try:
            return list(self._queue.receive_messages(max_messages=most, visibility_timeout=_LEASE_S))
        except ResourceNotFoundError:
            return []  # the queue may come later

    async def _take(self, message: QueueMessage) -> None:
        try:
            await self._run(message)
        except AzureError as exc:
            _log.warning("%s: message %s: %s", self._function.label, message.id, exc)
        finally:
            self._in_flight -= 1

    async def _run(self, message: QueueMessage) -> None:
        datum, tries = self._decode(message.content), message.dequeue_count or 1
        most = self._config.queue_max_tries
        if datum is None:
            _log.error("%s: message %s is not base64", self._function.label, message.id)
            await self._move_to_poison(message)
            return
        if tries <= most:
            keeper = asyncio.create_task(self._keep_lease(message))
            try:
                outcome = await self._bound_data.invoke(
                    self._function,
                    [(self._function.trigger.name, datum)],
                    _metadata(message),
                )
            finally:
                keeper.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await keeper
            if outcome.error is None:
                await asyncio.to_thread(self._queue.delete_message, message)
                return
        if tries >= most:
            _log.error("%s: message %s is poison", self._function.label, message.id)
            await self._move_to_poison(message)
            return
        delay_s = self._config.queue_retry_delay_s
        await asyncio.to_thread(self._queue.update_message, message, visibility_timeout=delay_s)

    async def _move_to_poison(self, message: QueueMessage) -> None:
        await asyncio.to_thread(put_message, self._poison, message.content)
        await asyncio.to_thread(self._queue.delete_message, message)

    async def _keep_lease(self, message: QueueMessage) -> None:
        """Renew the lease of a long run, so that no other host takes the message."""
        while True:
            await asyncio.sleep(_LEASE_S / 2)
            renewed = await asyncio.to_thread(self._queue.update_message, message, visibility_timeout=_LEASE_S)
            message.pop_receipt = renewed.pop_receipt

    def _decode(self, content: str) -> Datum | None:
        """Text where it is text, bytes otherwise; None if it is not what host.json says."""
        if not self._config.queue_base64:
            return Datum(content, "string")
        try:
            data = base64.b64decode(content, validate=True)
        except binascii.Error:
            return None
        try:
            return Datum(data.decode(), "string")
        except UnicodeDecodeError:
            return Datum(data, "bytes")


def _metadata(message: QueueMessage) -> dict[str, Datum]:
    times = {
        "InsertionTime": message.inserted_on,
        "ExpirationTime": message.expires_on,
        "NextVisibleTime": message.next_visible_on,
    }
    return {
        "Id": Datum(message.id, "string"),
        "PopReceipt": Datum(message.pop_receipt, "string"),
        "DequeueCount": Datum(json.dumps(message.dequeue_count), "json"),
        **{
            name: Datum(json.dumps(moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")), "json")
            for name, moment in times.items()
            if moment is not None
        },
    }
