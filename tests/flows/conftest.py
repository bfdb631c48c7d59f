"""The engine and the store that batch jobs are watched on."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from durabletask.task import RetryPolicy

from shared.adapters.memory import MemoryBlobs
from shared.batch import orchestrator
from shared.batch.ports import BatchPorts
from tests.support.batch import Clock, WatchedStore, make_ports
from tests.support.durable import Hub, running_hub

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
