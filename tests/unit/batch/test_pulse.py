"""Which attempts may still write: looked up again and again, but not at every step; and their signs of life."""

import threading
import time
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch.job import Job
from shared.batch.pulse import Pulse
from shared.batch.work import Work
from shared.errors import StaleAttempt
from tests.support.batch import HEARTBEAT_TIMEOUT, Clock, WatchedStore

BEAT = timedelta(milliseconds=20)


@pytest.fixture
def job(scored: object) -> Job:
    made: Job = scored()  # type: ignore[operator]
    return made


@pytest.fixture
def watched(store: MemoryBlobs) -> WatchedStore:
    return WatchedStore(store)


def counted(watched: WatchedStore) -> list[str]:
    reads = list[str]()
    watched.before = reads.append
    return reads


def test_what_was_found_holds_for_a_while(watched: WatchedStore, clock: Clock, job: Job) -> None:
    pulse, reads = Pulse(watched, clock, HEARTBEAT_TIMEOUT, holds_s=3600), counted(watched)
    for _ in range(5):
        pulse.check_lately(job.work)
    assert len(reads) == 1
    pulse.check(job.work)
    assert len(reads) == 2


def test_what_was_found_long_ago_is_looked_up_again(watched: WatchedStore, clock: Clock, job: Job) -> None:
    pulse, reads = Pulse(watched, clock, HEARTBEAT_TIMEOUT, holds_s=0), counted(watched)
    for _ in range(5):
        pulse.check_lately(job.work)
    assert len(reads) == 5


def test_an_attempt_that_was_found_overtaken_does_not_pass_for_lately_checked(
    store: MemoryBlobs, clock: Clock, job: Job
) -> None:
    pulse = Pulse(store, clock, HEARTBEAT_TIMEOUT, holds_s=3600)
    pulse.check_lately(job.work)
    desk.take_over(store, desk.read(store, job.id), clock())
    pulse.check_lately(job.work)  # as late as anybody who was held up
    for check in (pulse.check, pulse.check_lately):
        with pytest.raises(StaleAttempt):
            check(job.work)


def test_what_holds_of_one_attempt_says_nothing_of_the_next(store: MemoryBlobs, clock: Clock, job: Job) -> None:
    pulse = Pulse(store, clock, HEARTBEAT_TIMEOUT, holds_s=3600)
    pulse.check_lately(job.work)
    with pytest.raises(StaleAttempt):
        pulse.check_lately(job.work._replace(attempt=2))


def test_it_keeps_few_of_many_jobs(store: MemoryBlobs, clock: Clock, job: Job) -> None:
    pulse = Pulse(store, clock, HEARTBEAT_TIMEOUT)
    for number in range(1000):
        other = job.model_copy(update={"id": f"job-{number}"})
        desk.submit(store, other)
        pulse.check_lately(other.work)
    assert len(pulse._found_at) <= 256


def test_one_thread_shows_life_for_all_that_is_at_work_and_ends_when_nothing_is(
    store: MemoryBlobs, clock: Clock, job: Job
) -> None:
    other = desk.submit(store, job.model_copy(update={"id": "other"}))
    pulse, others = Pulse(store, clock, BEAT), beating()
    clock.go_on(minutes=1)
    with pulse.alive(job.work), pulse.alive(job.work), pulse.alive(other.work):
        wait_for(lambda: {desk.read(store, each.id).heartbeat_at for each in (job, other)} == {clock()})
        assert len(beating() - others) == 1
    wait_for(lambda: not beating() - others)
    with pulse.alive(job.work):  # and begins again
        clock.go_on(minutes=1)
        wait_for(lambda: desk.read(store, job.id).heartbeat_at == clock())


def test_whatever_happens_to_one_sign_of_life_the_next_ones_come(
    store: MemoryBlobs, watched: WatchedStore, clock: Clock, job: Job, caplog: pytest.LogCaptureFixture
) -> None:
    def break_once(_: str) -> None:
        watched.before = lambda _: None
        raise ValueError("unexpected")

    watched.before = break_once
    clock.go_on(minutes=1)
    with Pulse(watched, clock, BEAT).alive(job.work):
        wait_for(lambda: desk.read(store, job.id).heartbeat_at == clock())
    assert f"job {job.id}: no sign of life" in caplog.text


def test_a_job_that_is_gone_stops_nobody(store: MemoryBlobs, clock: Clock, job: Job) -> None:
    clock.go_on(minutes=1)
    pulse = Pulse(store, clock, BEAT)
    with pulse.alive(Work("gone", 1)), pulse.alive(job.work):
        wait_for(lambda: desk.read(store, job.id).heartbeat_at == clock())


def beating() -> set[threading.Thread]:
    """Of this test and of all before it."""
    return {thread for thread in threading.enumerate() if thread.name == "pulse"}


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.002)
