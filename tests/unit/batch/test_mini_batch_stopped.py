"""An attempt that is overtaken or canceled while it scores records nothing, and takes nothing from others."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk, ledger
from shared.batch.job import Job
from shared.batch.mini_batch import score_mini_batch
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.pulse import Pulse
from shared.errors import JobCanceled, StaleAttempt
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import Clock, WatchedStore, drop, make_ports

type Stop = Callable[[MemoryBlobs, Job], None]


@pytest.fixture
def job(store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef) -> Job:
    """Planned: mini-batches of 4, 4, 4 and 2 rows, the last row a bad one."""
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4})
    job = drop(ports, iris.csv(13) + b"junk,1,1,1\n")
    plan_job(job.work, ports)
    return job


def staged(store: MemoryBlobs) -> list[str]:
    return [item.name for item in store.list(Container.STAGING)]


def overtake(store: MemoryBlobs, job: Job) -> None:
    desk.take_over(store, desk.read(store, job.id), job.heartbeat_at)


def cancel(store: MemoryBlobs, job: Job) -> None:
    desk.request_cancel(store, job.id)


def cancel_and_close(store: MemoryBlobs, job: Job) -> None:
    cancel(store, job)
    desk.close_canceled(store, job.id, job.heartbeat_at)


def cancel_and_retry(store: MemoryBlobs, job: Job) -> None:
    cancel_and_close(store, job)
    desk.retry(store, job.id, job.heartbeat_at)


def once(at: str, act: Callable[[], None]) -> Callable[[str], None]:
    done = False

    def watch(operation: str) -> None:
        nonlocal done
        if operation.startswith(at) and not done:
            done = True
            act()

    return watch


@pytest.mark.parametrize(
    ("stop", "error"),
    [
        (overtake, StaleAttempt),
        (cancel, JobCanceled),
        (cancel_and_close, StaleAttempt),
        (cancel_and_retry, StaleAttempt),
    ],
)
@pytest.mark.parametrize("at", ["read jobs", "read inbox", "write staging"])
def test_an_attempt_that_is_stopped_records_nothing(
    store: MemoryBlobs, ports: BatchPorts, job: Job, at: str, stop: Stop, error: type[Exception]
) -> None:
    watched = WatchedStore(store)
    watched.after = once(at, lambda: stop(store, job))
    with pytest.raises(error):
        score_mini_batch(job.work, 3, make_ports(watched, ports.now, ports.loader))
    assert ledger.find(store, job.work, 3) is None
    # Whoever comes after a run that is over for good takes back what nobody clears away any more.
    assert bool(staged(store)) == (not desk.read(store, job.id).swept and desk.read(store, job.id).run == 1)


def test_an_entry_that_arrives_after_the_sweep_is_removed_again(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, job: Job
) -> None:
    watched = WatchedStore(store)

    def end_and_sweep() -> None:
        cancel(store, job)
        closing.cancel(ports, job.id)
        clock.go_on(hours=2)
        closing.sweep(ports)
        assert staged(store) == []

    watched.before = once(f"write staging/{ledger.part_name(job.work, 3)}", end_and_sweep)
    with pytest.raises(StaleAttempt):
        score_mini_batch(job.work, 3, make_ports(watched, ports.now, ports.loader))
    assert staged(store) == []


def test_a_second_try_that_was_overtaken_leaves_what_the_first_has_recorded(
    store: MemoryBlobs, ports: BatchPorts, job: Job
) -> None:
    watched, recorded = WatchedStore(store), list[ledger.Entry]()

    def be_faster() -> None:
        recorded.append(score_mini_batch(job.work, 3, make_ports(store, ports.now, ports.loader)))
        overtake(store, job)

    watched.after = once("read inbox", be_faster)
    with pytest.raises(StaleAttempt):
        score_mini_batch(job.work, 3, make_ports(watched, ports.now, ports.loader))
    assert staged(store) == [ledger.part_name(job.work, 3), recorded[0].rejected_part]


def test_a_step_shows_signs_of_life_however_long_it_takes(store: MemoryBlobs, clock: Clock, job: Job) -> None:
    pulse = Pulse(store, clock, timedelta(milliseconds=20))
    clock.go_on(minutes=1)
    with pulse.alive(job.work):
        deadline = time.monotonic() + 30
        while desk.read(store, job.id).heartbeat_at != clock():
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_a_step_that_was_overtaken_goes_on_to_find_out_for_itself(
    store: MemoryBlobs, clock: Clock, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    pulse = Pulse(store, clock, timedelta(milliseconds=20))
    desk.take_over(store, desk.read(store, job.id), clock())
    with pulse.alive(job.work):
        deadline = time.monotonic() + 30
        while "attempt 1 has to stop" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.001)
