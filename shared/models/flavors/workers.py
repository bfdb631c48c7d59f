"""The workers of one model: started, loaded, called one call each, and started again when they end."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, Final

from shared.errors import ModelNotReady, ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.flavors.wording import one_line
from shared.models.flavors.worker_process import Header, Launch, Parts, WorkerEnded, WorkerProcess
from shared.models.sandbox.wire import FrameTooLarge

_log = logging.getLogger(__name__)

_FIRST_DELAY_S: Final = 0.5
_LONGEST_DELAY_S: Final = 30.0
# A process whose channel is closed is as good as gone; killing it takes no longer than this.
_REAPED_WITHIN_S: Final = 10.0


class Workers:
    """Raises ModelNotReady when a worker does not start and load within `start_timeout_s`; none is left then.

    `load`, with its parts, is what a new worker is told first; `loaded` is what the first one answered.
    """

    def __init__(self, launch: Launch, count: int, start_timeout_s: float, load: Header, parts: Parts = ()) -> None:
        self._launch = launch
        self._load = (load, parts)
        self._start_timeout_s = start_timeout_s
        self._changed = threading.Condition()
        self._all: set[WorkerProcess] = set()
        self._ready: set[WorkerProcess] = set()
        self._free: list[WorkerProcess] = []
        self._coming = 0
        self._closing = threading.Event()
        first: SimpleQueue[Header | ModelNotReady] = SimpleQueue()
        self._lanes = [
            threading.Thread(target=self._keep_one, args=(first.put,), name=f"worker of {launch.label}", daemon=True)
            for _ in range(count)
        ]
        for lane in self._lanes:
            lane.start()
        outcomes = [first.get() for _ in self._lanes]
        for outcome in outcomes:
            if isinstance(outcome, ModelNotReady):
                self.close()
                raise outcome
        self.loaded: Header = next(outcome for outcome in outcomes if not isinstance(outcome, ModelNotReady))

    def call(self, header: Header, parts: Parts, abort: Abort) -> tuple[Header, list[memoryview]]:
        """Takes a free worker, waiting for one while all are busy, or one that ended is being replaced.

        Raises ScoringTimeout when `abort` is fired, ScoringFailed when the process ends, ModelNotReady when there is
        none, and none about to come.
        """
        worker = self._take(abort)
        call = _Call(worker, abort.grace_s)
        abort.on_fire(call.stop)
        try:
            return worker.exchange(header, parts)
        except FrameTooLarge as error:
            raise ScoringFailed(f"the request is too large for the model's process: {error}") from None
        except WorkerEnded:
            if abort.fired:
                raise ScoringTimeout("the model did not answer in time, and its process was ended") from None
            worker.ended.wait(_REAPED_WITHIN_S)
            raise ScoringFailed(f"the model's process ended ({worker.ending}): its log tells more") from None
        finally:
            abort.on_fire(None)
            call.finish()
            self._give_back(worker)

    def resident_bytes(self) -> int:
        with self._changed:
            return sum(worker.resident_bytes for worker in self._ready)

    def close(self) -> None:
        """Ends all workers, in the middle of whatever they do."""
        self._closing.set()
        with self._changed:
            for worker in self._all:
                worker.kill("the model was closed")
            self._changed.notify_all()
        for lane in self._lanes:
            lane.join()

    def _take(self, abort: Abort) -> WorkerProcess:
        abort.on_fire(self._wake)
        with self._changed:
            while True:
                if abort.fired:
                    raise ScoringTimeout("no process of the model was free in time")
                if not self._ready and (not self._coming or self._closing.is_set()):
                    raise ModelNotReady("the model's process is being started again: try again in a few seconds")
                if self._free:
                    worker = self._free.pop()
                    if not worker.doomed:
                        return worker
                    continue
                self._changed.wait()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _give_back(self, worker: WorkerProcess) -> None:
        with self._changed:
            if worker in self._ready and not worker.doomed:
                self._free.append(worker)
                self._changed.notify()

    def _keep_one(self, tell: Callable[[Header | ModelNotReady], None]) -> None:
        """Sees to it that this lane has a worker. How the first start went is told; if badly, there is no second."""
        try:
            worker, loaded = self._start()
        except ModelNotReady as error:
            tell(error)
            return
        tell(loaded)
        delay_s = 0.0
        while True:
            coming = self._wait_for_end(worker)
            delay_s = 0.0 if coming else _longer(delay_s)
            while True:
                if self._closing.wait(delay_s):
                    return
                try:
                    worker, _ = self._start()
                    break
                except ModelNotReady as error:
                    delay_s = _longer(delay_s)
                    _log.warning("%s: %s; the next try is in %g s", self._launch.label, error.message, delay_s)
                finally:
                    self._came(coming)
                    coming = 0

    def _start(self) -> tuple[WorkerProcess, Header]:
        """Starts and loads. Raises ModelNotReady with a reason of one line."""
        try:
            worker = WorkerProcess(self._launch)
        except OSError as error:
            _log.warning("%s: %s cannot be started: %s", self._launch.label, self._launch.python, error)
            raise ModelNotReady("the Python of the model's environment cannot be started") from None
        with self._changed:
            self._all.add(worker)
            if self._closing.is_set():
                worker.kill("the model was closed")
        loaded: Header = {}
        reason = ""
        try:
            loaded = worker.load(*self._load, self._start_timeout_s)
            reason = _reason(loaded)
        except TimeoutError:
            worker.kill(f"it was not ready within {self._start_timeout_s:g} s")
        except WorkerEnded:
            _log.debug("%s: process %d ended while it loaded", self._launch.label, worker.pid)
        if reason:
            worker.kill("it could not load the model")
        if reason or not loaded:
            self._wait_for_end(worker)
            raise ModelNotReady(f"the model cannot be loaded: {reason or f'its process ended: {worker.ending}'}")
        with self._changed:
            self._ready.add(worker)
            self._free.append(worker)
            self._changed.notify_all()
        _log.info("%s: process %d is ready", self._launch.label, worker.pid)
        return worker, loaded

    def _came(self, count: int) -> None:
        """Or failed to: nobody waits for it any more."""
        with self._changed:
            self._coming -= count
            self._changed.notify_all()

    def _wait_for_end(self, worker: WorkerProcess) -> int:
        """How many come in its place at once: one for whoever was called after it was loaded, else none so soon."""
        worker.wait_for_end()
        with self._changed:
            coming = int(worker in self._ready and worker.calls > 1)
            self._coming += coming
            self._all.discard(worker)
            self._ready.discard(worker)
            if worker in self._free:
                self._free.remove(worker)
            self._changed.notify_all()
        if not self._closing.is_set():
            _log.warning("%s: process %d ended: %s", self._launch.label, worker.pid, worker.ending)
        return coming


class _Call:
    """One call's hold on its worker: whoever wants to stop the call cannot hit the next one.

    A model that is only slow to be asked is not ended: what counts is how long the call itself takes, up to `grace_s`.
    """

    def __init__(self, worker: WorkerProcess, grace_s: float) -> None:
        self._lock = threading.Lock()
        self._worker: WorkerProcess | None = worker
        self._until = time.monotonic() + grace_s
        self._timer: threading.Timer | None = None

    def stop(self) -> None:
        with self._lock:
            if self._worker is None:
                return
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                self._worker.kill("its call was given up")
            elif self._timer is None:
                self._timer = threading.Timer(left_s, self.stop)
                self._timer.daemon = True
                self._timer.start()

    def finish(self) -> None:
        with self._lock:
            self._worker = None
            if self._timer is not None:
                self._timer.cancel()


def _longer(delay_s: float) -> float:
    return min(max(2 * delay_s, _FIRST_DELAY_S), _LONGEST_DELAY_S)


def _reason(loaded: Mapping[str, Any]) -> str:
    """Why the model cannot be loaded, or nothing."""
    error = loaded.get("error")
    return one_line(str(error["text"])) if isinstance(error, dict) and "text" in error else ""
