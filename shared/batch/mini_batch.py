"""Scores one mini-batch. The spine of the activity `score_mini_batch`; safe to run twice, also at the same time."""

import hashlib

import numpy as np

from shared.batch import formats, ledger
from shared.batch.formats import Rejected, Rows
from shared.batch.ledger import Entry
from shared.batch.manifest import InputFile, Manifest, MiniBatch
from shared.batch.ports import BatchPorts
from shared.errors import InputChanged, StaleDocument
from shared.models.scoring import Predictions, predict, unknown_rows
from shared.models.served import ServedModel
from shared.models.signature import Inputs
from shared.ports import BlobStore, Container


def score_mini_batch(job_id: str, attempt: int, index: int, ports: BatchPorts) -> Entry:
    """Raises StaleAttempt, InputChanged, ModelError, DependencyError."""
    plan = ports.manifests.read(job_id)
    done = ledger.find(ports.store, job_id, index)
    if done is not None:
        return done
    work = plan.mini_batches[index]
    model = ports.served(plan.model.ref, plan.runtime)
    rows = _known(_read(ports.store, plan.files[work.file], work, model), model)
    predictions = predict(model, Inputs(rows.features, model.converter("").params(None)))
    ports.check(job_id, attempt)
    entry = _stage(ports.store, plan, attempt, index, rows, predictions)
    return ledger.record(ports.store, job_id, entry)


def list_pending(job_id: str, attempt: int, first: int, last: int, ports: BatchPorts) -> list[int]:
    """Which of the mini-batches [first, last) are still to be scored. Raises StaleAttempt."""
    ports.check(job_id, attempt)
    return ledger.pending(ports.store, job_id, first, last)


def _read(store: BlobStore, file: InputFile, work: MiniBatch, model: ServedModel) -> Rows:
    try:
        blob = store.read(file.container, file.blob, offset=work.offset, length=work.length, if_match=file.etag)
    except StaleDocument:
        blob = None
    if blob is None:
        raise InputChanged(f"{file.path} was changed or removed while the job ran: drop it again")
    return formats.read_csv(blob.data, file.columns, model.signature, work.first_row, work.rows)


def _known(rows: Rows, model: ServedModel) -> Rows:
    """Rows that no model of a package of many answers for are rejected, like rows that cannot be read."""
    unknown = unknown_rows(model, rows.features)
    if not unknown:
        return rows
    keep = np.ones(len(rows.numbers), bool)
    keep[list(unknown)] = False
    rejected = [*rows.rejected, *(Rejected(int(rows.numbers[row]), reason) for row, reason in unknown.items())]
    features = {name: array[keep] for name, array in rows.features.items()}
    return Rows(features, rows.numbers[keep], sorted(rejected, key=lambda entry: entry.row))


def _stage(store: BlobStore, plan: Manifest, attempt: int, index: int, rows: Rows, predictions: Predictions) -> Entry:
    """Parts are named by attempt and content: two tries never write over each other's."""
    path = plan.files[plan.mini_batches[index].file].path
    part = b""
    if predictions.rows:
        part = formats.write_part(
            predictions,
            rows.numbers,
            {
                "file_name": path,
                "endpoint": plan.endpoint,
                "deployment": plan.deployment,
                "model_version": str(plan.model.ref),
            },
        )
    rejected = formats.write_rejected(rows.rejected, path)
    return Entry(
        index=index,
        predicted=predictions.rows,
        rejected=len(rows.rejected),
        part=_put(store, f"{plan.job_id}/parts/{index:06d}-{attempt}", "parquet", part),
        part_bytes=len(part),
        rejected_part=_put(store, f"{plan.job_id}/rejected/{index:06d}-{attempt}", "jsonl", rejected),
    )


def _put(store: BlobStore, stem: str, suffix: str, data: bytes) -> str:
    if not data:
        return ""
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}.{suffix}"
    store.write(Container.STAGING, name, data)
    return name
