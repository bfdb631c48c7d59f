"""One storage, issuer and host with the foreign app for all tests here, and fresh ones on demand."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devhost.stack import Stack
from tests.host.foreign import SETTINGS, prepare_storage

APP = Path(__file__).parent / "foreign_app"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The shared stack; a test that stops or kills the host takes `new_stack`."""
    made = Stack(APP, tmp_path_factory.mktemp("stack"), SETTINGS)
    try:
        made.start_storage()
        prepare_storage(made)
        made.start_issuer()
        made.start_host()
        yield made
    finally:
        made.stop()


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[Callable[[], Stack]]:
    """Makes a stack whose storage runs and whose host does not yet."""
    stacks: list[Stack] = []

    def make() -> Stack:
        made = Stack(APP, tmp_path / str(len(stacks)), SETTINGS)
        stacks.append(made)
        made.start_storage()
        prepare_storage(made)
        return made

    yield make
    for made in stacks:
        made.stop()
