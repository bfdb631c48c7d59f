"""What the activities of a batch job work with."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from shared.batch import desk
from shared.batch.events import Announcer
from shared.batch.job import Job
from shared.batch.manifest import Manifests
from shared.batch.work import Work
from shared.endpoints.catalog import Catalog
from shared.endpoints.locations import Known
from shared.errors import SlipwayError
from shared.models.flavor import Runtime
from shared.models.loader import Loader, ModelId
from shared.models.package import ModelRef
from shared.models.served import ServedModel
from shared.ports import BlobStore

_log = logging.getLogger(__name__)


class Accounts(Protocol):
    """The storage accounts that jobs may read from and write to. `addresses`: what locations are read with."""

    @property
    def addresses(self) -> Known: ...

    def store(self, account: str) -> BlobStore:
        """Of the data account for "". Raises LocationNotAllowed for an account that the settings do not name."""
        ...


class BatchPorts(NamedTuple):
    """`store` is the data account, which is among the `accounts` too. `retry_window`: how long a failed job's work is
    kept for a retry.
    """

    store: BlobStore
    accounts: Accounts
    manifests: Manifests
    catalog: Catalog
    loader: Loader
    announcer: Announcer
    now: Callable[[], datetime]
    heartbeat_timeout: timedelta
    retry_window: timedelta
    max_input_bytes: int

    @property
    def known(self) -> Known:
        return self.accounts.addresses

    def served(self, ref: ModelRef, runtime: Runtime) -> ServedModel:
        """Raises ModelNotFound, ModelNotReady."""
        return ServedModel(ModelId(ref, runtime), self.loader.package(ref), self.loader)

    @property
    def beat_every(self) -> timedelta:
        """Four signs of life in the time after which a job counts as forsaken: losing one does no harm."""
        return self.heartbeat_timeout / 4

    def check(self, work: Work) -> Job:
        """The job, if this attempt may write for it. Raises StaleAttempt, JobCanceled."""
        return desk.check(self.store, work, self.now(), self.beat_every)

    def alert(self, work: Work) -> Callable[[], None]:
        """As `check`, for those who would ask all the time: it looks once a second."""
        looked_at = float("-inf")

        def look() -> None:
            nonlocal looked_at
            if time.monotonic() - looked_at > 1:
                self.check(work)
                looked_at = time.monotonic()

        return look

    @contextmanager
    def alive(self, work: Work) -> Iterator[None]:
        """Shows signs of life while the block runs, however long a model or a file takes."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(self.beat_every.total_seconds()):
                try:
                    self.check(work)
                except SlipwayError as error:
                    # The block finds out for itself, when it next asks whether it may write.
                    _log.info("job %s: %s", work.job_id, error.message)

        thread = threading.Thread(target=beat, name=f"alive-{work.job_id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
