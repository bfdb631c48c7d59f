"""Fixtures that every kind of test uses."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

from devhost.azurite import Azurite
from shared.adapters.memory import MemoryBlobs
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from tests.support import endpoint, iris
from tests.support.batch import Clock, make_ports

# How long an example takes says more of the machine than of the code; pytest-timeout ends what never ends.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# They run in the clients' own environment, by `make conformance`.
collect_ignore = ["conformance"]


@pytest.fixture(scope="session")
def iris_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow model folder."""
    folder = tmp_path_factory.mktemp("models") / "iris"
    iris.save(folder)
    return folder


@pytest.fixture
def store(clock: Clock) -> MemoryBlobs:
    return MemoryBlobs(clock)


@pytest.fixture
def iris_ref(store: MemoryBlobs, iris_folder: Path) -> ModelRef:
    """The iris model, uploaded to `store`."""
    return endpoint.upload(store, iris_folder)


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a running Azurite, which all tests of the run share."""
    folder = tmp_path_factory.mktemp("azurite")
    emulator = Azurite(folder / "data", folder / "log.txt")
    emulator.start()
    try:
        yield emulator.connection_string
    finally:
        emulator.stop()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ports(store: MemoryBlobs, clock: Clock) -> BatchPorts:
    """What batch jobs work with, on `store`."""
    return make_ports(store, clock)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, ports: BatchPorts) -> Callable[[BatchPorts], None]:
    """Has the batch triggers work with these ports; with `ports` until it is called with others."""

    def use(given: BatchPorts) -> None:
        monkeypatch.setattr("shared.triggers.batch.services", lambda: SimpleNamespace(batch=given, store=given.store))

    use(ports)
    return use
