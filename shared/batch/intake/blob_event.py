"""What Event Grid tells of a new blob, in its own schema or as a CloudEvent.

The name is taken from the subject, which holds it as it is: the address beside it is encoded by some writers and not by
others.

Source: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
"""

from typing import Any, Final

import orjson

from shared.errors import MalformedRequest
from shared.ports import Container

_CREATED: Final = "Microsoft.Storage.BlobCreated"
_INBOX: Final = f"/blobServices/default/containers/{Container.INBOX}/blobs/"


def dropped_name(message: bytes) -> str | None:
    """The name of a blob in the inbox; None where the event tells of something else.

    Raises MalformedRequest for what is no event: the queue then keeps it among its poison messages.
    """
    try:
        event = orjson.loads(message)
    except orjson.JSONDecodeError:
        event = None
    events: list[Any] = event if isinstance(event, list) else [event]
    if len(events) != 1 or not isinstance(events[0], dict):
        raise MalformedRequest("a message of the inbox's queue is no event of Event Grid")
    kind, subject = events[0].get("eventType") or events[0].get("type"), events[0].get("subject")
    if not isinstance(kind, str) or not isinstance(subject, str):
        raise MalformedRequest("a message of the inbox's queue is no event of Event Grid")
    if kind != _CREATED or not subject.startswith(_INBOX):
        return None
    return subject.removeprefix(_INBOX) or None
