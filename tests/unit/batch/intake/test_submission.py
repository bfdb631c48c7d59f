"""A request becomes a job, or is refused before anything is kept; and a retry says no more than it may."""

import json
from typing import Any

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk
from shared.batch.intake import submission
from shared.batch.intake.request import read_request, read_retry
from shared.batch.job import Job, JobStatus
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.endpoints.batch_settings import Overrides
from shared.errors import (
    InvalidTransition,
    LocationNotAllowed,
    MalformedRequest,
    OutputTaken,
    PayloadTooLarge,
    ScoringFailed,
)
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris

RETRY = {"properties": {"errorThreshold": 7}}


@pytest.fixture(autouse=True)
def flowers(store: MemoryBlobs, iris_ref: ModelRef) -> None:
    endpoint.publish(store, iris_ref, batch={"allowed_outputs": ["results/"]})
    store.write(Container.INBOX, "flowers/a.csv", iris.csv(2))


def submit(ports: BatchPorts, output: str | None = None, key: str | None = None, **properties: Any) -> Job:
    properties["InputData"] = {"flowers": {"JobInputType": "UriFile", "Uri": "inbox/flowers/a.csv"}}
    if output is not None:
        properties["OutputData"] = {"score": {"JobOutputType": "UriFolder", "Uri": output}}
    asked = read_request(json.dumps({"properties": properties}).encode(), ports.known)
    return submission.submit(asked, "me", key, ports.catalog.read("flowers"), ports)


def jobs_kept(store: MemoryBlobs) -> list[str]:
    return [item.name for item in store.list(Container.JOBS)]


def test_a_request_becomes_a_job_that_claims_its_output_when_it_is_planned(
    store: MemoryBlobs, ports: BatchPorts
) -> None:
    job = submit(ports, "results/may/")
    assert (job.output_location, job.status) == ("results/may/", JobStatus.NOT_STARTED)
    assert not [name for name in jobs_kept(store) if name.startswith("outputs/")]
    plan_job(job.work, ports)
    assert [name for name in jobs_kept(store) if name.startswith("outputs/")]


def test_of_two_who_ask_for_one_output_the_second_to_be_planned_fails(ports: BatchPorts) -> None:
    first, second = submit(ports, "results/may/"), submit(ports, "results/may/deep/")
    plan_job(second.work, ports)
    with pytest.raises(OutputTaken, match="another job writes to results/may/"):
        plan_job(first.work, ports)


@pytest.mark.parametrize("output", ["results/may/", "results/may/deep/", "results/"])
def test_an_output_that_is_taken_is_refused_and_nothing_kept(
    store: MemoryBlobs, ports: BatchPorts, output: str
) -> None:
    plan_job(submit(ports, "results/may/").work, ports)
    before = jobs_kept(store)
    with pytest.raises(OutputTaken):
        submit(ports, output)
    assert jobs_kept(store) == before


def test_a_request_that_comes_again_is_its_job_also_when_that_is_planned(ports: BatchPorts) -> None:
    job = submit(ports, "results/may/", key="mine")
    plan_job(job.work, ports)
    assert submit(ports, "results/may/", key="mine").id == job.id


def test_a_request_that_comes_again_is_its_job_whatever_has_become_of_what_it_asks_for(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    job = submit(ports, "results/may/", key="mine")
    for index in list(store.list(Container.JOBS, "index/")):
        store.delete(Container.JOBS, index.name)
    store.write("results", "may/early.csv", b"x")
    endpoint.publish(store, iris_ref, batch={"allowed_outputs": []})
    later = ports._replace(catalog=type(ports.catalog)(store, 0.0, clock=lambda: 0.0))
    assert submit(later, "results/may/", key="mine") == job
    assert [name for name in jobs_kept(store) if name.startswith("index/flowers/")]
    with pytest.raises(LocationNotAllowed):
        submit(later, "results/may/", key="another")


def test_an_output_that_the_endpoint_has_lost_meanwhile_is_not_planned(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    job = submit(ports, "results/may/")
    endpoint.publish(store, iris_ref)
    lost = ports._replace(catalog=type(ports.catalog)(store, 0.0, clock=lambda: 0.0))
    with pytest.raises(LocationNotAllowed, match="endpoint 'flowers' may not write there"):
        plan_job(job.work, lost)
    assert not [name for name in jobs_kept(store) if name.startswith("outputs/")]


def test_a_folder_has_room_for_the_names_of_its_files(ports: BatchPorts) -> None:
    name = "x" * 99 + "/"
    assert submit(ports, f"results/{name * 8}").output_location == f"results/{name * 8}"
    with pytest.raises(MalformedRequest, match="the folder of an output has at most 800 characters"):
        submit(ports, f"results/{name * 8}y/")


@pytest.mark.parametrize("output", [f"predictions/flowers/rest-{0:024x}/", f"predictions/flowers/a/drop-{0:024x}/b/"])
def test_the_place_of_another_job_is_refused(ports: BatchPorts, output: str) -> None:
    with pytest.raises(LocationNotAllowed, match="this is the output of one job"):
        submit(ports, output)


def test_a_retry_may_allow_more_rejected_rows(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = submit(ports, miniBatchSize=3)
    with pytest.raises(InvalidTransition):
        submission.retry(job, Overrides(), ports)
    closing.fail(ports, job.work, ScoringFailed("no"))
    again = submission.retry(desk.read(store, job.id), read_retry(json.dumps(RETRY).encode()), ports)
    assert (again.status, again.attempt) == (JobStatus.NOT_STARTED, 2)
    assert again.overrides == Overrides(mini_batch_size=3, error_threshold=7)


def test_a_retry_may_say_nothing() -> None:
    assert read_retry(b"") == read_retry(b"{}") == Overrides()


def test_what_a_retry_says_is_bounded() -> None:
    body = json.dumps(RETRY).encode()
    assert read_retry(body.ljust(4096)) == Overrides(error_threshold=7)
    with pytest.raises(PayloadTooLarge, match="the request of a retry has at most 4096 bytes"):
        read_retry(body.ljust(4097))


@pytest.mark.parametrize(
    "document", [{"properties": {"miniBatchSize": 3}}, {"properties": 3}, {"errorThreshold": 7}, [], "7"]
)
def test_a_retry_says_nothing_else(document: object) -> None:
    with pytest.raises(MalformedRequest):
        read_retry(json.dumps(document).encode())
