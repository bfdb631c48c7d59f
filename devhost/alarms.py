"""Calls at later times from one thread, however many are waiting."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger("devhost.alarms")


class Alarms:
    """A heap of things to call; what is still waiting at `stop` is dropped."""

    def __init__(self, name: str) -> None:
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def after(self, delay_s: float, call: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._waiting, (time.monotonic() + delay_s, next(self._order), call))
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                call()
            except Exception:
                _log.exception("a timer failed")

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next call that is due; None once stopped."""
        with self._changed:
            while not self._stopped:
                if not self._waiting:
                    self._changed.wait()
                elif (delay_s := self._waiting[0][0] - time.monotonic()) > 0:
                    self._changed.wait(delay_s)
                else:
                    return heapq.heappop(self._waiting)[2]
        return None
