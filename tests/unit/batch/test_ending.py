"""Jobs end wherever they stand: a promotion that cannot be finished is taken back, and its job fails with a reason."""

from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import desk, ending, reconciler
from shared.batch.job import MAX_ATTEMPTS, Job, JobError, JobStatus
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import StorageRefused, StorageUnavailable
from shared.models.package import ModelRef
from tests.support import endpoint
from tests.support.batch import Clock, Killed, WatchedStore, make_ports, not_running
from tests.support.durable import run_at_once
from tests.support.promotions import ALLOWED, PARTNER, PLACE, WHOLE, break_off, check_failed, failing, send, shown, tire

type Scored = Callable[..., Job]
type Use = Callable[[BatchPorts], None]


@pytest.fixture
def job(ports: BatchPorts, scored: Scored) -> Job:
    """Scored, and about to write to a folder that its caller has named."""
    return send(ports, scored(allowed_outputs=ALLOWED))


def forbid(store: MemoryBlobs, ref: ModelRef) -> None:
    endpoint.publish(store, ref, batch={"mini_batch_size": 4})


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
    job = break_off(ports, job, "copy results/may/_SUCCESS")
    store.write("results", "may/manifest.json", b"mine")
    app(ports)
    assert run_at_once(job) == {"stopped": "StaleAttempt"}
    check_failed(store, job, "StaleDocument", "the output's manifest.json was written over: submit the job anew")
    check_retried(ports, job)


def test_an_output_in_an_account_that_the_settings_no_longer_name_fails_its_job(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    partner = MemoryBlobs()
    send(ports, job, f"{PARTNER}/{PLACE}")
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


def test_a_promotion_is_given_up_after_many_attempts_and_taken_back(
    store: MemoryBlobs, ports: BatchPorts, app: Use, clock: Clock, job: Job
) -> None:
    tire(store, break_off(ports, job, "copy results/may/_SUCCESS"))
    clock.go_on(minutes=6)
    assert list(reconciler.forsaken(ports, not_running)) == []
    check_failed(store, job, "ScoringFailed", f"the job was given up after {MAX_ATTEMPTS} attempts")
    check_retried(ports, job)


def test_nobody_but_the_current_attempt_ends_a_promotion(store: MemoryBlobs, ports: BatchPorts, job: Job) -> None:
    break_off(ports, job, "copy results/may/_SUCCESS")
    before = shown(store)
    assert ending.end(ports, job.work, "ScoringFailed", "no") == JobStatus.FINALIZING
    ending.abandon(ports, job.work, JobError(code="ScoringFailed", message="no"))
    assert (desk.read(store, job.id).status, shown(store)) == (JobStatus.FINALIZING, before)


def test_a_place_that_was_taken_from_the_endpoint_meanwhile_is_not_written_to(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, iris_ref: ModelRef
) -> None:
    forbid(store, iris_ref)
    app(make_ports(store, ports.now, ports.loader))
    assert run_at_once(job) == {"closed": JobStatus.FAILED}
    check_failed(store, job, "LocationNotAllowed", "endpoint 'flowers' may not write there")


def test_a_place_that_was_taken_from_the_endpoint_in_the_middle_is_cleared(
    store: MemoryBlobs, ports: BatchPorts, app: Use, job: Job, iris_ref: ModelRef
) -> None:
    job = break_off(ports, job, "copy results/may/_SUCCESS")
    forbid(store, iris_ref)
    app(make_ports(store, ports.now, ports.loader))
    assert run_at_once(job) == {"closed": JobStatus.FAILED}
    check_failed(store, job, "LocationNotAllowed", "endpoint 'flowers' may not write there")
