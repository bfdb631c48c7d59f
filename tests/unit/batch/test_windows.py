"""A job goes through its mini-batches window by window, and after one by which too many rows were rejected it stops."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, ledger, windows
from shared.batch.job import Event, Job
from shared.batch.ledger import Tally
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.endpoints.batch_settings import Overrides
from shared.errors import ErrorThresholdExceeded, JobCanceled, StaleAttempt
from shared.models.package import ModelRef
from tests.support import endpoint, iris
from tests.support.batch import drop, make_ports

BAD = b"x,1,1,1\n"


def planned(store: MemoryBlobs, ports: BatchPorts, ref: ModelRef, data: bytes, **batch: object) -> Job:
    endpoint.publish(store, ref, batch={"mini_batch_size": 1, **batch})
    job = drop(ports, data)
    plan_job(job.work, ports)
    return job


def score(ports: BatchPorts, job: Job, *indexes: int) -> None:
    for index in indexes:
        score_mini_batch(job.work, index, ports)


def test_what_is_pending_is_what_has_no_entry(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    job = planned(store, ports, iris_ref, iris.csv(5))
    score(ports, job, 1, 3)
    assert windows.list_pending(job.work, 0, 5, ports) == [0, 2, 4]


def test_a_closed_window_tells_what_is_done(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    job = planned(store, ports, iris_ref, iris.csv(3) + BAD)
    score(ports, job, 0, 1, 2, 3)
    done = windows.close_window(job.work, 0, ports)
    assert done == Tally(mini_batches=4, predicted=3, rejected=1) == ledger.tally(store, job.work)


def test_a_job_stops_early_once_too_many_rows_were_rejected(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    """The next window could not mend it."""
    job = planned(store, ports, iris_ref, iris.csv(0) + BAD * 3 + iris.csv(300).partition(b"\n")[2], error_threshold=2)
    for index in range(200):
        ledger.record(store, job.work, ledger.Entry(index=index, predicted=index >= 3, rejected=index < 3))
    with pytest.raises(ErrorThresholdExceeded, match="3 of 303 rows were rejected"):
        windows.close_window(job.work, 0, ports)


def test_a_percentage_is_of_all_rows_and_not_of_those_that_are_done(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    job = planned(
        store, ports, iris_ref, iris.csv(0) + BAD * 4 + iris.csv(396).partition(b"\n")[2], error_threshold="1%"
    )
    for index in range(200):
        ledger.record(store, job.work, ledger.Entry(index=index, predicted=index >= 4, rejected=index < 4))
    assert windows.close_window(job.work, 0, ports).rejected == 4


def test_a_retry_that_allows_more_goes_on(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> None:
    job = planned(store, ports, iris_ref, iris.csv(1) + BAD * 2, error_threshold=0)
    score(ports, job, 0, 1, 2)
    with pytest.raises(ErrorThresholdExceeded):
        windows.close_window(job.work, 0, ports)
    desk.move(store, job.work, Event.FAIL, ports.now())
    again = desk.retry(store, job.id, ports.now(), overrides=Overrides(error_threshold=2))
    assert windows.list_pending(again.work, 0, 3, ports) == []
    assert windows.close_window(again.work, 0, ports).rejected == 2


@pytest.mark.parametrize("closes", [True, False])
def test_a_window_of_an_attempt_that_has_to_stop_is_not_looked_at(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef, closes: bool
) -> None:
    job = planned(store, ports, iris_ref, iris.csv(1))

    def look() -> object:
        if closes:
            return windows.close_window(job.work, 0, ports)
        return windows.list_pending(job.work, 0, 1, ports)

    desk.take_over(store, desk.read(store, job.id), ports.now())
    with pytest.raises(StaleAttempt):
        look()
    desk.request_cancel(store, job.id)
    second = job.work._replace(attempt=2)
    with pytest.raises(JobCanceled):
        windows.list_pending(second, 0, 1, make_ports(store, ports.now, ports.loader))
    with pytest.raises(JobCanceled):
        windows.close_window(second, 0, ports)
