"""The engine and the store that batch jobs are watched on."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from durabletask.task import RetryPolicy

from shared.adapters.memory import MemoryBlobs
from shared.batch import orchestrator
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint
from tests.support.batch import Clock, WatchedStore, make_ports
from tests.support.crashes import DATA, NAME, NewWorld, World
from tests.support.durable import Hub, running_hub
from tests.support.loading import make_loader

type Use = Callable[[BatchPorts], None]


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with running_hub() as running:
        yield running


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tries as the app makes, without the waiting between them."""
    tries = orchestrator.RETRY.max_number_of_attempts
    policy = RetryPolicy(first_retry_interval=timedelta(milliseconds=1), max_number_of_attempts=tries)
    monkeypatch.setattr(orchestrator, "RETRY", policy)


@pytest.fixture
def watched(store: MemoryBlobs, clock: Clock, app: Use) -> WatchedStore:
    """The store of the app, where tests can look on and interfere."""
    watched = WatchedStore(store)
    app(make_ports(watched, clock))
    return watched


@pytest.fixture(
    params=[
        {"error_threshold": -1},
        {"error_threshold": "25%", "output_format": "csv", "output_file_name": "predictions.csv"},
        {"error_threshold": 1},
    ],
    ids=["completes", "completes-one-file", "over-threshold"],
)
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
        world_clock = Clock(clock.now)
        fresh = MemoryBlobs(world_clock)
        for name, blob in models:
            assert blob is not None
            fresh.write(Container.MODELS, name, blob.data)
        endpoint.publish(fresh, iris_ref, batch={"mini_batch_size": 3, **request.param})
        return World(fresh, world_clock, fresh.write(Container.INBOX, NAME, DATA), loader, app)

    return make
