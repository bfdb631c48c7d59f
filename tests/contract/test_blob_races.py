"""What every BlobStore does when several write at once, and the one on Azure Storage when storage does not serve."""

import base64
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from devhost.azurite import Ports, connection_string
from devhost.processes import free_port
from shared.adapters.blobs import BlobStorage
from shared.adapters.connection import connect
from shared.errors import ConfigurationError, SlipwayError, StaleDocument, StorageUnavailable
from shared.ports import Blob, BlobStore, Container
from shared.settings import Settings

INBOX = Container.INBOX
MIB = 1024 * 1024


def test_of_many_who_create_one_wins(blobs: BlobStore) -> None:
    outcomes = _at_once(lambda number: blobs.write(INBOX, "a", b"%d" % number, create=True))
    won = [number for number, etag in enumerate(outcomes) if etag]
    assert len(won) == 1
    assert blobs.read(INBOX, "a") == Blob(b"%d" % won[0], outcomes[won[0]])


def test_of_many_who_create_a_large_blob_one_is_there_whole(blobs: BlobStore) -> None:
    """It is sent in pieces, of which none may get into another's; who has lost its pieces may try again."""
    outcomes = _at_once(
        lambda number: blobs.write(INBOX, "a", b"%d" % number * 33 * MIB, create=True, metadata={"by": str(number)}),
        losing=(StaleDocument, StorageUnavailable),
    )
    (won,) = (number for number, etag in enumerate(outcomes) if etag)
    assert blobs.read(INBOX, "a") == Blob(b"%d" % won * 33 * MIB, outcomes[won])
    found = blobs.find(INBOX, "a")
    assert found is not None
    assert found.metadata == {"by": str(won)}
    with pytest.raises(StaleDocument):
        blobs.write(INBOX, "a", b"x" * 33 * MIB, create=True)


def test_of_many_who_change_what_they_read_one_wins(blobs: BlobStore) -> None:
    before = blobs.write(INBOX, "a", b"before")
    outcomes = _at_once(lambda number: blobs.write(INBOX, "a", b"%d" % number, if_match=before))
    won = [number for number, etag in enumerate(outcomes) if etag]
    assert len(won) == 1
    assert blobs.read(INBOX, "a") == Blob(b"%d" % won[0], outcomes[won[0]])


def test_of_many_who_write_blocks_one_is_there_whole(blobs: BlobStore) -> None:
    # The one that ends first throws the others' pieces away; they may try again.
    outcomes = _at_once(
        lambda number: blobs.write_blocks(INBOX, "a", [b"%d" % number * MIB] * 3), losing=StorageUnavailable
    )
    found = blobs.read(INBOX, "a")
    assert found is not None
    assert found.etag in outcomes
    assert found.data == b"%d" % outcomes.index(found.etag) * 3 * MIB


@pytest.fixture
def unreachable() -> Iterator[BlobStore]:
    """A store on a port where nobody listens."""
    connection = connection_string(Ports(free_port(), free_port(), free_port()))
    with connect(Settings(data=connection, tenant_id="tenant", audiences=("audience",))) as service:
        yield BlobStorage(service)


CALLS: dict[str, Callable[[BlobStore], object]] = {
    "read": lambda blobs: blobs.read(INBOX, "secret-name"),
    "read nothing": lambda blobs: blobs.read(INBOX, "secret-name", length=0),
    "find": lambda blobs: blobs.find(INBOX, "secret-name"),
    "list": lambda blobs: list(blobs.list(INBOX)),
    "write": lambda blobs: blobs.write(INBOX, "secret-name", b"data"),
    "write_blocks": lambda blobs: blobs.write_blocks(INBOX, "secret-name", [b"data"]),
    "copy": lambda blobs: blobs.copy(INBOX, "secret-name", INBOX, "b"),
    "delete": lambda blobs: blobs.delete(INBOX, "secret-name"),
}


def test_storage_that_does_not_answer_is_told_soon_and_clearly(unreachable: BlobStore) -> None:
    def call(name: str) -> tuple[str, float]:
        started = time.monotonic()
        with pytest.raises(StorageUnavailable) as raised:
            CALLS[name](unreachable)
        return raised.value.message, time.monotonic() - started

    with ThreadPoolExecutor(len(CALLS)) as pool:
        told = list(pool.map(call, CALLS))
    expected = "the storage account did not answer for the container 'inbox': try again in a moment"
    assert {message for message, _ in told} == {expected}
    assert max(seconds for _, seconds in told) < 15


def test_a_refusal_of_storage_is_a_matter_of_configuration(azurite: str) -> None:
    wrong = re.sub("AccountKey=[^;]+", f"AccountKey={base64.b64encode(b'wrong' * 8).decode()}", azurite)
    with (
        connect(Settings(data=wrong, tenant_id="tenant", audiences=("audience",))) as service,
        pytest.raises(ConfigurationError, match=r"the container 'inbox' \(403\)"),
    ):
        BlobStorage(service).write(INBOX, "a", b"data")


def _at_once(
    write: Callable[[int], str], losing: type[SlipwayError] | tuple[type[SlipwayError], ...] = StaleDocument
) -> list[str]:
    """What eight writers got who start together: an ETag, or nothing when another was faster."""
    gate = threading.Barrier(8)

    def run(number: int) -> str:
        gate.wait()
        try:
            return write(number)
        except losing:
            return ""

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(8)))
