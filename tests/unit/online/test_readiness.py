"""Readiness: one look at storage however many ask, and an answer in bounded time."""

import asyncio
import threading

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import StorageUnavailable
from shared.online.readiness import Readiness
from shared.ports import BlobItem


class Storage(MemoryBlobs):
    """Counts looks; away while `down`, and silent until `awake` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.down = False
        self.awake = threading.Event()
        self.awake.set()

    def find(self, container: str, name: str) -> BlobItem | None:
        self.looks += 1
        self.awake.wait(30)
        if self.down:
            raise StorageUnavailable("storage does not answer")
        return super().find(container, name)


class Desk:
    def __init__(self) -> None:
        self.now = 0.0
        self.storage = Storage()
        self.readiness = Readiness(self.storage, clock=lambda: self.now)


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_many_who_ask_at_once_cost_one_look(desk: Desk) -> None:
    assert await asyncio.gather(*(desk.readiness.is_ready() for _ in range(100))) == [True] * 100
    assert desk.storage.looks == 1


async def test_an_answer_is_kept_for_two_seconds(desk: Desk) -> None:
    await desk.readiness.is_ready()
    desk.storage.down = True
    desk.now = 1.9
    assert await desk.readiness.is_ready()
    desk.now = 2.0
    assert not await desk.readiness.is_ready()
    assert desk.storage.looks == 2


async def test_storage_that_takes_long_counts_as_away_and_holds_one_thread(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.online.readiness._PATIENCE_S", 0.01)
    desk.storage.awake.clear()
    for _ in range(5):
        assert not await desk.readiness.is_ready()
        desk.now += 2
    assert desk.storage.looks == 1
    desk.storage.awake.set()
    while not await desk.readiness.is_ready():
        desk.now += 2
