"""What the activities of a batch job work with."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.batch import job as jobs
from shared.batch.job import Job
from shared.batch.manifest import Manifests
from shared.endpoints.catalog import Catalog
from shared.models.loader import Loader
from shared.ports import BlobStore


class BatchPorts(NamedTuple):
    store: BlobStore
    manifests: Manifests
    catalog: Catalog
    loader: Loader
    now: Callable[[], datetime]
    heartbeat_timeout: timedelta
    max_input_bytes: int

    def check(self, job_id: str, attempt: int) -> Job:
        """The job, if this attempt may write for it. Raises StaleAttempt."""
        # Four signs of life in the time after which a job counts as forsaken: losing one does no harm.
        return jobs.check(self.store, job_id, attempt, self.now(), self.heartbeat_timeout / 4)
