"""Keeps a share of what was asked and answered, beside the requests: it can neither slow nor fail one."""

import atexit
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import uuid4

from shared.monitoring import captured
from shared.monitoring.captured import Answer, Kept
from shared.monitoring.metrics import Metrics
from shared.monitoring.settings import Monitoring
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)

_FLUSH_S: Final = 60.0
# What is written at once, and what may wait for it while storage is slow.
_FILE_BYTES: Final = 1024 * 1024
_MOST_BYTES: Final = 8 * 1024 * 1024


class Capture:
    """`now`: UTC. A thread writes down what is kept, a minute later; what it cannot write is counted and forgotten."""

    def __init__(self, store: BlobStore, now: Callable[[], datetime], metrics: Metrics) -> None:
        self._store = store
        self._now = now
        self._metrics = metrics
        self._kept: list[Kept] = []
        self._size_bytes = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._due = threading.Event()
        self._writer: threading.Thread | None = None

    def take(self, settings: Monitoring, answer: Answer) -> None:
        """A request that was answered. Never raises."""
        if answer.source not in settings.sources:
            return
        if not captured.is_sampled(answer.request_id, settings.sampling_rate):
            return
        try:
            self._take(settings, answer)
        except Exception:
            self._metrics.captured(answer.endpoint, answer.deployment, "Dropped")
            _log.exception("a request of endpoint %s was not kept", answer.endpoint)

    def _take(self, settings: Monitoring, answer: Answer) -> None:
        asked = settings.features
        inputs = {name: answer.inputs[name] for name in asked if name in answer.inputs} if asked else answer.inputs
        kept = captured.keep(answer._replace(inputs=inputs), self._now())
        with self._lock:
            if self._size_bytes + len(kept.line) > _MOST_BYTES:
                self._metrics.captured(answer.endpoint, answer.deployment, "Dropped")
                return
            self._kept.append(kept)
            self._size_bytes += len(kept.line)
            if self._writer is None:
                self._start()
        if self._size_bytes > _FILE_BYTES:
            self._due.set()

    def flush(self) -> None:
        """Writes what has come until now, and what another thread is writing is written then, too."""
        with self._writing:
            with self._lock:
                kept, self._kept, self._size_bytes = self._kept, [], 0
                self._due.clear()
            by_folder: dict[str, list[bytes]] = {}
            for each in kept:
                by_folder.setdefault(each.folder, []).append(each.line)
            for folder, lines in by_folder.items():
                self._write(folder, lines)

    def _write(self, folder: str, lines: list[bytes]) -> None:
        endpoint, deployment = folder.split("/")[:2]
        outcome = "Kept"
        try:
            # Not as one that must be new: a write whose reply was lost is made again.
            self._store.write(Container.CAPTURE, f"{folder}{uuid4().hex}.jsonl", b"\n".join(lines))
        except Exception as error:
            outcome = "Dropped"
            _log.warning("%d requests of endpoint %s were not kept: %s", len(lines), endpoint, error)
        for _ in lines:
            self._metrics.captured(endpoint, deployment, outcome)

    def _start(self) -> None:
        """With the first request that is kept: an app that watches nothing has no thread for it."""
        writer = threading.Thread(target=self._run, name="capture", daemon=True)
        writer.start()
        self._writer = writer
        atexit.register(self.flush)

    def _run(self) -> None:
        while True:
            self._due.wait(_FLUSH_S)
            self.flush()
