"""What a job has done: one entry a mini-batch, created once. Its presence means done; it names the part that counts.

An entry lives in its blob's metadata, so that one listing tells all of them.
"""

from collections.abc import Iterator
from typing import Final

from shared.batch.job import job_path
from shared.documents import Document
from shared.errors import StaleDocument
from shared.ports import BlobItem, BlobStore, Container

# Entries lie in groups of this size, so that what is missing of a group is found by listing that group alone.
GROUP_SIZE: Final = 200


class Entry(Document):
    """`part` and `rejected_part` are names in the container `staging`; empty where there are no such rows."""

    index: int
    predicted: int
    rejected: int
    part: str
    part_bytes: int
    rejected_part: str


def find(store: BlobStore, job_id: str, index: int) -> Entry | None:
    item = store.find(Container.JOBS, _path(job_id, index))
    return None if item is None else _parsed(item)


def record(store: BlobStore, job_id: str, entry: Entry) -> Entry:
    """Writes the entry unless there is one; returns the one that counts."""
    path = _path(job_id, entry.index)
    try:
        store.write(Container.JOBS, path, b"", create=True, metadata={"entry": entry.model_dump_json()})
    except StaleDocument:
        return find(store, job_id, entry.index) or entry
    return entry


def entries(store: BlobStore, job_id: str) -> Iterator[Entry]:
    """In the order of their mini-batches."""
    for item in store.list(Container.JOBS, job_path(job_id, "ledger/")):
        yield _parsed(item)


def pending(store: BlobStore, job_id: str, first: int, last: int) -> list[int]:
    """The mini-batches in [first, last), all of one group, that have no entry yet."""
    group = job_path(job_id, f"ledger/{first // GROUP_SIZE:06d}/")
    done = {_parsed(item).index for item in store.list(Container.JOBS, group)}
    return [index for index in range(first, last) if index not in done]


def _path(job_id: str, index: int) -> str:
    return job_path(job_id, f"ledger/{index // GROUP_SIZE:06d}/{index:08d}")


def _parsed(item: BlobItem) -> Entry:
    return Entry.model_validate_json(item.metadata["entry"])
