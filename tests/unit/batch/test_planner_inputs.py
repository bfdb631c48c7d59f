"""Inputs of every kind become mini-batches: packed tables, whole files, both beside each other, and never too many."""

import gzip

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, planner
from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.manifest import PlanPage
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.endpoints.batch_settings import Overrides
from shared.errors import PayloadTooLarge
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import drop, make_ports

PICTURES = [f"flowers/in/{number}.png" for number in range(5)]


@pytest.fixture(autouse=True)
def flowers(store: MemoryBlobs, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 2})


def submit(ports: BatchPorts, **fields: object) -> Job:
    inputs = (JobInput(location="inbox/flowers/in/"),)
    return desk.submit(ports.store, jobs.new("rest-1", "flowers", inputs, "me", ports.now(), **fields))


def planned(ports: BatchPorts, job: Job) -> list[tuple[PlanPage, list[str]]]:
    """Of each mini-batch the page that it is on, and the names of the blobs that it reads."""
    found = []
    for index in range(plan_job(job.work, ports).mini_batches):
        page, mini_batch = ports.manifests.page(job.work, index)
        found.append((page, [page.files[span.file].blob.rpartition("/")[2] for span in mini_batch.spans]))
    return found


def test_a_packed_table_is_unpacked_once_and_read_from_the_copy(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = drop(ports, gzip.compress(iris.csv(5)), "flowers/a.csv.gz")
    (file,) = planned(ports, job)[0][0].files
    assert (file.path, file.container) == ("inbox/flowers/a.csv.gz", Container.STAGING)
    (copy,) = store.list(Container.STAGING, job.work.path("input/"))
    assert (file.blob, file.etag, file.size_bytes) == (copy.name, copy.etag, len(iris.csv(5)))
    assert [score_mini_batch(job.work, index, ports).predicted for index in range(3)] == [2, 2, 1]


def test_pictures_are_taken_whole_and_so_many_at_a_time(store: MemoryBlobs, ports: BatchPorts) -> None:
    for name in PICTURES:
        store.write(Container.INBOX, name, b"picture")
    job = submit(ports)
    found = planned(ports, job)
    assert [names for _, names in found] == [["0.png", "1.png"], ["2.png", "3.png"], ["4.png"]]
    assert {file.format for page, _ in found for file in page.files} == {"file"}
    # Each names its own files alone, however many there are of the job's.
    assert [len(page.files) for page, _ in found] == [2, 2, 1]
    assert ports.manifests.read(job.work).rows == 5


def test_tables_beside_pictures_have_mini_batches_of_their_own(store: MemoryBlobs, ports: BatchPorts) -> None:
    for name in (*PICTURES[:3], "flowers/in/0a.csv"):
        store.write(Container.INBOX, name, iris.csv(3) if name.endswith("csv") else b"picture")
    found = sorted(names for _, names in planned(ports, submit(ports)))
    assert found == [
        ["0.png", "1.png"],
        ["0a.csv"],
        ["0a.csv"],
        ["2.png"],
    ]


def test_any_file_is_taken_whole_where_that_is_asked_for(store: MemoryBlobs, ports: BatchPorts) -> None:
    for number in range(3):
        store.write(Container.INBOX, f"flowers/in/{number}.csv", iris.csv(3))
    job = submit(ports, overrides=Overrides(input_format="files", mini_batch_size=3))
    assert [names for _, names in planned(ports, job)] == [["0.csv", "1.csv", "2.csv"]]


def test_a_file_that_is_too_large_to_be_taken_whole_is_told(
    store: MemoryBlobs, ports: BatchPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planner, "_MODEL_BYTES", 10)
    store.write(Container.INBOX, PICTURES[0], b"x" * 11)
    with pytest.raises(PayloadTooLarge, match=r"inbox/flowers/in/0\.png has 11 bytes, but at most 10 are taken"):
        plan_job(submit(ports).work, ports)


def test_a_table_that_is_too_large_is_told(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = drop(ports, iris.csv(10))
    with pytest.raises(PayloadTooLarge, match=r"^inbox/flowers/month\.csv: "):
        plan_job(job.work, make_ports(store, ports.now, ports.loader, max_input_bytes=10))


def test_a_job_has_a_bounded_number_of_mini_batches(ports: BatchPorts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "_MAX_MINI_BATCHES", 3)
    assert plan_job(drop(ports, iris.csv(6)).work, ports).mini_batches == 3
    with pytest.raises(PayloadTooLarge, match="the job has more than 3 mini-batches: raise mini_batch_size"):
        plan_job(drop(ports, iris.csv(7)).work, ports)


def test_a_job_of_many_mini_batches_has_several_pages(ports: BatchPorts) -> None:
    job = drop(ports, iris.csv(801))
    assert plan_job(job.work, ports).mini_batches == 401
    sizes = [len(ports.manifests.page(job.work, index)[0].mini_batches) for index in (0, 200, 400)]
    assert sizes == [200, 200, 1]
    last = ports.manifests.page(job.work, 400)[1].spans[0]
    assert (last.file, last.first_row, last.rows) == (0, 800, 1)
