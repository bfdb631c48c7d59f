"""A job of three mini-batches in a world of its own, which dies, stumbles or is overtaken at every operation."""

import gzip
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk, reconciler
from shared.batch import job as jobs
from shared.batch.intake import drops
from shared.batch.job import Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.models.loader import Loader
from shared.ports import Container
from tests.support import iris
from tests.support.batch import (
    Breaking,
    Clock,
    WatchedStore,
    check_whole_if_successful,
    make_ports,
    not_running,
    output,
)
from tests.support.durable import run_at_once

NAME = "flowers/month.csv.gz"
# Three mini-batches; the last has a row too short and a value that is no number.
DATA = gzip.compress(iris.csv(6) + b"1,2\n5,3,1,0.2\n1,x,1,1\n")


class World(NamedTuple):
    """One storage account with the endpoint and a file that was just dropped, and the app that works on it."""

    store: MemoryBlobs
    clock: Clock
    etag: str
    loader: Loader
    use: Callable[[BatchPorts], None]

    def start_process(self) -> WatchedStore:
        """A new process, with nothing in its memory but the model, and the store that it sees."""
        watched = WatchedStore(self.store)
        self.use(make_ports(watched, self.clock, self.loader))
        return watched

    def deliver(self, store: WatchedStore) -> Job | None:
        """What the blob trigger does."""
        return drops.drop(NAME, self.etag, make_ports(store, self.clock, self.loader))

    def tick(self) -> list[Job]:
        return list(reconciler.forsaken(make_ports(self.store, self.clock, self.loader), not_running))

    def go_on(self) -> None:
        """Some minutes later another process finds what is not done, and does it."""
        self.clock.go_on(minutes=6)
        store = self.start_process()
        for job in self.tick():
            run_at_once(job)
        delivered = self.deliver(store)
        if delivered is not None:
            run_at_once(delivered)
        assert self.tick() == []

    def sweep(self) -> list[str]:
        """What is left of a job when nobody can need it any more, apart from its document."""
        self.clock.go_on(hours=2)
        closing.sweep(make_ports(self.store, self.clock, self.loader))
        left = [*self.store.list(Container.STAGING), *self.store.list(Container.JOBS)]
        document = f"{self.job().id}/job.json"
        return [item.name for item in left if item.name != document and not item.name.startswith("index/")]

    def job(self) -> Job:
        return desk.read(self.store, jobs.dropped_id(f"{Container.INBOX}/{NAME}", self.etag))


type NewWorld = Callable[[], World]


def undisturbed(new_world: NewWorld) -> tuple[JobStatus, str, dict[str, Any]]:
    world = new_world()
    job = world.deliver(world.start_process())
    assert job is not None
    run_at_once(job)
    return outcome(world)


def outcome(world: World) -> tuple[JobStatus, str, dict[str, Any]]:
    """Everything that must be the same, whatever happened on the way."""
    job = world.job()
    assert list(desk.active(world.store)) == []
    latest = world.store.find(Container.PREDICTIONS, "flowers/latest.json")
    assert (latest is not None) == (job.status == JobStatus.COMPLETED)
    return job.status, job.error.message if job.error else "", output(world.store, job)


def places(when: str, error: BaseException) -> Iterator[Breaking]:
    """One after the other every operation, until there is none left to break."""
    at = 0
    while True:
        breaking = Breaking(at, when, error)
        yield breaking
        if not breaking.broke:
            assert at > 30
            return
        at += 1


def watch_readers(world: World, store: WatchedStore, when: str) -> None:
    """A reader looks after every operation that is not the one to break."""
    setattr(store, "after" if when == "before" else "before", lambda _: check_whole_if_successful(world.store))
