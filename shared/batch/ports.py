"""What the activities of a batch job work with."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from shared.batch.events import Announcer
from shared.batch.job import Job
from shared.batch.manifest import Manifests
from shared.batch.pulse import Pulse
from shared.batch.work import Work
from shared.endpoints.catalog import Catalog
from shared.endpoints.locations import Known
from shared.models.flavor import Runtime
from shared.models.loader import Loader, ModelId
from shared.models.package import ModelRef
from shared.models.served import ServedModel
from shared.monitoring.capture import Capture
from shared.monitoring.metrics import Metrics
from shared.ports import BlobStore
from shared.settings import DEFAULT_TICK_SCHEDULE


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
    metrics: Metrics
    now: Callable[[], datetime]
    pulse: Pulse
    retry_window: timedelta
    max_input_bytes: int
    capture: Capture
    tick_schedule: str = DEFAULT_TICK_SCHEDULE

    @property
    def known(self) -> Known:
        return self.accounts.addresses

    def served(self, ref: ModelRef, runtime: Runtime) -> ServedModel:
        """Raises ModelNotFound, ModelNotReady."""
        return ServedModel(ModelId(ref, runtime), self.loader.package(ref), self.loader)

    @property
    def heartbeat_timeout(self) -> timedelta:
        return self.pulse.timeout

    def check(self, work: Work) -> Job:
        """The job, if this attempt may write for it. Raises StaleAttempt, JobCanceled."""
        return self.pulse.check(work)
