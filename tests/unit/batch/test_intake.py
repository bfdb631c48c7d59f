"""A drop becomes the one job that belongs to it, or none and a reason in the log; and what is told of a job."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import intake, progress
from shared.batch import job as jobs
from shared.batch.job import Event, JobInput
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import JobNotFound, ScoringFailed
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import drop
from tests.support.endpoint import NOW


def test_a_drop_becomes_a_job_of_its_endpoint(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = intake.drop("flowers/2026/may.csv", '"1"', ports)
    assert job is not None
    assert job == jobs.read(store, job.id)
    assert (job.endpoint, job.submitted_by, job.created_at) == ("flowers", "drop", NOW)
    assert job.input == JobInput(path="inbox/flowers/2026/may.csv", etag='"1"')


def test_a_drop_that_is_told_twice_is_one_job_and_a_changed_blob_another(ports: BatchPorts) -> None:
    first = intake.drop("flowers/a.csv", '"1"', ports)
    assert intake.drop("flowers/a.csv", '"1"', ports) == first
    second = intake.drop("flowers/a.csv", '"2"', ports)
    assert first is not None
    assert second is not None
    assert first.id != second.id


@pytest.mark.parametrize("name", ["a.csv", "flowers", ""])
def test_a_blob_in_no_endpoints_folder_starts_nothing_and_is_told(
    store: MemoryBlobs, ports: BatchPorts, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert intake.drop(name, '"1"', ports) is None
    assert caplog.messages == [f"inbox/{name} belongs to no endpoint: drop files into inbox/<endpoint>/"]
    assert list(jobs.active(store)) == []


def test_a_drop_for_an_unknown_endpoint_is_a_job_that_can_say_so(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = intake.drop("weeds/a.csv", '"1"', ports)
    assert job is not None
    assert list(jobs.active(store)) == [job.id]


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
    ],
)
def test_what_waits_for_a_schedule_starts_no_job(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef, name: str, starts: bool
) -> None:
    inputs = ["inbox/flowers/nightly/", "inbox/flowers/fixed.csv"]
    schedules = [{"name": f"run{number}", "cron": "0 0 2 * * *", "input": path} for number, path in enumerate(inputs)]
    endpoint.publish(store, iris_ref, batch={"schedules": schedules})
    assert (intake.drop(name, '"1"', ports) is not None) is starts
    assert bool(list(jobs.active(store))) is starts


def test_a_finished_job_is_not_started_again(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = intake.drop("flowers/a.csv", '"1"', ports)
    assert job is not None
    jobs.fail(store, job.id, 1, ScoringFailed("no"), ports.now())
    assert intake.drop("flowers/a.csv", '"1"', ports) is None


def test_a_running_job_is_handed_back_as_it_is(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = intake.drop("flowers/a.csv", '"1"', ports)
    assert job is not None
    running = jobs.move(store, job.id, 1, Event.RUN, ports.now())
    assert intake.drop("flowers/a.csv", '"1"', ports) == running


def test_progress_is_told_from_the_first_to_the_last(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4})
    job = drop(ports, iris.csv(9) + b"x,1,1,1\n")

    def told() -> dict[str, int]:
        found: dict[str, int] = progress.describe(ports, "flowers", job.id)["progress"]
        return found

    nothing = {"mini_batches": 0, "mini_batches_done": 0, "rows": 0, "rows_done": 0, "rejected": 0}
    assert told() == nothing
    plan_job(job.id, 1, ports)
    assert told() == {**nothing, "mini_batches": 3, "rows": 10}
    score_mini_batch(job.id, 1, 2, ports)
    assert told() == {"mini_batches": 3, "mini_batches_done": 1, "rows": 10, "rows_done": 2, "rejected": 1}
    for index in (0, 1):
        score_mini_batch(job.id, 1, index, ports)
    promote_job(job.id, 1, ports)
    assert told() == {"mini_batches": 3, "mini_batches_done": 3, "rows": 10, "rows_done": 10, "rejected": 1}


def test_what_is_told_of_a_job_is_what_its_caller_can_use(ports: BatchPorts) -> None:
    job = drop(ports, iris.csv(1))
    document = progress.describe(ports, "flowers", job.id)
    assert set(document) == {
        "id", "endpoint", "input", "submitted_by", "created_at", "status", "started_at", "finished_at", "counts",
        "output", "error", "progress",
    }  # fmt: skip
    assert (document["status"], document["created_at"]) == ("NotStarted", "2026-03-01T12:00:00Z")


@pytest.mark.parametrize(("name", "job_id"), [("trees", None), ("flowers", "drop-9")])
def test_a_job_is_told_of_under_its_own_endpoint_only(ports: BatchPorts, name: str, job_id: str | None) -> None:
    job = drop(ports, iris.csv(1))
    with pytest.raises(JobNotFound):
        progress.describe(ports, name, job_id or job.id)


@pytest.mark.parametrize("name", ["flowers/", "flowers/daily/"])
def test_what_tools_leave_behind_for_a_folder_starts_nothing(store: MemoryBlobs, ports: BatchPorts, name: str) -> None:
    """It would be taken for all the files below it."""
    assert intake.drop(name, '"1"', ports) is None
    assert not list(store.list(Container.JOBS))
