"""Which attempts may still write, and their signs of life while this process works on them."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from shared.batch import desk
from shared.batch.job import Job
from shared.batch.work import Work
from shared.errors import SlipwayError
from shared.ports import BlobStore

_log = logging.getLogger(__name__)

_MOST_KEPT: Final = 256


class Pulse:
    """`timeout`: a job that gives no sign of life for so long counts as forsaken. `holds_s`: for how many seconds
    `check_lately` takes what was found for true.
    """

    def __init__(self, store: BlobStore, now: Callable[[], datetime], timeout: timedelta, holds_s: float = 1.0) -> None:
        self.timeout = timeout
        self._store = store
        self._now = now
        self._holds_s = holds_s
        self._found_at: dict[Work, float] = {}
        self._at_work: Counter[Work] = Counter()
        self._lock = threading.Lock()
        self._is_beating = False

    @property
    def _beat_every(self) -> timedelta:
        """Four signs of life in the time after which a job counts as forsaken: losing one does no harm."""
        return self.timeout / 4

    def check(self, work: Work) -> Job:
        """The job, if this attempt may write for it. Raises StaleAttempt, JobCanceled."""
        self._found_at.pop(work, None)
        job = desk.check(self._store, work, self._now(), self._beat_every)
        if len(self._found_at) >= _MOST_KEPT:
            self._found_at.clear()
        self._found_at[work] = time.monotonic()
        return job

    def check_lately(self, work: Work) -> None:
        """As `check`, for those who would ask all the time. Whoever relies on it may be as late as anybody who was held
        up right after a check.
        """
        found_at = self._found_at.get(work)
        if found_at is None or time.monotonic() - found_at >= self._holds_s:
            self.check(work)

    @contextmanager
    def alive(self, work: Work) -> Iterator[None]:
        """Shows signs of life while the block runs, however long a model or a file takes."""
        with self._lock:
            self._at_work[work] += 1
            if not self._is_beating:
                self._is_beating = True
                threading.Thread(target=self._beat, name="pulse", daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._at_work[work] -= 1
                if not self._at_work[work]:
                    del self._at_work[work]

    def _beat(self) -> None:
        """One thread for all that is at work: to start one for each step would cost more than a small step does."""
        while True:
            time.sleep(self._beat_every.total_seconds())
            with self._lock:
                works = [*self._at_work]
                self._is_beating = bool(works)
            if not works:
                return
            for work in works:
                self._show_life(work)

    def _show_life(self, work: Work) -> None:
        try:
            self.check(work)
        except SlipwayError as error:
            # The step finds out for itself, when it next asks whether it may write.
            _log.info("job %s: %s", work.job_id, error.message)
        except Exception:
            _log.exception("job %s: no sign of life", work.job_id)
