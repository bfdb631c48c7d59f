"""Scores one mini-batch. The spine of the activity `score_mini_batch`; safe to run twice, also at the same time."""

import hashlib
from contextlib import suppress

import orjson

from shared.batch import desk, ledger
from shared.batch.job import JobStatus
from shared.batch.ledger import Entry
from shared.batch.manifest import Manifest, MiniBatch, PlanPage
from shared.batch.ports import BatchPorts
from shared.batch.scored import Scored, score_files, score_table
from shared.batch.work import Work
from shared.batch.writing import parts
from shared.errors import JobCanceled, SlipwayError, StaleAttempt, StaleDocument
from shared.ports import BlobStore, Container


def score_mini_batch(work: Work, index: int, ports: BatchPorts) -> Entry:
    """Raises StaleAttempt, JobCanceled, InputChanged, ModelError, DependencyError."""
    plan = ports.manifests.read(work)
    try:
        scored = _score(plan, *ports.manifests.page(work, index), ports)
    except SlipwayError:
        # It may have been done before, when the input was still there. To look each time first would cost more than
        # to score the few again that are delivered twice.
        done = ledger.find(ports.store, work, index)
        if done is None:
            raise
        return done
    part = b"" if scored.table is None else parts.write_part(scored.table, plan.settings.output_format)
    entry = _stage(ports.store, work, index, scored, len(part))
    try:
        ports.pulse.check_lately(work)
        done = ledger.record(ports.store, work, entry, part)
        # A write may take long: what arrives once the job is swept nobody else would remove.
        ports.pulse.check_lately(work)
    except (StaleAttempt, JobCanceled):
        _discard(ports.store, work, index)
        raise
    return done


def _score(plan: Manifest, page: PlanPage, mini_batch: MiniBatch, ports: BatchPorts) -> Scored:
    score = score_files if page.files[mini_batch.spans[0].file].format == "file" else score_table
    return score(plan, page, mini_batch, ports)


def _stage(store: BlobStore, work: Work, index: int, scored: Scored, part_bytes: int) -> Entry:
    """All but the part, under names of attempt and content: two tries never write over each other's."""
    stem = f"{index:08d}-{work.attempt}"
    files = [
        {"name": file.name, "staged": _put(store, work.path(f"files/{stem}"), "bin", file.data)}
        for file in scored.files
    ]
    return Entry(
        index=index,
        predicted=scored.predicted,
        rejected=len(scored.rejected),
        part_bytes=part_bytes,
        rejected_part=_put(store, work.path(f"rejected/{stem}"), "jsonl", parts.write_rejected(scored.rejected)),
        files=_put(store, work.path(f"files/{stem}"), "json", orjson.dumps(files) if files else b""),
    )


def _put(store: BlobStore, stem: str, suffix: str, data: bytes) -> str:
    if not data:
        return ""
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
    # Another try may have written the same, which somebody may be reading by now.
    with suppress(StaleDocument):
        store.write(Container.STAGING, name, data, create=True)
    return name


def _discard(store: BlobStore, work: Work, index: int) -> None:
    """Unless the run may be gone on with: an entry of another try of this attempt may name the same."""
    job = desk.read(store, work.job_id)
    if not (job.swept or job.run != work.run or job.status == JobStatus.COMPLETED):
        return
    for folder in ("rejected", "files"):
        for item in list(store.list(Container.STAGING, work.path(f"{folder}/{index:08d}-{work.attempt}-"))):
            store.delete(Container.STAGING, item.name)
    store.delete(Container.STAGING, ledger.part_name(work, index))
