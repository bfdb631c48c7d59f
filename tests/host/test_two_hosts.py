"""Two hosts on one storage, as two instances of one app."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from azure.storage.blob import BlobClient, BlobProperties, BlobServiceClient
from pytest_mock import MockerFixture

from devhost.blob_receipts import Receipts, Version
from devhost.errors import HostError
from devhost.stack import Stack
from tests.host.foreign import eventually, records, upload

_VERSION = Version("some", "folder/blob.txt", "0x1")


@pytest.fixture
def service(stack: Stack) -> Iterator[BlobServiceClient]:
    with BlobServiceClient.from_connection_string(stack.connection_string) as made:
        yield made


def test_what_one_host_leaves_undone_the_other_does(new_stack: Callable[[], Stack]) -> None:
    stack = new_stack()
    other = stack.another_host("other", {"TICK_SCHEDULE": "0 0 0 1 1 *"})
    stack.start_host()
    other.start()
    upload(stack, "clients", "long", "sleep 1.5")
    eventually(lambda: records(stack, "clients", name="long"), "the first run")
    stack.kill_host()
    eventually(lambda: records(stack, "clients", name="long", slept=True), "a run's end")
    assert other.running
    upload(stack, "clients", "later", "good")
    eventually(lambda: records(stack, "clients", name="later"), "a blob that the other host alone sees")
    assert f"devhost: listening on {other.url} (" in other.log.read_text()
    stack.stop()
    assert not other.running


def test_a_second_host_takes_a_port_of_its_own(new_stack: Callable[[], Stack]) -> None:
    stack = new_stack()
    other = stack.another_host("other")
    other.start()
    with pytest.raises(HostError, match=f"cannot listen on 127.0.0.1:{other.port}: the port is in use"):
        other.start()
    assert (other.pid is not None, stack.host_running) == (True, False)
    assert other.stop() == 0
    assert other.pid is None


def test_no_try_is_left_uncounted_when_hosts_begin_at_once(service: BlobServiceClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        tries = list(pool.map(lambda _: Receipts(service, "at-once", "f").begin(_VERSION), range(8)))
    assert sorted(tries) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_what_another_host_completes_meanwhile_stays_done(service: BlobServiceClient, mocker: MockerFixture) -> None:
    mine, others = (Receipts(service, "meanwhile", "f") for _ in range(2))
    assert others.begin(_VERSION) == 1
    look = mocker.patch("devhost.blob_receipts.BlobClient.get_blob_properties", autospec=True)

    def look_and_be_overtaken(blob: BlobClient) -> BlobProperties:
        mocker.stop(look)
        found = blob.get_blob_properties()
        others.complete(_VERSION, 1)
        return found

    look.side_effect = look_and_be_overtaken
    assert mine.begin(_VERSION) == 0
    assert mine.completed() == {_VERSION}


def test_a_try_counts_once_although_its_reply_was_lost(service: BlobServiceClient, mocker: MockerFixture) -> None:
    receipts = Receipts(service, "lost", "f")
    write = mocker.patch("devhost.blob_receipts.BlobClient.set_blob_metadata", autospec=True)

    def write_and_try_again(blob: BlobClient, metadata: dict[str, str], **condition: Any) -> None:
        mocker.stop(write)
        blob.set_blob_metadata(metadata, **condition)
        blob.set_blob_metadata(metadata, **condition)  # as the SDK does when no reply came: refused now

    write.side_effect = write_and_try_again
    assert receipts.begin(_VERSION) == 1
    assert receipts.begin(_VERSION) == 2
    assert receipts.begin(_VERSION) == 3
