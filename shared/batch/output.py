"""The output of one job: what of staging is copied, joined and named where its readers look."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import orjson

from shared.batch import ledger
from shared.batch.job import Job
from shared.batch.ledger import Entry
from shared.batch.ports import BatchPorts
from shared.batch.success import PREPARED, SUCCESS, Success
from shared.batch.writing import joining, parts
from shared.documents import Document
from shared.endpoints import locations
from shared.endpoints.batch_settings import JobSettings
from shared.errors import StaleDocument, StorageUnavailable
from shared.ports import Blob, BlobItem, Container

_AT_ONCE: Final = 8
# Things that are done between two looks at whether they still may be.
_PER_CHECK: Final = 64
# Of parts that are joined, so few are read ahead: each may be large.
_READ_AHEAD: Final = 2
_PIECE_BYTES: Final = 8 * 1024 * 1024
_PART: Final = re.compile(r"part-[0-9]{6,}\.[a-z]+")
# What readers find in every output.
_RELIED_ON: Final = (SUCCESS, PREPARED, "manifest.json", "rejected.jsonl")


class OutputFile(Document):
    """`rows`: 0 of what is no table of predictions."""

    name: str
    rows: int
    size_bytes: int


class Output:
    """`location`: of the job, as its callers know it."""

    def __init__(self, ports: BatchPorts, job: Job, settings: JobSettings) -> None:
        place = locations.parse(job.output_location, ports.known)
        self.location = job.output_location
        self._prefix = place.name
        self._container = place.container
        self._account = place.account
        self._store = ports.accounts.store(place.account)
        self.success = Success.of(job, ports.accounts)
        self._ports = ports
        self._job = job
        self._settings = settings

    def write(self, name: str, data: bytes, *, create: bool = False, if_match: str | None = None) -> None:
        self._store.write(self._container, self._prefix + name, data, create=create, if_match=if_match)

    def find(self, name: str) -> Blob:
        """Raises StaleDocument when it is not there."""
        return _there(self._store.read(self._container, self._prefix + name), name)

    def write_parts(self, entries: Sequence[Entry]) -> list[OutputFile]:
        """One file a mini-batch, or one of all. Raises StaleAttempt, and StaleDocument when a part is lost."""
        due = [entry for entry in entries if entry.part_bytes]
        suffix = parts.suffix(self._settings.output_format)
        if self._settings.output_file_name is not None:
            return self._join(self._settings.output_file_name, due)
        named = {f"part-{entry.index:06d}.{suffix}": entry for entry in due}
        # What lies there of an earlier run was not taken back in time: a sweep may be about to remove it.
        there = self._sizes("part-") if self._job.run == 1 else {}
        missing = [(self._part(entry), name) for name, entry in named.items() if there.get(name) != entry.part_bytes]
        self._copy(missing)
        return [OutputFile(name=name, rows=each.predicted, size_bytes=each.part_bytes) for name, each in named.items()]

    def _join(self, name: str, due: Sequence[Entry]) -> list[OutputFile]:
        """A single commit of its blocks: nobody sees half of it."""
        if self._settings.output_action != "append_row":
            return []
        pieces = joining.join(self._whole(due), self._settings.output_format)
        self._store.write_blocks(self._container, self._prefix + name, pieces)
        size = self._sizes(name).get(name, 0)
        return [OutputFile(name=name, rows=sum(entry.predicted for entry in due), size_bytes=size)]

    def _whole(self, due: Sequence[Entry]) -> Iterator[bytes]:
        names = [*map(self._part, due)]
        for entry, name, data in zip(due, names, self._staged(names, _READ_AHEAD), strict=True):
            if len(data) != entry.part_bytes:
                raise StorageUnavailable(f"{name} was not read as it was written: try again in a moment")
            yield data

    def _part(self, entry: Entry) -> str:
        return ledger.part_name(self._job.work, entry.index)

    def write_files(self, entries: Sequence[Entry], parts: Sequence[OutputFile]) -> list[OutputFile]:
        """What a score.py has written. Where a name is taken, by a part, by what readers rely on, or by an earlier
        file, it gets the number of its mini-batch.
        """
        due = [entry for entry in entries if entry.files]
        taken = {*_RELIED_ON, *(part.name for part in parts)}
        named: dict[str, str] = {}
        for entry, listing in zip(due, self._staged([entry.files for entry in due], _AT_ONCE), strict=True):
            for file in orjson.loads(listing):
                name = str(file["name"])
                while name in taken:
                    name = f"{entry.index:06d}/{name}"
                taken.add(name)
                named[name] = str(file["staged"])
        for name in (name for name, staged in named.items() if not staged):
            self.write(name, b"")
        self._copy([(staged, name) for name, staged in named.items() if staged])
        sizes = self._sizes("") if named else {}
        return [OutputFile(name=name, rows=0, size_bytes=sizes.get(name, 0)) for name in named]

    def write_rejected(self, entries: Sequence[Entry]) -> None:
        names = [entry.rejected_part for entry in entries if entry.rejected_part]
        if names:
            pieces = self._staged(names, _AT_ONCE)
            self._store.write_blocks(self._container, f"{self._prefix}rejected.jsonl", pieces)

    @property
    def is_whole(self) -> bool:
        return self.success.is_there

    def check(self, told: Sequence[OutputFile]) -> None:
        """Somebody who was late may have taken parts back. Raises StorageUnavailable where one is not there, whole."""
        there = self._sizes("")
        lacking = [file.name for file in told if there.get(file.name) != file.size_bytes]
        if lacking:
            raise StorageUnavailable(f"{lacking[0]} is not in the output, as it should be: it is copied again")

    def take_back(self) -> None:
        """Removes what this attempt finds of the job's, and nothing that anybody writes from now on.

        Raises StaleAttempt, and StorageUnavailable where `_SUCCESS` is: that is for good.
        """
        self._ports.check(self._job.work)
        self.success.settle()
        there = self.own()
        self._ports.check(self._job.work)
        if self.is_whole:
            raise StorageUnavailable("the output is whole, but the job is not closed yet")
        self.remove(there)

    def own(self) -> list[BlobItem]:
        """What lies there of the job's."""
        is_own = self._own()
        return [item for item in self._store.list(self._container, self._prefix) if is_own(item.name)]

    def remove(self, found: Iterable[BlobItem]) -> None:
        """Those that are what they were when they were found."""
        for item in found:
            with suppress(StaleDocument):
                self._store.delete(self._container, item.name, if_match=item.etag)

    def _own(self) -> Callable[[str], bool]:
        """Which blobs the job has made: in a folder that its caller has named others may have put files, too."""
        if f"/{self._job.id}/" in f"/{self._prefix}":
            return lambda name: True
        made = {*_RELIED_ON, self._settings.output_file_name, *self._of_scripts()}

        def is_own(name: str) -> bool:
            own = name.removeprefix(self._prefix)
            return own in made or _PART.fullmatch(own) is not None

        return is_own

    def _of_scripts(self) -> Iterator[str]:
        """As `write_files` may have named them, as far as that is not lost."""
        due = [entry for entry in ledger.entries(self._ports.store, self._job.work) if entry.files]
        for entry in due:
            listing = self._ports.store.read(Container.STAGING, entry.files)
            for file in orjson.loads(listing.data) if listing is not None else ():
                yield from (str(file["name"]), f"{entry.index:06d}/{file['name']}")

    def _sizes(self, prefix: str) -> dict[str, int]:
        found = self._store.list(self._container, self._prefix + prefix)
        return {item.name.removeprefix(self._prefix): item.size_bytes for item in found}

    def _copy(self, named: Sequence[tuple[str, str]]) -> None:
        def copy(each: tuple[str, str]) -> None:
            staged, name = each
            if self._account:
                self._store.write_blocks(self._container, self._prefix + name, self._pieces(staged))
                return
            try:
                metadata = {"job_id": self._job.id}  # and not the ledger's
                self._store.copy(Container.STAGING, staged, self._container, self._prefix + name, metadata)
            except StaleDocument:
                raise _lost(staged) from None

        for _ in self._at_once(copy, named, _AT_ONCE):
            pass

    def _pieces(self, staged: str) -> Iterator[bytes]:
        """Of a part on its way into another account."""
        offset, more = 0, True
        while more:
            blob = self._ports.store.read(Container.STAGING, staged, offset=offset, length=_PIECE_BYTES)
            data = _there(blob, staged).data
            yield data
            offset += len(data)
            more = len(data) == _PIECE_BYTES

    def _staged(self, names: Sequence[str], ahead: int) -> Iterator[bytes]:
        return self._at_once(
            lambda name: _there(self._ports.store.read(Container.STAGING, name), name).data, names, ahead
        )

    def _at_once[T, R](self, do: Callable[[T], R], things: Iterable[T], ahead: int) -> Iterator[R]:
        """Does so many things at a time, in order, and shows signs of life. Raises StaleAttempt."""
        with ThreadPoolExecutor(ahead) as pool:
            waiting: deque[Future[R]] = deque()
            for number, thing in enumerate(things):
                if number % _PER_CHECK == 0:
                    self._ports.check(self._job.work)
                waiting.append(pool.submit(do, thing))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def _there(blob: Blob | None, name: str) -> Blob:
    if blob is None:
        raise _lost(name)
    return blob


def _lost(name: str) -> StaleDocument:
    return StaleDocument(f"{name} is not there any more: submit the job anew")
