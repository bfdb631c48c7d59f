"""Makes a finished job's output visible. The spine of the activity `promote_job`.

Order is everything: parts, `rejected.jsonl`, `manifest.json`, `_SUCCESS`, `latest.json`, and then the job is closed.
Every step may be repeated, so a promotion that died goes on where it was.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import batched
from typing import Final, Literal

from pydantic import ValidationError

from shared.batch import job as jobs
from shared.batch import ledger
from shared.batch.job import Counts, Event, Job
from shared.batch.ledger import Entry
from shared.batch.manifest import Manifest
from shared.batch.ports import BatchPorts
from shared.documents import Document
from shared.errors import (
    ErrorThresholdExceeded,
    InvalidTransition,
    SlipwayError,
    StaleAttempt,
    StaleDocument,
    StorageUnavailable,
)
from shared.ports import BlobStore, Container

_AT_ONCE: Final = 8
_PER_CHECK: Final = 64


class OutputPart(Document):
    name: str
    rows: int
    size_bytes: int


class OutputManifest(Document):
    """What is in the output: a reader who has seen `_SUCCESS` finds every part named here."""

    schema_version: Literal[1] = 1
    job_id: str
    endpoint: str
    deployment: str
    model: str
    revision: int
    inputs: tuple[str, ...]
    counts: Counts
    parts: tuple[OutputPart, ...]
    scored_at: datetime


class Latest(Document):
    """Names the newest finished output of an endpoint."""

    schema_version: Literal[1] = 1
    job_id: str
    output: str
    scored_at: datetime


def promote_job(job_id: str, attempt: int, ports: BatchPorts) -> Job:
    """Raises ErrorThresholdExceeded (then nothing is promoted), StaleAttempt, DependencyError."""
    job = jobs.move(ports.store, job_id, attempt, Event.FINALIZE, ports.now())
    plan = ports.manifests.read(job_id)
    entries = _all_entries(ports.store, plan)
    counts = _count(entries)
    _check_threshold(ports.store, plan, entries, counts)
    _copy_parts(ports, job, attempt, entries)
    _join_rejected(ports, job, attempt, entries)
    output = _write_manifest(ports.store, job, plan, entries, counts, ports.now())
    ports.check(job_id, attempt)
    ports.store.write(Container.PREDICTIONS, output_name(job, "_SUCCESS"), b"")
    try:
        return _close(ports, job, attempt, output)
    except StaleAttempt:
        raise
    except SlipwayError as error:
        # The output is there for all to see: from here on the job may be late, and cannot fail.
        raise StorageUnavailable(f"the output is whole, but the job is not closed yet: {error.message}") from error


def _close(ports: BatchPorts, job: Job, attempt: int, output: OutputManifest) -> Job:
    _point_latest(ports.store, job, output.scored_at)
    finished = jobs.move(
        ports.store, job.id, attempt, Event.COMPLETE, ports.now(),
        finished_at=ports.now(), counts=output.counts, output=f"{Container.PREDICTIONS}/{output_name(job)}",
    )  # fmt: skip
    jobs.put_away(ports.store, job.id)
    return finished


def output_name(job: Job, name: str = "") -> str:
    return f"{job.endpoint}/{job.id}/{name}"


def _part_name(entry: Entry) -> str:
    return f"part-{entry.index:06d}.parquet"


def _all_entries(store: BlobStore, plan: Manifest) -> list[Entry]:
    entries = list(ledger.entries(store, plan.job_id))
    if len(entries) != len(plan.mini_batches):
        raise InvalidTransition(f"{len(entries)} of {len(plan.mini_batches)} mini-batches are scored: it is too early")
    return entries


def _count(entries: list[Entry]) -> Counts:
    predicted, rejected = sum(entry.predicted for entry in entries), sum(entry.rejected for entry in entries)
    return Counts(rows=predicted + rejected, predicted=predicted, rejected=rejected)


def _check_threshold(store: BlobStore, plan: Manifest, entries: list[Entry], counts: Counts) -> None:
    if plan.error_threshold < 0 or counts.rejected <= plan.error_threshold:
        return
    first = next(entry.rejected_part for entry in entries if entry.rejected_part)
    blob = store.read(Container.STAGING, first)
    example = blob.data.partition(b"\n")[0].decode() if blob else ""
    raise ErrorThresholdExceeded(
        f"{counts.rejected} of {counts.rows} rows were rejected, more than error_threshold allows "
        f"({plan.error_threshold}); nothing was promoted. The first: {example}"
    )


def _copy_parts(ports: BatchPorts, job: Job, attempt: int, entries: list[Entry]) -> None:
    there = {item.name: item.size_bytes for item in ports.store.list(Container.PREDICTIONS, output_name(job, "part-"))}

    def copy(entry: Entry) -> None:
        ports.store.copy(Container.STAGING, entry.part, Container.PREDICTIONS, output_name(job, _part_name(entry)))

    due = [
        entry for entry in entries if entry.part and there.get(output_name(job, _part_name(entry))) != entry.part_bytes
    ]
    for _ in _at_once(copy, due, ports, job, attempt):
        pass


def _join_rejected(ports: BatchPorts, job: Job, attempt: int, entries: list[Entry]) -> None:
    def read(name: str) -> bytes:
        blob = ports.store.read(Container.STAGING, name)
        if blob is None:
            raise StaleDocument(f"{name} is not in staging any more")
        return blob.data

    names = [entry.rejected_part for entry in entries if entry.rejected_part]
    if names:
        pieces = _at_once(read, names, ports, job, attempt)
        ports.store.write_blocks(Container.PREDICTIONS, output_name(job, "rejected.jsonl"), pieces)


def _at_once[T, R](do: Callable[[T], R], things: Sequence[T], ports: BatchPorts, job: Job, attempt: int) -> Iterator[R]:
    """Does some things at a time, in order, and shows signs of life. Raises StaleAttempt."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for some in batched(things, _PER_CHECK, strict=False):
            ports.check(job.id, attempt)
            yield from pool.map(do, some)


def _write_manifest(
    store: BlobStore, job: Job, plan: Manifest, entries: list[Entry], counts: Counts, now: datetime
) -> OutputManifest:
    """The first one written stays: after `_SUCCESS` nobody sees it change."""
    output = OutputManifest(
        job_id=job.id,
        endpoint=job.endpoint,
        deployment=plan.deployment,
        model=str(plan.model.ref),
        revision=plan.revision,
        inputs=tuple(file.path for file in plan.files),
        counts=counts,
        parts=tuple(
            OutputPart(name=_part_name(entry), rows=entry.predicted, size_bytes=entry.part_bytes)
            for entry in entries
            if entry.part
        ),
        scored_at=now,
    )
    name = output_name(job, "manifest.json")
    try:
        store.write(Container.PREDICTIONS, name, output.model_dump_json(indent=2).encode(), create=True)
    except StaleDocument:
        blob = store.read(Container.PREDICTIONS, name)
        if blob is not None:
            return OutputManifest.model_validate_json(blob.data)
    return output


def _is_newer(data: bytes, than: datetime) -> bool:
    try:
        return Latest.model_validate_json(data).scored_at >= than
    except ValidationError:
        return False  # written over


def _point_latest(store: BlobStore, job: Job, scored_at: datetime) -> None:
    """Moves forward in time only, whichever job ends first."""
    name = f"{job.endpoint}/latest.json"
    latest = Latest(job_id=job.id, output=f"{Container.PREDICTIONS}/{output_name(job)}", scored_at=scored_at)
    blob = store.read(Container.PREDICTIONS, name)
    if blob is not None and _is_newer(blob.data, scored_at):
        return
    data = latest.model_dump_json(indent=2).encode()
    try:
        store.write(Container.PREDICTIONS, name, data, if_match=blob.etag if blob else None, create=blob is None)
    except StaleDocument:
        _point_latest(store, job, scored_at)
