"""A drop becomes the one job that belongs to it, or none and a reason in the log."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk
from shared.batch.desk import Mark
from shared.batch.intake import drops
from shared.batch.job import Event, Job, JobInput
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.errors import ScoringFailed
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.endpoint import NOW


def dropped(ports: BatchPorts, name: str = "flowers/a.csv", etag: str = '"1"') -> Job:
    job = drops.drop(name, etag, ports)
    assert job is not None
    return job


def test_a_drop_becomes_a_job_of_its_endpoint(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = dropped(ports, "flowers/2026/may.csv")
    assert job == desk.read(store, job.id)
    assert (job.endpoint, job.submitted_by, job.created_at) == ("flowers", "drop", NOW)
    assert job.inputs == (JobInput(location="inbox/flowers/2026/may.csv", etag='"1"'),)
    assert job.output_location == f"predictions/flowers/{job.id}/"


def test_a_drop_that_is_told_twice_is_one_job_and_a_changed_blob_another(ports: BatchPorts) -> None:
    first = dropped(ports)
    assert dropped(ports) == first
    assert dropped(ports, etag='"2"').id != first.id


@pytest.mark.parametrize("name", ["a.csv", "flowers", ""])
def test_a_blob_in_no_endpoints_folder_starts_nothing_and_is_told(
    store: MemoryBlobs, ports: BatchPorts, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert drops.drop(name, '"1"', ports) is None
    assert caplog.messages == [f"inbox/{name} belongs to no endpoint: drop files into inbox/<endpoint>/"]
    assert list(desk.active(store)) == []


def test_a_drop_for_an_unknown_endpoint_is_a_job_that_can_say_so(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = dropped(ports, "weeds/a.csv")
    assert list(desk.active(store)) == [Mark.of(job)]


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("flowers/nightly/a.csv", False),
        ("flowers/nightly/deep/b.csv", False),
        ("flowers/fixed.csv", False),
        ("flowers/fixed.csv.gz", True),
        ("flowers/nightly.csv", True),
        ("flowers/other/nightly/a.csv", True),
        ("trees/nightly/a.csv", True),
        ("flowers/weekly/may/a.csv", False),
        ("flowers/weekly/a.csv", True),
        ("flowers/weekly/may/a.jsonl", True),
        ("flowers/all/a.csv", False),
        ("flowers/all/deep/er/a.csv", False),
        ("flowers/all/a.jsonl", True),
        ("flowers/day-1.csv", False),
        ("flowers/day-10.csv", True),
    ],
)
def test_what_waits_for_a_schedule_starts_no_job(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef, name: str, starts: bool
) -> None:
    inputs = ["nightly/", "fixed.csv", "weekly/*/*.csv", "all/**/*.csv", "day-?.csv"]
    schedules = [
        {"name": f"run{number}", "cron": "0 0 2 * * *", "input": f"inbox/flowers/{path}"}
        for number, path in enumerate(inputs)
    ]
    endpoint.publish(store, iris_ref, batch={"schedules": schedules})
    assert (drops.drop(name, '"1"', ports) is not None) is starts
    assert bool(list(desk.active(store))) is starts


@pytest.mark.parametrize(
    ("folder", "starts"),
    [
        ("https://data.blob.core.windows.net/inbox/flowers/n%69ghtly/", False),
        ("https://other.blob.core.windows.net/inbox/flowers/nightly/", True),
        ("https://data.blob.core.windows.net/elsewhere/flowers/nightly/", True),
        ("http://127.0.0.1:10000/devstoreaccount1/inbox/flowers/nightly/", True),
    ],
)
@pytest.mark.parametrize("pattern", ["", "*.csv", "a.csv"])
def test_a_schedules_input_may_be_written_as_an_address(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef, folder: str, pattern: str, starts: bool
) -> None:
    schedule = {"name": "nightly", "cron": "0 0 2 * * *", "input": folder + pattern}
    endpoint.publish(store, iris_ref, batch={"schedules": [schedule], "allowed_inputs": [folder]})
    assert (drops.drop("flowers/nightly/a.csv", '"1"', ports) is not None) is starts


def test_a_finished_job_is_not_started_again(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = dropped(ports)
    closing.fail(ports, job.work, ScoringFailed("no"))
    assert drops.drop("flowers/a.csv", '"1"', ports) is None


def test_a_running_job_is_handed_back_as_it_is(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = dropped(ports)
    running = desk.move(store, job.work, Event.RUN, ports.now())
    assert drops.drop("flowers/a.csv", '"1"', ports) == running


@pytest.mark.parametrize("name", ["", "daily/", "_READY", "daily/_SUCCESS", ".a.csv.part", "daily/.DS_Store"])
def test_what_tools_leave_behind_starts_nothing(store: MemoryBlobs, ports: BatchPorts, name: str) -> None:
    """A folder's own blob would be taken for all the files below it."""
    assert drops.drop(f"flowers/{name}", '"1"', ports) is None
    assert not list(store.list(Container.JOBS))


@pytest.fixture
def folders(store: MemoryBlobs, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref, batch={"drop": "folder"})


@pytest.mark.usefixtures("folders")
def test_a_folder_is_a_job_once_its_marker_lies_in_it(store: MemoryBlobs, ports: BatchPorts) -> None:
    names = ["may/1.csv", "may/2.csv", "may/deep/3.csv", "june/1.csv"]
    for name in names:
        store.write(Container.INBOX, f"flowers/{name}", iris.csv(2))
        assert drops.drop(f"flowers/{name}", '"1"', ports) is None
    etag = store.write(Container.INBOX, "flowers/may/_READY", b"")
    job = dropped(ports, "flowers/may/_READY", etag)
    assert job.inputs == (JobInput(location="inbox/flowers/may/", etag=None),)
    plan_job(job.work, ports)
    files = ports.manifests.page(job.work, 0)[0].files
    assert [file.blob for file in files] == [f"flowers/{name}" for name in names[:3]]


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("folder", ["what?", "may*", "*/deep"])
def test_a_folder_that_is_called_like_a_pattern_is_no_pattern(
    store: MemoryBlobs, ports: BatchPorts, folder: str
) -> None:
    for each in (folder, "whatX", "may2", "may/deep"):
        store.write(Container.INBOX, f"flowers/{each}/1.csv", iris.csv(2))
    job = dropped(ports, f"flowers/{folder}/_READY", store.write(Container.INBOX, f"flowers/{folder}/_READY", b""))
    plan_job(job.work, ports)
    files = ports.manifests.page(job.work, 0)[0].files
    assert [file.blob for file in files] == [f"flowers/{folder}/1.csv"]


@pytest.mark.usefixtures("folders")
def test_a_folder_that_is_finished_again_is_another_job(ports: BatchPorts) -> None:
    first = dropped(ports, "flowers/may/_READY", '"1"')
    assert dropped(ports, "flowers/may/_READY", '"1"') == first
    assert dropped(ports, "flowers/may/_READY", '"2"').id != first.id


@pytest.mark.usefixtures("folders")
def test_all_that_was_dropped_for_an_endpoint_is_a_folder_too(ports: BatchPorts) -> None:
    assert dropped(ports, "flowers/_READY").inputs[0].location == "inbox/flowers/"


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize("name", ["may/a_READY", "may/_ready", "may/_READY/", "may/_READY.csv", "may/_READY/a.csv"])
def test_nothing_but_the_marker_finishes_a_folder(store: MemoryBlobs, ports: BatchPorts, name: str) -> None:
    assert drops.drop(f"flowers/{name}", '"1"', ports) is None
    assert list(desk.active(store)) == []


def test_a_folder_that_waits_for_a_schedule_starts_no_job(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    schedule = {"name": "nightly", "cron": "0 0 2 * * *", "input": "inbox/flowers/nightly/"}
    endpoint.publish(store, iris_ref, batch={"drop": "folder", "schedules": [schedule]})
    assert drops.drop("flowers/nightly/_READY", '"1"', ports) is None
    assert dropped(ports, "flowers/daily/_READY").inputs[0].location == "inbox/flowers/daily/"


def test_an_endpoint_whose_document_is_broken_still_gets_a_job_that_says_so(
    store: MemoryBlobs, ports: BatchPorts
) -> None:
    store.write(Container.ENDPOINTS, "flowers/head.json", b"{}")
    assert dropped(ports).endpoint == "flowers"
