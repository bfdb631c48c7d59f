"""Jobs end wherever they stand: a promotion that cannot be finished is taken back, one that readers see is closed."""

from collections.abc import Callable
from typing import Final

import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import desk, ending, reconciler
from shared.batch.job import MAX_ATTEMPTS, Event, Job, JobError, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import StorageRefused, StorageUnavailable
from shared.models.package import ModelRef
from shared.ports import BlobItem, Container
from tests.support import endpoint
from tests.support.batch import Clock, Killed, WatchedStore, make_ports, not_running
from tests.support.durable import run_at_once

type Scored = Callable[..., Job]
type Use = Callable[[BatchPorts], None]

PARTNER: Final = "https://partner.blob.core.windows.net"
PLACE: Final = "results/may/"
ALLOWED: Final = ("results/", f"{PARTNER}/results/")
WHOLE: Final = ["_SUCCESS", "manifest.json", *(f"part-00000{number}.parquet" for number in range(3)), "rejected.jsonl"]


@pytest.fixture
def job(ports: BatchPorts, scored: Scored) -> Job:
    """Scored, and about to write to a folder that its caller has named."""
    scored_job = scored(allowed_outputs=ALLOWED)
    return desk.move(ports.store, scored_job.work, Event.RUN, ports.now(), output_location=PLACE)


def failing(ports: BatchPorts, operation: str, error: BaseException) -> BatchPorts:
    watched = WatchedStore(ports.store)

    def stop(told: str) -> None:
        if told.startswith(operation):
            raise error

    watched.before = stop
    return make_ports(watched, ports.now, ports.loader)


def break_off(ports: BatchPorts, job: Job, operation: str) -> Job:
    """The job's next attempt, after its promotion has died before `operation`."""
    with pytest.raises(Killed):
        promote_job(job.work, failing(ports, operation, Killed()))
    taken = desk.take_over(ports.store, desk.read(ports.store, job.id), ports.now())
    assert taken is not None
    assert taken.status == JobStatus.FINALIZING
    return taken


def shown(store: MemoryBlobs) -> list[BlobItem]:
    return list(store.list("results"))


def check_failed(store: MemoryBlobs, job: Job, code: str, reason: str) -> None:
    failed = desk.read(store, job.id)
    assert (failed.status, shown(store), list(desk.active(store))) == (JobStatus.FAILED, [], [])
    assert failed.error is not None
    assert failed.error.code == code
    assert reason in failed.error.message


def check_retried(ports: BatchPorts, job: Job) -> None:
    """A retry finishes what has failed, and nothing is missing."""
    assert run_at_once(desk.retry(ports.store, job.id, ports.now())) == {"status": JobStatus.COMPLETED}
    assert [item.name.rpartition("/")[2] for item in ports.store.list("results")] == WHOLE


@pytest.mark.parametrize("operation", ["copy results/may/part-000002", "write results/may/manifest.json"])
def test_an_output_that_storage_refuses_fails_its_job(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, operation: str
) -> None:
    app(failing(ports, operation, StorageRefused("the storage account does not take this")))
    assert run_at_once(job) == {"stopped": "StaleAttempt"}
    check_failed(store, job, "StorageRefused", "the storage account does not take this")
    app(ports)
    check_retried(ports, job)


@pytest.mark.parametrize("operation", ["copy results/may/part-000002", "write results/may/manifest.json"])
def test_a_promotion_that_meets_a_defect_again_and_again_fails_its_job(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, operation: str
) -> None:
    app(failing(ports, operation, RuntimeError("a defect")))
    assert run_at_once(job) == {"closed": JobStatus.FAILED}
    check_failed(store, job, "ScoringFailed", "a step of the job failed again and again: an unexpected error")
    app(ports)
    check_retried(ports, job)


def test_a_job_whose_output_storage_does_not_let_look_at_is_left_for_later(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job
) -> None:
    app(failing(ports, "list results/", StorageUnavailable("try again in a moment")))
    assert run_at_once(job) == {"left": "StorageUnavailable", "reason": "try again in a moment"}
    with pytest.raises(StorageUnavailable):
        ending.end(failing(ports, "list results/", StorageUnavailable("try again")), job.work, "ScoringFailed", "no")
    assert desk.read(store, job.id).status == JobStatus.FINALIZING


def test_a_manifest_that_was_written_over_fails_its_job(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job
) -> None:
    job = break_off(ports, job, "write results/may/_SUCCESS")
    store.write("results", "may/manifest.json", b"mine")
    app(ports)
    assert run_at_once(job) == {"stopped": "StaleAttempt"}
    check_failed(store, job, "StaleDocument", "the output's manifest.json was written over: submit the job anew")
    check_retried(ports, job)


def test_an_output_in_an_account_that_the_settings_no_longer_name_fails_its_job(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    partner = MemoryBlobs()
    desk.move(store, job.work, Event.RUN, ports.now(), output_location=f"{PARTNER}/{PLACE}")
    watched = WatchedStore(partner)

    def die(operation: str) -> None:
        if operation.endswith("_SUCCESS"):
            raise Killed

    watched.before = die
    with pytest.raises(Killed):
        promote_job(job.work, ports._replace(accounts=MemoryAccounts(store, {PARTNER: watched})))
    app(ports)
    assert run_at_once(job) == {"closed": JobStatus.FAILED}
    check_failed(store, job, "LocationNotAllowed", "the app does not know the storage account")
    assert "its output cannot be taken back: the app does not know the storage account" in caplog.text
    app(ports._replace(accounts=MemoryAccounts(store, {PARTNER: partner})))
    assert run_at_once(desk.retry(store, job.id, ports.now())) == {"status": JobStatus.COMPLETED}
    assert [item.name for item in partner.list("results")] == [f"may/{name}" for name in WHOLE]


def nothing(store: MemoryBlobs, ref: ModelRef) -> None:
    """It died, and that is all."""


def staging_is_gone(store: MemoryBlobs, ref: ModelRef) -> None:
    for item in list(store.list(Container.STAGING)):
        store.delete(Container.STAGING, item.name)


def place_is_forbidden(store: MemoryBlobs, ref: ModelRef) -> None:
    endpoint.publish(store, ref, batch={"mini_batch_size": 4})


def manifest_is_gone(store: MemoryBlobs, ref: ModelRef) -> None:
    store.delete("results", "may/manifest.json")


def manifest_is_written_over(store: MemoryBlobs, ref: ModelRef) -> None:
    store.write("results", "may/manifest.json", b"mine")


@pytest.mark.parametrize(
    "happens", [nothing, staging_is_gone, place_is_forbidden, manifest_is_gone, manifest_is_written_over]
)
def test_what_readers_see_is_not_touched_and_its_job_completes(
    store: MemoryBlobs,
    ports: BatchPorts,
    app: Use,
    job: Job,
    iris_ref: ModelRef,
    happens: Callable[[MemoryBlobs, ModelRef], None],
) -> None:
    job = break_off(ports, job, "write predictions/flowers/latest.json")
    happens(store, iris_ref)
    before = shown(store)
    app(make_ports(store, ports.now, ports.loader))
    assert run_at_once(job) == {"status": JobStatus.COMPLETED}
    assert shown(store) == before
    finished = desk.read(store, job.id)
    assert finished.counts is not None
    assert (finished.error, finished.output, finished.counts.predicted) == (None, PLACE, 10)
    assert store.find(Container.PREDICTIONS, "flowers/latest.json") is not None
    assert list(desk.active(store)) == []


def test_an_end_that_comes_when_the_output_is_whole_is_refused(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job
) -> None:
    job = break_off(ports, job, "write predictions/flowers/latest.json")
    before = shown(store)
    with pytest.raises(StorageUnavailable, match="the output is whole, but the job is not closed yet"):
        ending.end(ports, job.work, "ScoringFailed", "no")
    app(failing(ports, "write predictions/flowers/latest.json", RuntimeError("a defect")))
    assert run_at_once(job)["left"] == "StorageUnavailable"
    assert (desk.read(store, job.id).status, shown(store)) == (JobStatus.FINALIZING, before)


def test_a_promotion_is_given_up_after_many_attempts_and_taken_back(
    store: MemoryBlobs, ports: BatchPorts, app: Use, clock: Clock, job: Job
) -> None:
    tire(store, break_off(ports, job, "write results/may/_SUCCESS"))
    clock.go_on(minutes=6)
    assert list(reconciler.forsaken(ports, not_running)) == []
    check_failed(store, job, "ScoringFailed", f"the job was given up after {MAX_ATTEMPTS} attempts")
    check_retried(ports, job)


def test_a_promotion_that_readers_see_is_never_given_up(
    store: MemoryBlobs, ports: BatchPorts, app: Use, clock: Clock, job: Job
) -> None:
    tire(store, break_off(ports, job, "write predictions/flowers/latest.json"))
    clock.go_on(minutes=6)
    (again,) = reconciler.forsaken(ports, not_running)
    assert (again.attempt, again.status) == (MAX_ATTEMPTS + 1, JobStatus.FINALIZING)
    assert run_at_once(again) == {"status": JobStatus.COMPLETED}


def test_of_two_who_do_not_give_a_promotion_up_one_goes_on_with_it(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, job: Job
) -> None:
    tire(store, break_off(ports, job, "write predictions/flowers/latest.json"))
    clock.go_on(minutes=6)
    watched = WatchedStore(store)

    def be_faster(operation: str) -> None:
        if operation == "find results/may/_SUCCESS":
            assert desk.take_over(store, desk.read(store, job.id), clock())

    watched.after = be_faster
    assert list(reconciler.forsaken(make_ports(watched, clock, ports.loader), not_running)) == []
    assert desk.read(store, job.id).attempt == MAX_ATTEMPTS + 1


def tire(store: MemoryBlobs, job: Job) -> None:
    data = job.model_copy(update={"attempt": MAX_ATTEMPTS}).model_dump_json().encode()
    store.write(Container.JOBS, f"{job.id}/job.json", data)


def test_nobody_but_the_current_attempt_ends_a_promotion(store: MemoryBlobs, ports: BatchPorts, job: Job) -> None:
    break_off(ports, job, "write results/may/_SUCCESS")
    before = shown(store)
    assert ending.end(ports, job.work, "ScoringFailed", "no") == JobStatus.FINALIZING
    ending.abandon(ports, job.work, JobError(code="ScoringFailed", message="no"))
    assert (desk.read(store, job.id).status, shown(store)) == (JobStatus.FINALIZING, before)


def test_a_place_that_was_taken_from_the_endpoint_meanwhile_is_not_written_to(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, iris_ref: ModelRef
) -> None:
    place_is_forbidden(store, iris_ref)
    app(make_ports(store, ports.now, ports.loader))
    assert run_at_once(job) == {"closed": JobStatus.FAILED}
    check_failed(store, job, "LocationNotAllowed", "endpoint 'flowers' may not write there")


def test_a_place_that_was_taken_from_the_endpoint_in_the_middle_is_cleared(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, iris_ref: ModelRef
) -> None:
    job = break_off(ports, job, "write results/may/_SUCCESS")
    place_is_forbidden(store, iris_ref)
    app(make_ports(store, ports.now, ports.loader))
    assert run_at_once(job) == {"closed": JobStatus.FAILED}
    check_failed(store, job, "LocationNotAllowed", "endpoint 'flowers' may not write there")
