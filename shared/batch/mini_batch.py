"""Scores one mini-batch. The spine of the activity `score_mini_batch`; safe to run twice, also at the same time."""

from uuid import uuid4

import orjson

from shared.batch import ledger
from shared.batch.ledger import Entry
from shared.batch.manifest import Manifest
from shared.batch.ports import BatchPorts
from shared.batch.scored import Scored, score_files, score_table
from shared.batch.work import Work
from shared.batch.writing import parts
from shared.errors import JobCanceled, StaleAttempt
from shared.ports import BlobStore, Container


def score_mini_batch(work: Work, index: int, ports: BatchPorts) -> Entry:
    """Raises StaleAttempt, JobCanceled, InputChanged, ModelError, DependencyError."""
    done = ledger.find(ports.store, work, index)
    if done is not None:
        return done
    plan = ports.manifests.read(work)
    page, mini_batch = ports.manifests.page(work, index)
    score = score_files if page.files[mini_batch.spans[0].file].format == "file" else score_table
    scored = score(plan, page, mini_batch, ports)
    entry = _stage(ports.store, work, plan, index, scored)
    try:
        ports.check(work)
    except (StaleAttempt, JobCanceled):
        _discard(ports.store, entry)  # nobody looks for it any more
        raise
    return ledger.record(ports.store, work, entry)


def _stage(store: BlobStore, work: Work, plan: Manifest, index: int, scored: Scored) -> Entry:
    """Each try has names of its own: what it discards is never what another try has entered into the ledger."""
    stem, form = f"{index:08d}-{work.attempt}", plan.settings.output_format
    part = b"" if scored.table is None else parts.write_part(scored.table, form)
    files = [
        {"name": file.name, "staged": _put(store, work.path(f"files/{stem}"), "bin", file.data)}
        for file in scored.files
    ]
    return Entry(
        index=index,
        predicted=scored.predicted,
        rejected=len(scored.rejected),
        part=_put(store, work.path(f"parts/{stem}"), parts.suffix(form), part),
        part_bytes=len(part),
        rejected_part=_put(store, work.path(f"rejected/{stem}"), "jsonl", parts.write_rejected(scored.rejected)),
        files=_put(store, work.path(f"files/{stem}"), "json", orjson.dumps(files) if files else b""),
    )


def _put(store: BlobStore, stem: str, suffix: str, data: bytes) -> str:
    if not data:
        return ""
    name = f"{stem}-{uuid4().hex[:16]}.{suffix}"
    store.write(Container.STAGING, name, data)
    return name


def _discard(store: BlobStore, entry: Entry) -> None:
    for name in filter(None, (entry.part, entry.rejected_part, entry.files)):
        store.delete(Container.STAGING, name)
