"""Keeping requests: nothing is lost that could be written, and nobody waits for it."""

import logging
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.errors import StorageUnavailable
from shared.monitoring import capture
from shared.monitoring.capture import Capture
from shared.monitoring.captured import Answer
from shared.monitoring.metrics import Metrics
from shared.monitoring.settings import Monitoring
from shared.ports import Container
from tests.unit.monitoring.test_metrics import read
from tests.unit.monitoring.watching import MIDNIGHT, Observatory

ROOT = Path(__file__).parents[3]


class Stuck(MemoryBlobs):
    """Says when a write has come, and finishes it when `free` is set; fails with `error`."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.free, self.busy, self.error = threading.Event(), threading.Event(), error

    def write(self, container: str, name: str, data: bytes, **named: Any) -> str:
        self.busy.set()
        assert self.free.wait(30)
        if self.error is not None:
            raise self.error
        return super().write(container, name, data, **named)


def outcomes(observatory: Observatory) -> dict[str, int]:
    points = read(observatory.metrics).get("slipway.captured", [])
    return {str(each.attributes["outcome"]): int(each.total) for each in points}


def lines(observatory: Observatory) -> list[bytes]:
    items = observatory.store.list(Container.CAPTURE)
    blobs = [observatory.store.read(Container.CAPTURE, item.name) for item in items]
    return [line for blob in blobs if blob is not None for line in blob.data.splitlines()]


@pytest.mark.parametrize("error", [StorageUnavailable("storage does not answer"), RuntimeError("broken")])
def test_what_cannot_be_written_is_counted_and_forgotten(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    store = Stuck(error)
    store.free.set()
    observatory = Observatory(store=store)
    for deployment in ("blue", "green"):
        observatory.answer({"x": [1]}, {"y": [1]}, deployment=deployment)
    observatory.capture.flush()
    assert outcomes(observatory) == {"Dropped": 1}  # of each deployment
    assert caplog.text.count(str(error)) == 2
    store.error = None
    observatory.capture.flush()
    assert lines(observatory) == []


def test_what_cannot_be_read_is_counted_and_costs_nobody_a_reply(caplog: pytest.LogCaptureFixture) -> None:
    observatory = Observatory()
    observatory.answer({"\ud800": [1]}, {"y": [1]})
    assert outcomes(observatory) == {"Dropped": 1}
    assert "a request of endpoint flowers was not kept" in caplog.text


def test_more_than_the_bound_is_dropped_however_slow_storage_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_MOST_BYTES", 1000)
    observatory = Observatory()
    for _ in range(10):
        observatory.answer({"x": ["a" * 90] * 2}, {"y": [1]})
    observatory.answer({"x": ["a" * 90] * 20}, {"y": [1]})
    observatory.capture.flush()
    assert sum(map(len, lines(observatory))) <= 1000
    assert outcomes(observatory) == {"Kept": 3, "Dropped": 8}


def test_a_file_is_written_as_soon_as_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_FILE_BYTES", 1000)
    store = Stuck()
    store.free.set()
    observatory = Observatory(store=store)
    for _ in range(20):
        observatory.answer({"x": ["a" * 90]}, {"y": [1]})
    assert store.busy.wait(30)


def test_threads_that_keep_at_once_lose_nothing_and_one_thread_writes() -> None:
    before = threading.active_count()
    observatory = Observatory()

    def work() -> None:
        for _ in range(200):
            observatory.answer({"x": [1]}, {"y": [1]})
            observatory.capture.flush()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(lines(observatory))) == 1600
    assert outcomes(observatory) == {"Kept": 1600}
    assert threading.active_count() == before + 1


def test_who_flushes_waits_for_what_another_thread_is_writing() -> None:
    """At the end of the process: nothing of it goes on then."""
    store = Stuck()
    observatory = Observatory(store=store)
    observatory.answer({"x": [1]}, {"y": [1]})
    writer = threading.Thread(target=observatory.capture.flush)
    writer.start()
    assert store.busy.wait(30)
    last = threading.Thread(target=observatory.capture.flush)
    last.start()
    last.join(0.05)
    assert last.is_alive()
    store.free.set()
    last.join(30)
    assert len(lines(observatory)) == 1
    writer.join()


def test_a_thread_that_cannot_be_started_is_started_by_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    keeper = Capture(MemoryBlobs(), lambda: MIDNIGHT, Metrics())
    answer = Answer("flowers", "blue", "a", "iris/1", {"x": np.ones(1)}, {"y": np.ones(1)})
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        keeper.take(Monitoring(), answer)
    before = threading.active_count()
    keeper.take(Monitoring(), answer)
    assert threading.active_count() == before + 1


_PROCESS = """
import sys, logging
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
from shared.monitoring.capture import Capture
from shared.monitoring.captured import Answer
from shared.monitoring.metrics import Metrics
from shared.monitoring.settings import Monitoring

class Folder:
    def write(self, container, name, data, **named):
        Path(sys.argv[1], name.replace("/", "-")).write_bytes(data)

capture = Capture(Folder(), lambda: datetime.now(UTC), Metrics())
for number in range(3):
    capture.take(Monitoring(), Answer("flowers", "blue", str(number), "iris/1", {"x": np.ones(2)}, {"y": np.ones(2)}))
sys.exit(3)
"""


def test_a_process_that_ends_writes_what_it_has(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _PROCESS, tmp_path], cwd=ROOT, check=False, timeout=60)
    assert ended.returncode == 3
    (file,) = tmp_path.iterdir()
    assert len(file.read_bytes().splitlines()) == 3


def test_nothing_is_logged_of_what_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    observatory = Observatory()
    with caplog.at_level(logging.DEBUG):
        observatory.answer({"x": ["a secret"]}, {"y": [1]})
        observatory.pass_window()
        observatory.look()
    assert "secret" not in caplog.text
