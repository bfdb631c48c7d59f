"""A gzip is unpacked once, in bounded memory, whatever it claims to be."""

import gzip
import zlib

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import planner
from shared.batch.manifest import Manifest
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.errors import PayloadTooLarge, SlipwayError, UnreadableInput
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import drop, make_ports

LIMIT = 1024 * 1024


@pytest.fixture
def flowers(store: MemoryBlobs, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 40})


@pytest.fixture(params=[7, 64, 4 * 1024 * 1024], ids=["tiny-chunks", "small-chunks", "real-chunks"])
def chunks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which pieces of the packed and of the unpacked file end at all sorts of places."""
    monkeypatch.setattr(planner, "_CHUNK_BYTES", request.param)
    monkeypatch.setattr(planner._Reading.chunks, "__defaults__", (request.param,))


def plan(ports: BatchPorts, data: bytes) -> Manifest:
    job = drop(ports, data, "flowers/month.csv.gz")
    return plan_job(job.id, job.attempt, ports)


def refused(ports: BatchPorts, data: bytes, kind: type[SlipwayError]) -> str:
    with pytest.raises(kind) as raised:
        plan(ports, data)
    assert raised.value.message.startswith("inbox/flowers/month.csv.gz: ")
    return raised.value.message.removeprefix("inbox/flowers/month.csv.gz: ")


@pytest.mark.usefixtures("flowers", "chunks")
@pytest.mark.parametrize("members", [1, 2, 3, 50])
def test_a_gzip_of_any_number_of_members_is_one_file(ports: BatchPorts, members: int) -> None:
    data = iris.csv(100)
    size = -(-len(data) // members)
    packed = b"".join(gzip.compress(data[start : start + size]) for start in range(0, len(data), size))
    made = plan(ports, packed)
    (file,) = made.files
    assert (file.path, file.container) == ("inbox/flowers/month.csv.gz", Container.STAGING)
    assert file.blob.startswith(f"{made.job_id}/input/")
    blob = ports.store.read(file.container, file.blob, if_match=file.etag)
    assert blob is not None
    assert blob.data == data
    assert [work.rows for work in made.mini_batches] == [40, 40, 20]


@pytest.mark.usefixtures("flowers", "chunks")
def test_empty_members_are_nothing(ports: BatchPorts) -> None:
    nothing = gzip.compress(b"")
    made = plan(ports, nothing + gzip.compress(iris.csv(10)) + nothing + nothing)
    assert [work.rows for work in made.mini_batches] == [10]


@pytest.mark.usefixtures("flowers", "chunks")
@pytest.mark.parametrize("kept", [2, 3, 10, 50, -1, -8, -9])
def test_a_gzip_that_was_cut_off_is_told(ports: BatchPorts, kept: int) -> None:
    packed = gzip.compress(iris.csv(100))[:kept]
    assert refused(ports, packed, UnreadableInput) == "the gzip ends too early: pack and drop it again"


@pytest.mark.usefixtures("flowers", "chunks")
def test_a_second_member_that_was_cut_off_is_told(ports: BatchPorts) -> None:
    packed = gzip.compress(iris.csv(100)) + gzip.compress(b"1,2,3,4\n")[:-1]
    assert refused(ports, packed, UnreadableInput) == "the gzip ends too early: pack and drop it again"


@pytest.mark.usefixtures("flowers", "chunks")
@pytest.mark.parametrize("harm", ["header", "data", "checksum", "length", "tail"])
def test_a_damaged_gzip_is_told(ports: BatchPorts, harm: str) -> None:
    packed = bytearray(gzip.compress(iris.csv(100)))
    if harm == "tail":
        packed += b"and something else"
    else:
        packed[{"header": 2, "data": 30, "checksum": -6, "length": -1}[harm]] ^= 0xFF
    assert refused(ports, bytes(packed), UnreadableInput) == "the gzip is broken: pack it again"


@pytest.mark.usefixtures("flowers", "chunks")
@pytest.mark.parametrize("data", [b"", b"\n"])
def test_an_empty_file_in_a_gzip_is_an_empty_file(ports: BatchPorts, data: bytes) -> None:
    assert refused(ports, gzip.compress(data), UnreadableInput).startswith("the file is empty")


@pytest.mark.usefixtures("flowers")
@pytest.mark.parametrize("members", [1, 3])
def test_a_gzip_that_unpacks_to_too_much_is_stopped_at_the_limit(ports: BatchPorts, members: int) -> None:
    header = iris.csv(0)
    bomb = gzip.compress(header + b"1,2,3,4\n" * (50 * LIMIT // 8 // members)) * members
    assert len(bomb) < LIMIT
    assert refused(ports, bomb, PayloadTooLarge) == f"it unpacks to more than {LIMIT} bytes: split it"
    assert list(ports.store.list(Container.STAGING)) == []


@pytest.mark.usefixtures("flowers")
def test_a_file_as_large_as_the_limit_is_taken_and_one_byte_more_is_not(ports: BatchPorts) -> None:
    data = iris.csv(100)
    for limit in (len(data), len(data) - 1):
        small = make_ports(ports.store, ports.now, ports.loader, max_input_bytes=limit)
        for packed in (data, gzip.compress(data)):
            if limit == len(data):
                assert sum(work.rows for work in plan(small, packed).mini_batches) == 100
            else:
                refused(small, packed, PayloadTooLarge)


@pytest.mark.usefixtures("flowers")
def test_a_plain_file_that_is_too_large_is_told_its_size(ports: BatchPorts) -> None:
    small = make_ports(ports.store, ports.now, ports.loader, max_input_bytes=100)
    data = iris.csv(100)
    assert refused(small, data, PayloadTooLarge) == (f"it has {len(data)} bytes, but at most 100 are taken: split it")


@pytest.mark.usefixtures("flowers")
def test_other_ways_of_packing_are_no_csv(ports: BatchPorts) -> None:
    with pytest.raises(UnreadableInput):
        plan(ports, zlib.compress(iris.csv(100)))
