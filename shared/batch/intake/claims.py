"""An output location that a caller has named belongs to one job, from before it begins and for good.

A claim lies under the location's own path, so that those above and below it are found by their names.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

from shared.batch.intake.location import check_output
from shared.batch.job import Job
from shared.batch.ports import BatchPorts
from shared.endpoints import locations
from shared.endpoints.spec import Endpoint
from shared.errors import OutputTaken, StaleDocument
from shared.ports import Container, Place

_CLAIMS: Final = "outputs"
_CLAIM: Final = ".claim"


def claim(job: Job, ports: BatchPorts) -> None:
    """Safe to repeat. Raises OutputTaken when there is something already, or the place is another job's."""
    place = _named(job, ports)
    if place is None:
        return
    # Before the claim is there: whoever dies behind it comes back as the one whose place it is.
    check(job, ports)
    mine = _folder(place) + _CLAIM
    try:
        ports.store.write(Container.JOBS, mine, job.id.encode(), create=True)
    except StaleDocument:
        _check_claims(job, place, ports)
        return
    try:
        # Of two who claim places one in the other, each sees the other's claim now.
        _check_claims(job, place, ports)
    except OutputTaken:
        ports.store.delete(Container.JOBS, mine)
        raise


def check(job: Job, ports: BatchPorts) -> None:
    """Whether the job could claim its place now. Raises OutputTaken."""
    place = _named(job, ports)
    if place is None:
        return
    _check_claims(job, place, ports)
    if ports.store.find(Container.JOBS, _folder(place) + _CLAIM) is None:
        _check_empty(job, place, ports)


def check_allowed(job: Job, endpoint: Endpoint, ports: BatchPorts) -> None:
    """The endpoint may have lost the place since the job was submitted. Raises LocationNotAllowed."""
    place = _named(job, ports)
    if place is not None:
        check_output(place, endpoint.name, endpoint.revision.batch.allowed_outputs, ports.known)


def _named(job: Job, ports: BatchPorts) -> Place | None:
    """None where the job has a place of its own, which is called after it."""
    return None if f"/{job.id}/" in job.output_location else locations.parse(job.output_location, ports.known)


def _folder(place: Place) -> str:
    account = hashlib.sha256(place.account.encode()).hexdigest()[:16]
    return f"{_CLAIMS}/{account}/{place.container}/{place.name}"


def _check_claims(job: Job, place: Place, ports: BatchPorts) -> None:
    for name in _above(place):
        claimed = ports.store.read(Container.JOBS, name)
        if claimed is not None and claimed.data.decode() != job.id:
            raise _taken(job)
    mine = _folder(place) + _CLAIM
    if any(item.name != mine for item in ports.store.list(Container.JOBS, _folder(place))):
        raise _taken(job)


def _above(place: Place) -> Iterator[str]:
    """The claims of the place itself, and of all folders that it lies in."""
    segments = place.name.split("/")[:-1]
    for depth in range(len(segments) + 1):
        name = "".join(f"{segment}/" for segment in segments[:depth])
        yield _folder(place._replace(name=name)) + _CLAIM


def _check_empty(job: Job, place: Place, ports: BatchPorts) -> None:
    store = ports.accounts.store(place.account)
    if next(iter(store.list(place.container, place.name)), None) is not None:
        raise OutputTaken(f"there are blobs at {job.output_location} already: name an output that is empty")


def _taken(job: Job) -> OutputTaken:
    return OutputTaken(f"another job writes to {job.output_location}: name an output of this job's own")
