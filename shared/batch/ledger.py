"""What a job has done: one entry a mini-batch, created once. Its presence means done; its blob is the part that counts.

An entry lives in the metadata of its part, so that one write makes both, and one listing tells all of them. What the
entries of a group add up to is kept once the group is whole: a job of many groups is looked at without reading them
all again.
"""

from collections.abc import Iterator
from typing import Final

from shared.batch.manifest import GROUP_SIZE
from shared.batch.work import Work
from shared.documents import Document
from shared.errors import StaleDocument
from shared.ports import BlobItem, BlobStore, Container

_ENTRY: Final = "entry"


class Entry(Document):
    """`part_bytes`: 0 where there is no part. `rejected_part` and `files` are names in the container `staging`, empty
    where there is nothing to name; `files`: a list of the files that a score.py has written itself.
    """

    index: int
    predicted: int
    rejected: int
    part_bytes: int = 0
    rejected_part: str = ""
    files: str = ""


class Tally(Document):
    """What some entries add up to. `rows`: of the mini-batches that are done."""

    mini_batches: int = 0
    predicted: int = 0
    rejected: int = 0

    @property
    def rows(self) -> int:
        return self.predicted + self.rejected

    def plus(self, other: "Tally") -> "Tally":
        return Tally(
            mini_batches=self.mini_batches + other.mini_batches,
            predicted=self.predicted + other.predicted,
            rejected=self.rejected + other.rejected,
        )


def find(store: BlobStore, work: Work, index: int) -> Entry | None:
    item = store.find(Container.STAGING, part_name(work, index))
    return None if item is None else _parsed(item)


def part_name(work: Work, index: int) -> str:
    """Of the blob in the container `staging` that is the mini-batch's part and holds its entry."""
    return work.path(f"ledger/{index // GROUP_SIZE:06d}/{index:08d}")


def record(store: BlobStore, work: Work, entry: Entry, part: bytes = b"") -> Entry:
    """Writes the entry and its part unless they are there; returns the entry that counts."""
    name = part_name(work, entry.index)
    try:
        store.write(Container.STAGING, name, part, create=True, metadata={_ENTRY: entry.model_dump_json()})
    except StaleDocument:
        return find(store, work, entry.index) or entry
    return entry


def entries(store: BlobStore, work: Work) -> Iterator[Entry]:
    """In the order of their mini-batches."""
    return map(_parsed, store.list(Container.STAGING, work.path("ledger/")))


def pending(store: BlobStore, work: Work, first: int, last: int) -> list[int]:
    """The mini-batches in [first, last), all of one group, that have no entry yet."""
    done = {entry.index for entry in _group(store, work, first // GROUP_SIZE)}
    return [index for index in range(first, last) if index not in done]


def close_group(store: BlobStore, work: Work, group: int) -> Tally:
    """Keeps what a whole group adds up to."""
    tally = _tally(_group(store, work, group))
    store.write(Container.JOBS, _tally_path(work, group), b"", metadata={_ENTRY: tally.model_dump_json()})
    return tally


def tally(store: BlobStore, work: Work) -> Tally:
    """What is done by now."""
    total, groups = Tally(), 0
    for item in store.list(Container.JOBS, work.path("tally/")):
        total = total.plus(Tally.model_validate_json(item.metadata[_ENTRY]))
        groups += 1
    # One group after the other: what has no tally yet is the one at work.
    return total.plus(_tally(_group(store, work, groups)))


def _tally(found: Iterator[Entry]) -> Tally:
    mini_batches = predicted = rejected = 0
    for entry in found:
        mini_batches += 1
        predicted += entry.predicted
        rejected += entry.rejected
    return Tally(mini_batches=mini_batches, predicted=predicted, rejected=rejected)


def _group(store: BlobStore, work: Work, group: int) -> Iterator[Entry]:
    return map(_parsed, store.list(Container.STAGING, work.path(f"ledger/{group:06d}/")))


def _tally_path(work: Work, group: int) -> str:
    return work.path(f"tally/{group:06d}")


def _parsed(item: BlobItem) -> Entry:
    return Entry.model_validate_json(item.metadata[_ENTRY])
