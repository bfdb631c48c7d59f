"""What is told of a job: to its caller only, in Azure ML's words, how far it is and where its output lies."""

from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import desk, ledger, progress
from shared.batch import job as jobs
from shared.batch.job import Counts, Event, Job, JobError, JobInput, JobStatus
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import JobNotFound
from shared.models.package import ModelRef
from tests.support import endpoint, iris
from tests.support.batch import Clock, drop

NOTHING = {
    "mini_batches": 0, "mini_batches_done": 0, "rows": 0, "rows_done": 0, "rejected": 0, "percent": 0.0,
    "rows_per_s": None, "eta": None,
}  # fmt: skip
PARTNER = "https://partner.blob.core.windows.net"


def told(ports: BatchPorts, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = progress.describe(ports, desk.read(ports.store, job.id))["progress"]
    return found


@pytest.fixture
def job(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> Job:
    """Of three mini-batches with 4, 4 and 2 rows, the last row a bad one."""
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4})
    return drop(ports, iris.csv(9) + b"x,1,1,1\n")


def test_progress_is_told_from_the_first_to_the_last(ports: BatchPorts, clock: Clock, job: Job) -> None:
    assert told(ports, job) == NOTHING
    plan_job(job.work, ports)
    assert told(ports, job) == {**NOTHING, "mini_batches": 3, "rows": 10}
    clock.go_on(seconds=1)
    score_mini_batch(job.work, 2, ports)
    assert told(ports, job) == {
        "mini_batches": 3, "mini_batches_done": 1, "rows": 10, "rows_done": 2, "rejected": 1, "percent": 33.3,
        "rows_per_s": 2.0, "eta": "2026-03-01T12:00:05+00:00",
    }  # fmt: skip
    for index in (0, 1):
        score_mini_batch(job.work, index, ports)
    clock.go_on(seconds=3)
    assert told(ports, job)["percent"] == 100.0
    promote_job(job.work, ports)
    clock.go_on(hours=1)
    assert told(ports, job) == {
        "mini_batches": 3, "mini_batches_done": 3, "rows": 10, "rows_done": 10, "rejected": 1, "percent": 100.0,
        "rows_per_s": 2.5, "eta": None,
    }  # fmt: skip


def test_pace_and_end_of_a_job_that_just_began_are_told_without_dividing_by_nothing(
    ports: BatchPorts, job: Job
) -> None:
    plan_job(job.work, ports)
    score_mini_batch(job.work, 0, ports)
    assert told(ports, job)["rows_per_s"] == 4000.0
    assert told(ports, job)["eta"] == "2026-03-01T12:00:00+00:00"


def test_a_job_without_rows_is_done_when_it_is_completed(ports: BatchPorts, job: Job) -> None:
    empty = drop(ports, iris.csv(0), "flowers/empty.csv")
    plan_job(empty.work, ports)
    assert told(ports, empty)["percent"] == 0.0
    promote_job(empty.work, ports)
    assert told(ports, empty) == {**NOTHING, "percent": 100.0}


def test_of_a_failed_job_nothing_is_made_up(ports: BatchPorts, job: Job) -> None:
    desk.move(ports.store, job.work, Event.FAIL, ports.now(), finished_at=ports.now())
    assert told(ports, job) == NOTHING


def test_what_is_told_of_a_job_is_what_its_caller_can_use(ports: BatchPorts, job: Job) -> None:
    document = progress.describe(ports, job)
    assert set(document) == {
        "id", "name", "type", "properties", "endpoint", "inputs", "output_location", "deployment", "model", "params",
        "overrides", "submitted_by", "created_at", "status", "retries", "started_at", "finished_at", "model_version",
        "counts", "output", "error", "progress", "links",
    }  # fmt: skip
    assert (document["status"], document["created_at"]) == ("NotStarted", "2026-03-01T12:00:00Z")
    assert (document["name"], document["links"]) == (job.id, {})
    assert document["properties"] == {
        "status": "NotStarted",
        "inputData": {"input": {"uri": "inbox/flowers/month.csv"}},
        "outputData": {"score": {"uri": f"predictions/flowers/{job.id}/"}},
    }


def test_why_a_job_has_failed_is_where_clients_of_azure_ml_look_too(ports: BatchPorts, job: Job) -> None:
    error = JobError(code="InputChanged", message="drop it again")
    failed = desk.move(ports.store, job.work, Event.FAIL, ports.now(), error=error)
    assert progress.summary(failed)["properties"]["error"] == {"code": "InputChanged", "message": "drop it again"}


@pytest.mark.parametrize(
    ("output", "rejected", "links"),
    [
        (
            "predictions/flowers/x/", 0,
            {"output": "https://data.blob.core.windows.net/predictions/flowers/x/",
             "manifest": "https://data.blob.core.windows.net/predictions/flowers/x/manifest.json"},
        ),
        (
            f"{PARTNER}/results/x/", 1,
            {"output": f"{PARTNER}/results/x/", "manifest": f"{PARTNER}/results/x/manifest.json",
             "rejected": f"{PARTNER}/results/x/rejected.jsonl"},
        ),
    ],
)  # fmt: skip
def test_a_finished_job_says_where_its_output_lies(
    ports: BatchPorts, store: MemoryBlobs, job: Job, output: str, rejected: int, links: dict[str, str]
) -> None:
    counts = Counts(rows=5, predicted=5 - rejected, rejected=rejected, mini_batches=2)
    done = job.model_copy(update={"status": JobStatus.COMPLETED, "output": output, "counts": counts})
    ports = ports._replace(accounts=MemoryAccounts(store, {PARTNER: MemoryBlobs()}))
    assert progress.describe(ports, done)["links"] == links


@pytest.mark.parametrize(
    ("name", "job_id"), [("trees", None), ("flowers", "drop-" + "0" * 24), ("flowers", "drop-9"), ("flowers", "../x")]
)
def test_a_job_is_found_under_its_own_endpoint_only(ports: BatchPorts, job: Job, name: str, job_id: str | None) -> None:
    assert progress.find(ports, "flowers", job.id) == job
    with pytest.raises(JobNotFound):
        progress.find(ports, name, job_id or job.id)


def test_groups_that_are_whole_count_too(ports: BatchPorts, store: MemoryBlobs, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 1})
    job = drop(ports, iris.csv(300))
    plan_job(job.work, ports)
    for index in range(250):
        ledger.record(store, job.work, ledger.Entry(index=index, predicted=1, rejected=0))
    ledger.close_group(store, job.work, 0)
    assert (told(ports, job)["rows_done"], told(ports, job)["percent"]) == (250, 83.3)


def test_a_job_of_several_inputs_tells_all_of_them(ports: BatchPorts) -> None:
    inputs = (JobInput(name="first", location="inbox/flowers/a/"), JobInput(name="second", location="inbox/flowers/b/"))
    job = jobs.new("rest-" + "0" * 24, "flowers", inputs, "me", ports.now() - timedelta(hours=1))
    assert progress.summary(job)["properties"]["inputData"] == {
        "first": {"uri": "inbox/flowers/a/"},
        "second": {"uri": "inbox/flowers/b/"},
    }
