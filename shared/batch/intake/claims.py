"""An output location that a caller has named belongs to one job, from before it begins and for good."""

import hashlib
from typing import Final

from shared.batch.job import Job
from shared.batch.ports import BatchPorts
from shared.endpoints import locations
from shared.errors import OutputTaken, StaleDocument
from shared.ports import Container

_CLAIMS: Final = "outputs/"


def claim(job: Job, ports: BatchPorts) -> None:
    """Safe to repeat. Raises OutputTaken when there is something already, or another job has claimed the place."""
    if job.id in job.output_location:
        return  # a place of its own
    name = _CLAIMS + hashlib.sha256(job.output_location.encode()).hexdigest()
    claimed = ports.store.read(Container.JOBS, name)
    if claimed is None:
        _check_empty(job, ports)
        try:
            ports.store.write(Container.JOBS, name, job.id.encode(), create=True)
            return
        except StaleDocument:
            claimed = ports.store.read(Container.JOBS, name)
    if claimed is None or claimed.data.decode() != job.id:
        raise OutputTaken(f"another job writes to {job.output_location}: name an output of this job's own")


def _check_empty(job: Job, ports: BatchPorts) -> None:
    place = locations.parse(job.output_location, ports.known)
    store = ports.accounts.store(place.account)
    if next(iter(store.list(place.container, place.name)), None) is not None:
        raise OutputTaken(f"there are blobs at {job.output_location} already: name an output that is empty")
