"""All that is explored, by name."""

from collections.abc import Callable, Iterator, Set
from typing import Any, Final

from shared.batch.job import JobStatus
from shared.errors import ErrorThresholdExceeded
from tests.exploration import actors
from tests.exploration.actors import again, is_ended, works
from tests.exploration.execution import Part
from tests.exploration.scenario import Bounds, Scenario
from tests.exploration.world import Smooth, World
from tests.exploration.worlds import ONE, TWO, Worlds
from tests.support.durable import ACTIVITIES

COMPLETED, FAILED, CANCELED = JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED
_LATE: Final = Part("late", actors.late, turns_clock=True)
_CANCEL: Final = Part("caller", actors.cancel)
_RETRY: Final = Part("retry", actors.retry, is_ended(FAILED, CANCELED))
_SWEEP: Final = Part("sweep", actors.sweep, actors.has_ended, turns_clock=True)
_TICK: Final = Part("tick", actors.tick, is_ended(COMPLETED, FAILED, CANCELED))
_ALONE: Final = (Bounds(0, 1),)
_FEW: Final = (Bounds(1, 1),)
_TURNS: Final = (Bounds(2, 0),)
_ONE_TURN: Final = (Bounds(1, 0),)
_ONE_FILE: Final[dict[str, Any]] = {"output_file_name": "predictions.csv", "output_format": "csv"}


def _completes(notes: Set[str]) -> Set[JobStatus]:
    return {COMPLETED}


def _fails(notes: Set[str]) -> Set[JobStatus]:
    return {FAILED}


def _completes_or_fails(notes: Set[str]) -> Set[JobStatus]:
    return {COMPLETED, FAILED}


def _may_be_canceled(notes: Set[str]) -> Set[JobStatus]:
    if "cancel taken" in notes:
        return {CANCELED}
    return {COMPLETED, CANCELED} if "caller: StorageUnavailable" in notes else {COMPLETED}


def _may_be_retried(first: JobStatus) -> Callable[[Set[str]], Set[JobStatus]]:
    def ends(notes: Set[str]) -> Set[JobStatus]:
        return {COMPLETED} if "retry taken" in notes else {first, COMPLETED}

    return ends


def every(worlds: Worlds) -> Iterator[Scenario]:
    yield from _one_host(worlds)
    yield from _two_hosts(worlds)
    yield from _two_jobs(worlds)
    yield from _lost(worlds)
    yield from _delivered_again(worlds)
    yield from _ended_otherwise(worlds)


def _one_host(worlds: Worlds) -> Iterator[Scenario]:
    alone = (Part("host", actors.deliver),)
    kinds: dict[str, tuple[bytes, dict[str, Any]]] = {
        "one": (ONE, {}),
        "two": (TWO, {}),
        "one-file": (TWO, _ONE_FILE),
        "summary": (TWO, {"output_action": "summary_only"}),
    }
    for name, (data, settings) in kinds.items():
        start, twin = worlds.dropped(data, **settings), worlds.twin(data, **settings)
        yield Scenario(f"alone-{name}", start, alone, _completes, twin, _ALONE)
    yield Scenario("alone-fails", worlds.dropped(TWO, threshold=0), alone, _fails, {}, _ALONE)


def _two_hosts(worlds: Worlds) -> Iterator[Scenario]:
    twin = worlds.twin(ONE)
    both = (works("host"), works("other", after="host"))
    yield Scenario("same-attempt", worlds.delivered(ONE), both, _completes, twin)
    yield Scenario("same-attempt-fails", worlds.delivered(ONE, threshold=0), both, _fails, {}, _FEW)
    yield Scenario("taken-over", worlds.delivered(ONE), (works("host"), _LATE), _completes, twin)
    yield Scenario("taken-over-fails", worlds.delivered(ONE, threshold=0), (works("host"), _LATE), _fails, {}, _FEW)
    delivered = (Part("host", actors.deliver), Part("other", actors.deliver, after="host"))
    yield Scenario("delivered-twice", worlds.dropped(ONE), delivered, _completes, twin, _ONE_TURN)
    found = (Part("host", actors.deliver), _LATE)
    yield Scenario("delivered-late", worlds.dropped(ONE), found, _completes, twin, _ONE_TURN)
    promoting = (works("host"), works("other", after="host"), _LATE)
    yield Scenario("promoted-thrice", worlds.scored(ONE), promoting, _completes, twin, _ONE_TURN)
    file = (worlds.scored(TWO, **_ONE_FILE), (works("host"), _LATE), _completes, worlds.twin(TWO, **_ONE_FILE))
    yield Scenario("one-file-taken-over", *file)


def _two_jobs(worlds: Worlds) -> Iterator[Scenario]:
    two = (works("host"), works("other", 1))
    yield Scenario("two-jobs", worlds.scored(ONE, TWO), two, _completes, worlds.twin(ONE, TWO))
    place = {"output": "predictions/flowers/mine/"}
    start, twin = worlds.delivered(ONE, TWO, **place), worlds.twin(ONE, TWO, **place)
    yield Scenario("same-output", start, two, _completes_or_fails, twin, _FEW)


def _lost(worlds: Worlds) -> Iterator[Scenario]:
    """What is staged is lost while it is promoted: then the job fails, and nothing of it is left to be seen."""
    twin = worlds.twin(TWO)
    thief = Part("thief", actors.lose)
    yield Scenario("lost", worlds.scored(TWO), (works("host"), thief), _completes_or_fails, twin)
    both = (works("host"), works("other", after="host"), thief)
    yield Scenario("lost-twice", worlds.scored(TWO), both, _completes_or_fails, twin, _FEW, leaves_late_copies=True)


def _delivered_again(worlds: Worlds) -> Iterator[Scenario]:
    """Late activities, beside the host and a second one that has taken over."""
    twin = worlds.twin(ONE)
    more: dict[str, tuple[World, dict[str, Any]]] = {
        "plan_job": (worlds.delivered(ONE), {"needed": ""}),
        "list_pending": (worlds.planned(ONE), {"needed": "manifest.json", "first": 0, "last": 1}),
        "score_mini_batch": (worlds.planned(ONE), {"needed": "manifest.json", "index": 0}),
        "close_window": (worlds.scored(ONE), {"needed": "ledger/", "first": 0}),
        "promote_job": (worlds.scored(ONE), {"needed": "tally/"}),
    }
    for activity, (start, task) in more.items():
        parts = (works("host"), again(activity, **task), _LATE)
        yield Scenario(f"again-{activity}", start, parts, _completes, twin, _ONE_TURN)
    end = {"code": ErrorThresholdExceeded.code, "reason": "1 of 2 rows were rejected"}
    late = Part("again", again("close_job", "", **end).play, is_ended(FAILED))
    parts = (works("host"), late, _RETRY)
    start = worlds.delivered(ONE, threshold=0)
    yield Scenario("again-close_job", start, parts, _may_be_retried(FAILED), twin, _TURNS)


def _ended_otherwise(worlds: Worlds) -> Iterator[Scenario]:
    twin = worlds.twin(ONE)
    yield Scenario("canceled", worlds.delivered(ONE), (works("host"), _CANCEL), _may_be_canceled, twin)
    late = (works("host"), _CANCEL, _LATE)
    yield Scenario("canceled-late", worlds.delivered(ONE), late, _may_be_canceled, twin, _ONE_TURN)
    retried = (works("host"), _RETRY)
    yield Scenario("retried", worlds.delivered(ONE, threshold=0), retried, _may_be_retried(FAILED), twin)
    canceled = worlds.scored(ONE)
    actors.cancel(canceled, canceled.host("caller", Smooth(canceled.reader)))
    yield Scenario("canceled-retried", canceled, (works("host"), _RETRY), _may_be_retried(CANCELED), twin)
    swept = (_RETRY, _SWEEP, _TICK)
    yield Scenario("swept-retried", _failed(worlds), swept, _may_be_retried(FAILED), twin, _TURNS)
    twice = (_RETRY, Part("retry-again", actors.retry, is_ended(FAILED)), _TICK)
    yield Scenario("retried-twice", _failed(worlds), twice, _may_be_retried(FAILED), twin, _TURNS)


def _failed(worlds: Worlds) -> World:
    """A job that has failed, of which a host is still to tell the world."""
    world = worlds.scored(ONE, threshold=0)
    world.host("before", Smooth(world.reader))
    end = {"code": ErrorThresholdExceeded.code, "reason": "1 of 2 rows were rejected"}
    ACTIVITIES["close_job"]({**world.jobs[0].work._asdict(), **end})
    return world
