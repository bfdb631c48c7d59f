"""The job document is written by the current attempt only, which shows signs of life, and taken over by one only."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch.job import Event, Job, JobStatus
from shared.batch.work import Work
from shared.errors import StaleAttempt
from tests.support.batch import Clock, WatchedStore
from tests.support.endpoint import NOW
from tests.unit.batch.submitted import BEAT, LATER, at, first_time, new


@pytest.fixture
def job(store: MemoryBlobs) -> Job:
    return desk.submit(store, new())


@pytest.mark.parametrize("attempt", [0, 2])
@pytest.mark.parametrize(
    "write",
    [
        lambda store, attempt: desk.move(store, Work("drop-1", attempt), Event.RUN, LATER),
        lambda store, attempt: desk.check(store, Work("drop-1", attempt), LATER, BEAT),
    ],
)
def test_an_attempt_that_is_not_the_current_one_writes_nothing(
    store: MemoryBlobs, job: Job, write: Callable[[MemoryBlobs, int], object], attempt: int
) -> None:
    with pytest.raises(StaleAttempt, match=f"job 'drop-1' is NotStarted in attempt 1: attempt {attempt} has to stop"):
        write(store, attempt)
    assert desk.read(store, "drop-1") == job


@pytest.mark.parametrize("status", [status for status in JobStatus if status.finished])
def test_nobody_writes_for_a_finished_job(store: MemoryBlobs, status: JobStatus) -> None:
    job = at(store, status)
    with pytest.raises(StaleAttempt):
        desk.check(store, job.work, LATER, BEAT)


def test_a_sign_of_life_is_written_only_when_the_last_one_is_old(store: MemoryBlobs, job: Job, clock: Clock) -> None:
    clock.go_on(seconds=75)
    desk.check(store, job.work, clock(), BEAT)
    assert desk.read(store, job.id).heartbeat_at == NOW
    clock.go_on(seconds=1)
    desk.check(store, job.work, clock(), BEAT)
    assert desk.read(store, job.id).heartbeat_at == clock()


def test_a_sign_of_life_that_came_too_late_finds_who_was_faster(store: MemoryBlobs, job: Job) -> None:
    watched, late = WatchedStore(store), NOW + timedelta(minutes=10)
    watched.before = first_time(lambda: desk.move(store, job.work, Event.RUN, LATER))
    assert desk.check(watched, job.work, late, BEAT).status == JobStatus.RUNNING
    assert desk.read(store, job.id).heartbeat_at == late
    watched.before = first_time(lambda: desk.take_over(store, desk.read(store, job.id), late))
    with pytest.raises(StaleAttempt):
        desk.check(watched, job.work, late + timedelta(minutes=10), BEAT)


def test_a_move_that_meets_another_is_decided_again(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = first_time(lambda: desk.check(store, job.work, NOW + timedelta(minutes=10), BEAT))
    assert desk.move(watched, job.work, Event.RUN, LATER).status == JobStatus.RUNNING
    watched.before = first_time(lambda: desk.move(store, job.work, Event.FAIL, LATER))
    with pytest.raises(StaleAttempt):
        desk.move(watched, job.work, Event.FINALIZE, LATER)


def test_a_job_is_taken_over_by_one_only(store: MemoryBlobs, job: Job) -> None:
    second = desk.take_over(store, job, LATER)
    assert second is not None
    assert (second.attempt, second.heartbeat_at, second.work.instance_id) == (2, LATER, "drop-1-2")
    assert desk.take_over(store, job, LATER) is None
    assert desk.read(store, job.id) == second


def test_of_two_who_take_over_at_once_one_wins(store: MemoryBlobs, job: Job) -> None:
    watched = WatchedStore(store)
    watched.before = first_time(lambda: desk.take_over(store, job, LATER))
    assert desk.take_over(watched, job, LATER) is None
    assert desk.read(store, job.id).attempt == 2


def test_a_job_that_shows_life_is_not_taken_over(store: MemoryBlobs, job: Job) -> None:
    desk.move(store, job.work, Event.RUN, LATER)
    assert desk.take_over(store, job, LATER) is None
