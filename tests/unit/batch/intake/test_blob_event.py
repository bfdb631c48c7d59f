"""Which blob an event of Event Grid tells of, in either of its schemas; and what is no such event."""

from typing import Any

import orjson
import pytest

from shared.batch.intake.blob_event import dropped_name
from shared.errors import MalformedRequest

SUBJECT = "/blobServices/default/containers/inbox/blobs/"


def event(name: str = "flowers/may.csv", **changes: Any) -> dict[str, Any]:
    """As Event Grid's own schema has it: `subject` holds the name as it is, `data.url` an address."""
    return {
        "topic": "/subscriptions/0/resourceGroups/r/providers/Microsoft.Storage/storageAccounts/data",
        "subject": SUBJECT + name,
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "2026-03-01T12:00:00.0000000Z",
        "id": "831e1650-001e-001b-66ab-eeb76e069631",
        "data": {
            "api": "PutBlockList",
            "eTag": "0x8D4BCC2E4835CD0",
            "contentLength": 524288,
            "blobType": "BlockBlob",
            "url": "https://data.blob.core.windows.net/inbox/elsewhere.csv",
        },
        "dataVersion": "2",
        "metadataVersion": "1",
        **changes,
    }


def cloud_event(name: str = "flowers/may.csv", **changes: Any) -> dict[str, Any]:
    """As version 1.0 of CloudEvents has it."""
    of_grid = event(name)
    return {
        "source": of_grid["topic"],
        "subject": of_grid["subject"],
        "type": of_grid["eventType"],
        "time": of_grid["eventTime"],
        "id": of_grid["id"],
        "data": of_grid["data"],
        "specversion": "1.0",
        **changes,
    }


@pytest.mark.parametrize("schema", [event, cloud_event])
@pytest.mark.parametrize(
    "name",
    [
        "flowers/may.csv",
        "a.csv",
        "flowers/deep/er/may.csv",
        "flowers/a file with spaces.csv",
        "flowers/Blüten im März.csv",
        "flowers/100%25.csv",
        "flowers/a+b&c#d?.csv",
        "flowers/blobs/containers/inbox/blobs/x",
    ],
)
def test_a_new_blob_is_named_to_the_letter(schema: Any, name: str) -> None:
    assert dropped_name(orjson.dumps(schema(name))) == name
    assert dropped_name(orjson.dumps([schema(name)])) == name


@pytest.mark.parametrize(
    "other",
    [
        event(eventType="Microsoft.Storage.BlobDeleted"),
        event(eventType="Microsoft.Storage.BlobRenamed"),
        event(eventType="Microsoft.Storage.DirectoryCreated"),
        cloud_event(type="Microsoft.Storage.BlobTierChanged"),
        event(eventType="Microsoft.EventGrid.SubscriptionValidationEvent", subject=""),
        event(subject="/blobServices/default/containers/predictions/blobs/flowers/_SUCCESS"),
        event(subject="/blobServices/default/containers/inbox2/blobs/a.csv"),
        event(subject="/blobServices/default/containers/inbox"),
        event(subject=SUBJECT),
        event(subject="inbox/flowers/may.csv"),
    ],
)
def test_events_of_other_things_name_no_blob(other: dict[str, Any]) -> None:
    assert dropped_name(orjson.dumps(other)) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"flowers/may.csv",
        b"\xff\xfe",
        b"null",
        b"7",
        b'"text"',
        b"[]",
        b"{}",
        b"[[]]",
        b"[1]",
        b"[" * 100_000,
        orjson.dumps([event(), event()]),
        orjson.dumps(event(subject=None)),
        orjson.dumps(event(subject=["/blobServices"])),
        orjson.dumps(event(eventType=None)),
        orjson.dumps(event(eventType={"a": 1})),
        orjson.dumps(cloud_event(type=7)),
        b'{"eventType": "Microsoft.Storage.BlobCreated", "subject": "\\ud800"}',
    ],
)
def test_what_is_no_event_is_kept_among_the_poison_messages(message: bytes) -> None:
    with pytest.raises(MalformedRequest, match=r"^a message of the inbox's queue is no event of Event Grid$"):
        dropped_name(message)
