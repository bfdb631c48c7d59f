"""Asks a model about the rows of a mini-batch so that one bad row costs one row, and one bad moment none.

What may pass (a time-out, a process that starts again) is tried again. What fails for good is cut in halves until the
rows are found that it fails for; those are rejected with what the model said.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from shared.batch.rows import Rejected, Rows
from shared.endpoints.batch_settings import RetrySettings
from shared.errors import ModelNotReady, PayloadTooLarge, SchemaMismatch, ScoringFailed, ScoringTimeout, SlipwayError
from shared.models.flavor import Abort
from shared.models.flavors.wording import encodable

type Ask[T] = Callable[[Rows, Abort], T]

# A model that has failed so often and never answered fails for every row.
_HOPELESS: Final = 64
# All that is tried for one mini-batch; with the longest time-out of one try it stays below the host's own limit.
_PATIENCE_S: Final = 1200.0
_REASON_CHARS: Final = 500
_FIRST_PAUSE_S: Final = 0.5


class Isolation[T]:
    """Of one mini-batch. `answers` are in the order of its rows; `rejected` are the rows without one."""

    def __init__(
        self,
        ask: Ask[T],
        retry: RetrySettings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.answers: list[T] = []
        self.rejected: list[Rejected] = []
        self._ask = ask
        self._retry = retry
        self._clock = clock
        self._sleep = sleep
        self._failures = 0
        self._until = clock() + _PATIENCE_S

    def predict(self, rows: Rows) -> None:
        """Raises what no row is to blame for: ModelNotFound, ModelNotReady, DependencyError."""
        if not len(rows.numbers):
            return
        try:
            self.answers.append(self._tried(rows))
        except (ScoringFailed, ScoringTimeout, SchemaMismatch, PayloadTooLarge) as error:
            self._failures += 1
            count = len(rows.numbers)
            if count == 1 or self._is_hopeless():
                self._reject(rows, error)
                return
            middle = count // 2
            self.predict(rows.take(np.arange(middle)))
            self.predict(rows.take(np.arange(middle, count)))

    def _is_hopeless(self) -> bool:
        return (not self.answers and self._failures >= _HOPELESS) or self._clock() > self._until

    def _reject(self, rows: Rows, error: SlipwayError) -> None:
        reason = encodable(error.message[:_REASON_CHARS])
        self.rejected += [Rejected(rows.path(at), int(row), reason) for at, row in enumerate(rows.numbers)]

    def _tried(self, rows: Rows) -> T:
        """As often as the settings say, where the failure may pass; halves are not waited for again."""
        passing = (ModelNotReady,) if self._failures else (ModelNotReady, ScoringTimeout)
        pause_s = _FIRST_PAUSE_S
        for _ in range(self._retry.max_retries):
            try:
                return self._asked(rows)
            except passing:
                if self._clock() > self._until:
                    raise
                self._sleep(pause_s)
                pause_s *= 2
        return self._asked(rows)

    def _asked(self, rows: Rows) -> T:
        abort = Abort()
        timer = threading.Timer(self._retry.timeout, abort.fire)
        timer.daemon = True
        timer.start()
        try:
            return self._ask(rows, abort)
        finally:
            timer.cancel()
