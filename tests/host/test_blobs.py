"""Blob triggers: receipts, tries, poison."""

import json
from collections.abc import Callable

import pytest
from azure.storage.blob import BlobServiceClient

from devhost.blob_receipts import Receipts, Version
from devhost.blob_trigger import POISON_QUEUE, BlobPattern
from devhost.errors import HostError
from devhost.stack import Stack
from tests.host.foreign import eventually, messages, records, upload


def test_a_blob_is_delivered_once_and_again_when_it_changes(stack: Stack) -> None:
    upload(stack, "streams", "deep/down/first.txt", "one")
    upload(stack, "streams", "first.csv", "not for the pattern")
    name = "streams/deep/down/first.txt"
    first = eventually(lambda: records(stack, "streams", name=name), "the first version")
    upload(stack, "streams", "deep/down/first.txt", "two")
    both = eventually(lambda: records(stack, "streams", name=name)[1:], "the second version")
    # A third blob has come through the same polling, so nothing of the first two is still under way.
    upload(stack, "streams", "later.txt", "three")
    eventually(lambda: records(stack, "streams", name="streams/later.txt"), "a later blob")
    assert [fact["text"] for fact in records(stack, "streams", name=name)] == ["one", "two"]
    assert first[0]["length"] == 3
    assert both[0]["uri"].endswith("/devstoreaccount1/streams/deep/down/first.txt")
    assert not records(stack, "streams", text="not for the pattern")


def test_a_bad_blob_is_poison_after_five_tries_and_holds_nobody_up(stack: Stack) -> None:
    upload(stack, "clients", "a-bad", "bad")
    upload(stack, "clients", "b-good", "good")
    eventually(lambda: records(stack, "clients", name="b-good"), "the good blob")
    eventually(lambda: messages(stack, POISON_QUEUE), "the poison message")
    (message,) = [json.loads(text) for text in messages(stack, POISON_QUEUE)]
    etag = message.pop("ETag")
    assert etag.startswith('"0x')
    assert message == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.on_client",
        "BlobType": "BlockBlob",
        "ContainerName": "clients",
        "BlobName": "a-bad",
    }
    assert len(records(stack, "clients", name="a-bad")) == 5
    assert len(records(stack, "clients", name="b-good")) == 1


def test_a_blob_is_delivered_again_when_the_host_is_killed_in_the_run(
    new_stack: Callable[[], Stack],
) -> None:
    stack = new_stack()
    upload(stack, "clients", "before", "done before")
    stack.start_host()
    eventually(lambda: records(stack, "clients", name="before"), "the blob that is done with")
    upload(stack, "clients", "long", "sleep 1.5")
    eventually(lambda: records(stack, "clients", name="long"), "the first run")
    stack.kill_host()
    assert not records(stack, "clients", slept=True)
    stack.start_host()
    eventually(lambda: records(stack, "clients", name="long", slept=True), "the second run's end")
    runs = [fact for fact in records(stack, "clients", name="long") if "slept" not in fact]
    assert len({fact["pid"] for fact in runs}) == 2
    assert len(records(stack, "clients", name="before")) == 1


def test_tries_are_counted_across_restarts(stack: Stack) -> None:
    version = Version("some", "folder/blob.txt", "0x1")
    with BlobServiceClient.from_connection_string(stack.connection_string) as service:
        tries = [Receipts(service, "another-host", "f").begin(version) for _ in range(3)]
        assert Receipts(service, "another-host", "f").completed() == set()
        Receipts(service, "another-host", "f").complete(version, 3)
        assert tries == [1, 2, 3]
        assert Receipts(service, "another-host", "f").completed() == {version}
        assert Receipts(service, "another-host", "f").begin(version) == 0
        assert Receipts(service, "another-host", "f").begin(version._replace(etag="0x2")) == 1


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("c/{name}", "a/b.csv", {"name": "a/b.csv"}),
        ("c/in/{name}.csv", "in/a.b.csv", {"name": "a.b"}),
        ("c/in/{name}.csv", "out/a.csv", None),
        ("c/{stem}.{ext}", "a.b.gz", {"stem": "a.b", "ext": "gz"}),
        ("c/fixed+name", "fixed+name", {}),
    ],
)
def test_a_path_pattern_takes_blobs_and_their_parts(path: str, name: str, values: dict[str, str] | None) -> None:
    assert BlobPattern(path, "f").match(name) == values


def test_a_path_without_a_container_is_refused() -> None:
    with pytest.raises(HostError, match="is not container/pattern"):
        BlobPattern("{name}", "f")
