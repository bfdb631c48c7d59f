"""Jobs of the tests that end, and what each leaves in storage."""

from collections.abc import Callable

from shared.batch import closing, desk
from shared.batch.job import Job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import ErrorThresholdExceeded
from shared.ports import BlobStore, Container
from tests.support.batch import WatchedStore, make_ports


def fail(ports: BatchPorts, job: Job) -> Job:
    closing.fail(ports, job.work, ErrorThresholdExceeded("too many"))
    return desk.read(ports.store, job.id)


def cancel(ports: BatchPorts, job: Job) -> Job:
    desk.request_cancel(ports.store, job.id)
    closing.cancel(ports, job.id)
    return desk.read(ports.store, job.id)


def complete(ports: BatchPorts, job: Job) -> Job:
    return promote_job(job.work, ports)


def staged(store: BlobStore, job: Job) -> list[str]:
    return [item.name for item in store.list(Container.STAGING, f"{job.id}/")]


def documents(store: BlobStore, job: Job) -> list[str]:
    return [item.name.removeprefix(f"{job.id}/") for item in store.list(Container.JOBS, f"{job.id}/")]


def marks(store: BlobStore) -> list[str]:
    """Of all jobs."""
    return [item.name for folder in ("active/", "ended/") for item in store.list(Container.JOBS, folder)]


def check_only_the_document_is_left(store: BlobStore, job: Job) -> None:
    """Of this job, and no mark of any."""
    assert (staged(store, job), documents(store, job), marks(store)) == ([], ["job.json"], [])


def watched(ports: BatchPorts, before: Callable[[str], None]) -> BatchPorts:
    """The same over a store that tells `before` of every operation."""
    store = WatchedStore(ports.store)
    store.before = before
    return make_ports(store, ports.now, ports.loader)
