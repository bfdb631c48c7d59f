"""What a job has done: one entry a mini-batch, created once. Its presence means done; it names the part that counts.

An entry lives in its blob's metadata, so that one listing tells all of them.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from shared.batch.job import job_path
from shared.errors import StaleDocument
from shared.ports import BlobItem, BlobStore, Container


class Entry(BaseModel):
    """`part` and `rejected_part` are names in the container `staging`; empty where there are no such rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")
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


def _path(job_id: str, index: int) -> str:
    return job_path(job_id, f"ledger/{index:06d}")


def _parsed(item: BlobItem) -> Entry:
    return Entry.model_validate_json(item.metadata["entry"])
