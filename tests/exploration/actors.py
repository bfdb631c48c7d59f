"""What happens to jobs: the flows of the app, as its triggers and its callers set them going."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from shared.batch import closing, desk, reconciler
from shared.batch.intake import drops
from shared.batch.job import Job, JobStatus
from shared.batch.orchestrator import RETRY, StepFailed
from shared.endpoints.batch_settings import Overrides
from shared.errors import JobNotFound, StorageUnavailable
from shared.ports import Container
from tests.exploration.execution import Part
from tests.exploration.world import Host, World
from tests.support.batch import RETRY_WINDOW, not_running
from tests.support.durable import ACTIVITIES, run_at_once

# As often as the blob trigger does.
_TRIES = 5
_SILENCE = timedelta(minutes=6)


def stored(world: World, number: int = 0) -> Job | None:
    try:
        return desk.read(world.store, world.jobs[number].id)
    except JobNotFound:
        return None


def is_ended(*statuses: JobStatus) -> Callable[[World], bool]:
    def may_begin(world: World) -> bool:
        job = stored(world)
        return job is not None and job.status in statuses

    return may_begin


def deliver(world: World, host: Host) -> None:
    """The blob trigger."""
    (source,) = world.jobs[0].inputs
    for _ in range(_TRIES):
        try:
            job = drops.drop(source.location.removeprefix(f"{Container.INBOX}/"), source.etag or "", host.ports)
            break
        except StorageUnavailable:
            continue
    if job is not None:
        run_at_once(job)


def works(name: str, number: int = 0, after: str = "") -> Part:
    """A host with the orchestration of the first attempt."""

    def play(world: World, host: Host) -> None:
        run_at_once(world.jobs[number])

    return Part(name, play, after=after)


def late(world: World, host: Host) -> None:
    """A host whose timer ticks when there was no sign of life for long."""
    world.clock.now += _SILENCE
    tick(world, host)


def tick(world: World, host: Host) -> None:
    for job in reconciler.forsaken(host.ports, not_running):
        run_at_once(job)


def cancel(world: World, host: Host) -> None:
    desk.request_cancel(host.ports.store, world.jobs[0].id)
    world.notes.add("cancel taken")


def retry(world: World, host: Host) -> None:
    job = desk.retry(host.ports.store, world.jobs[0].id, host.ports.now(), overrides=Overrides(error_threshold=-1))
    world.notes.add("retry taken")
    run_at_once(job)


def sweep(world: World, host: Host) -> None:
    """A tick after the time in which a failed job can be retried from where it was."""
    world.clock.now += RETRY_WINDOW + _SILENCE
    closing.sweep(host.ports)


def lose(world: World, host: Host) -> None:
    """A part that is staged is removed by something that is none of the app."""
    for item in host.ports.store.list(Container.STAGING, world.jobs[0].work.path("ledger/")):
        host.ports.store.delete(Container.STAGING, item.name)
        return


def has_ended(world: World) -> bool:
    return any(world.store.list(Container.JOBS, "ended/"))


def again(activity: str, needed: str, **more: Any) -> Part:
    """An activity of the first attempt that the engine delivers once more, and if it fails once more again.

    `needed`: what begins the name of a document of the run that is there when the engine first delivers it.
    """

    def may_begin(world: World) -> bool:
        prefix = world.jobs[0].work.path(needed)
        return any(any(world.store.list(container, prefix)) for container in (Container.JOBS, Container.STAGING))

    def play(world: World, host: Host) -> None:
        for tries_left in reversed(range(RETRY.max_number_of_attempts)):
            try:
                ACTIVITIES[activity]({**world.jobs[0].work._asdict(), **more})
                return
            except StepFailed:
                if not tries_left:
                    raise

    return Part("again", play, may_begin)
