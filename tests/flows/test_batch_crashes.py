"""A batch job that dies, stumbles or is overtaken at every single operation on storage, and what readers see of it."""

import gzip
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import intake, reconciler
from shared.batch import job as jobs
from shared.batch.job import Job, JobStatus
from shared.batch.ports import BatchPorts
from shared.errors import StorageUnavailable
from shared.models.loader import Loader
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import (
    Breaking,
    Clock,
    Killed,
    WatchedStore,
    check_whole_if_successful,
    make_ports,
    not_running,
    output,
)
from tests.support.durable import run_at_once
from tests.support.loading import make_loader

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
        return intake.drop(NAME, self.etag, make_ports(store, self.clock, self.loader))

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

    def job(self) -> Job:
        return jobs.read(self.store, jobs.dropped_id(f"{Container.INBOX}/{NAME}", self.etag))


type NewWorld = Callable[[], World]


@pytest.fixture(params=[-1, 1], ids=["completes", "over-threshold"])
def new_world(
    request: pytest.FixtureRequest,
    store: MemoryBlobs,
    iris_ref: ModelRef,
    clock: Clock,
    app: Callable[[BatchPorts], None],
) -> NewWorld:
    loader = make_loader(store)
    models = [(item.name, store.read(Container.MODELS, item.name)) for item in store.list(Container.MODELS)]

    def make() -> World:
        fresh = MemoryBlobs()
        for name, blob in models:
            assert blob is not None
            fresh.write(Container.MODELS, name, blob.data)
        endpoint.publish(fresh, iris_ref, batch={"mini_batch_size": 3, "error_threshold": request.param})
        return World(fresh, Clock(clock.now), fresh.write(Container.INBOX, NAME, DATA), loader, app)

    return make


def undisturbed(new_world: NewWorld) -> tuple[JobStatus, str, dict[str, Any]]:
    world = new_world()
    job = world.deliver(world.start_process())
    assert job is not None
    run_at_once(job)
    return outcome(world)


def outcome(world: World) -> tuple[JobStatus, str, dict[str, Any]]:
    """Everything that must be the same, whatever happened on the way."""
    job = world.job()
    assert list(jobs.active(world.store)) == []
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
            assert at > 40
            return
        at += 1


def watch_readers(world: World, store: WatchedStore, when: str) -> None:
    """A reader looks after every operation that is not the one to break."""
    setattr(store, "after" if when == "before" else "before", lambda _: check_whole_if_successful(world.store))


def test_the_undisturbed_job(new_world: NewWorld, request: pytest.FixtureRequest) -> None:
    status, reason, seen = undisturbed(new_world)
    if "completes" in request.node.name:
        assert (status, reason) == (JobStatus.COMPLETED, "")
        assert list(seen) == [
            "_SUCCESS",
            "manifest.json",
            "part-000000.parquet",
            "part-000001.parquet",
            "part-000002.parquet",
            "rejected.jsonl",
        ]
        assert [row["row"] for name in list(seen)[2:5] for row in seen[name]] == [0, 1, 2, 3, 4, 5, 7]
        assert [entry["row"] for entry in seen["rejected.jsonl"]] == [6, 8]
    else:
        assert status == JobStatus.FAILED
        assert reason.startswith("2 of 9 rows were rejected")
        assert seen == {}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_job_killed_at_any_operation_ends_as_if_nothing_had_been(new_world: NewWorld, when: str) -> None:
    expected = undisturbed(new_world)
    for breaking in places(when, Killed()):
        world = new_world()
        store = world.start_process()
        breaking.on(store)
        watch_readers(world, store, when)
        try:
            job = world.deliver(store)
            assert job is not None
            run_at_once(job)
        except Killed:
            check_whole_if_successful(world.store)
        world.go_on()
        assert outcome(world) == expected, f"killed {when} {breaking.broke}"
        assert list(world.store.list(Container.STAGING)) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_storage_that_fails_at_any_operation_costs_no_attempt(new_world: NewWorld, when: str) -> None:
    expected = undisturbed(new_world)
    for breaking in places(when, StorageUnavailable("try again")):
        world = new_world()
        store = world.start_process()
        breaking.on(store)
        watch_readers(world, store, when)
        try:
            job = world.deliver(store)
        except StorageUnavailable:
            job = world.deliver(store)
        assert job is not None
        run_at_once(job)
        assert world.tick() == []
        assert outcome(world) == expected, f"failed {when} {breaking.broke}"
        assert world.job().attempt == 1
        assert list(world.store.list(Container.STAGING)) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_attempt_that_is_overtaken_at_any_operation_changes_nothing(new_world: NewWorld, when: str) -> None:
    expected = undisturbed(new_world)
    for breaking in places(when, Killed()):
        world = new_world()
        store = world.start_process()
        mine = make_ports(store, world.clock, world.loader)
        job = world.deliver(store)
        assert job is not None

        def sleep(operation: str, world: World = world, mine: BatchPorts = mine, at: Breaking = breaking) -> None:
            try:
                at.count(operation)
            except Killed:
                # Not dead, only asleep for minutes, in which another process does all the work.
                world.go_on()
                assert outcome(world) == expected, f"overtaken {when} {operation}"
                world.use(mine)

        setattr(store, when, sleep)
        watch_readers(world, store, when)
        world.use(mine)
        run_at_once(job)
        assert outcome(world) == expected, f"overtaken {when} {breaking.broke}"
