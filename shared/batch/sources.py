"""The blobs that a job reads: those that its inputs name, lie below, or match."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from shared.batch.intake.location import check_input
from shared.batch.job import Job, JobInput
from shared.batch.pinned import PinnedSource
from shared.batch.ports import BatchPorts
from shared.endpoints import locations, patterns
from shared.endpoints.spec import Endpoint
from shared.errors import InputChanged, PayloadTooLarge, UnreadableInput
from shared.ports import BlobItem, BlobStore, Place

_MAX_FILES: Final = 1_000_000


class Found(NamedTuple):
    """`path`: as the caller knows it."""

    store: BlobStore
    place: Place
    item: BlobItem
    path: str

    def pinned(self, before_chunk: Callable[[], object]) -> PinnedSource:
        return PinnedSource(self.store, self.place, self.item.etag, self.item.size_bytes, self.path, before_chunk)


def is_data(name: str) -> bool:
    """Unlike what is written beside data: `_READY`, `_SUCCESS`, and what tools leave behind while they upload."""
    return not name.rpartition("/")[2].startswith(("_", "."))


def find(job: Job, endpoint: Endpoint, ports: BatchPorts) -> Iterator[Found]:
    """In the order of the inputs, and of names in each.

    Raises UnreadableInput when there is nothing to read, InputChanged when it is not what was submitted,
    LocationNotAllowed when the endpoint does not allow it any more, PayloadTooLarge.
    """
    count = 0
    for each in job.inputs:
        for found in _of_input(each, job.is_dropped, endpoint, ports):
            count += 1
            if count > _MAX_FILES:
                raise PayloadTooLarge(f"the job has more than {_MAX_FILES} files: submit them as several jobs")
            yield found


def _of_input(wanted: JobInput, to_the_letter: bool, endpoint: Endpoint, ports: BatchPorts) -> Iterator[Found]:
    """`to_the_letter`: what was dropped is named so, be there an asterisk in it."""
    place = locations.parse(wanted.location, ports.known)
    check_input(place, endpoint.name, endpoint.revision.batch.allowed_inputs, ports.known)
    store = ports.accounts.store(place.account)
    is_pattern = not to_the_letter and patterns.has_wildcards(place.name)
    if wanted.etag is None and (is_pattern or locations.is_folder(place)):
        yield from _below(wanted, place, store, is_pattern)
        return
    item = store.find(place.container, place.name)
    if item is None:
        raise InputChanged(f"{wanted.location} is not there any more: submit it again")
    if wanted.etag is not None and item.etag != wanted.etag:
        raise InputChanged(f"{wanted.location} was changed since it was submitted: the new content is a job of its own")
    yield Found(store, place, item, locations.written(place))


def _below(wanted: JobInput, place: Place, store: BlobStore, is_pattern: bool) -> Iterator[Found]:
    prefix, pattern = patterns.split_pattern(place.name) if is_pattern else (place.name, None)
    nothing = True
    for item in store.list(place.container, prefix):
        if not item.size_bytes or not is_data(item.name):
            continue
        if pattern is not None and not pattern.fullmatch(item.name):
            continue
        nothing = False
        found = place._replace(name=item.name)
        yield Found(store, found, item, locations.written(found))
    if nothing:
        raise UnreadableInput(
            f"there is no file at {wanted.location}: look at the path, and whether files have content"
        )
