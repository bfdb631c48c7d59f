"""Makes a finished job's output visible. The spine of the activity `promote_job`.

Order is everything: parts, `rejected.jsonl`, `manifest.json`, `_SUCCESS`, `latest.json`, and then the job is closed.
Every step may be repeated, so a promotion that died goes on where it was. It only goes forward: once it has begun, the
job can be neither canceled nor failed, unless what it was to show is lost.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, Never

from pydantic import ValidationError

from shared.batch import closing, desk, ending, ledger
from shared.batch.intake import claims
from shared.batch.job import Counts, Event, Job, JobError, JobStatus
from shared.batch.ledger import Entry, Tally
from shared.batch.manifest import Manifest
from shared.batch.output import Output, OutputFile
from shared.batch.ports import BatchPorts
from shared.batch.threshold import check_threshold
from shared.batch.work import Work
from shared.documents import Document
from shared.errors import InvalidTransition, SlipwayError, StaleAttempt, StaleDocument, StorageUnavailable
from shared.ports import BlobStore, Container

_AHEAD: Final = timedelta(hours=1)


class OutputManifest(Document):
    """What is in the output: a reader who has seen `_SUCCESS` finds every part named here."""

    schema_version: Literal[1] = 1
    job_id: str
    run: int = 1
    endpoint: str
    deployment: str
    model: str
    revision: int
    inputs: tuple[str, ...]
    counts: Counts
    parts: tuple[OutputFile, ...]
    files: tuple[OutputFile, ...] = ()
    scored_at: datetime


class Latest(Document):
    """Names the newest finished output of an endpoint."""

    schema_version: Literal[1] = 1
    job_id: str
    output: str
    scored_at: datetime


def promote_job(work: Work, ports: BatchPorts) -> Job:
    """Raises ErrorThresholdExceeded, LocationNotAllowed (then nothing is promoted), StaleAttempt, JobCanceled,
    DependencyError.
    """
    job = ports.check(work)
    plan = ports.manifests.read(work)
    if job.status == JobStatus.FINALIZING and (output := Output(ports, job, plan.settings)).is_whole:
        # From here on nobody sees it change, whatever was lost or forbidden meanwhile.
        output.success.settle()
        counts, scored_at = _told(output) or (_counted(ledger.tally(ports.store, work), plan), ports.now())
        return _close(ports, job, counts, scored_at)
    counts = _counted(ledger.tally(ports.store, work), plan)
    if job.error is not None:
        return _give_up(ports, job, job.error)
    entries = list(ledger.entries(ports.store, work))
    check_threshold(ports.store, job, plan, Tally(**counts.model_dump(exclude={"rows"})), entries)
    claims.check_allowed(job, ports.catalog.read(job.endpoint), ports)
    job = desk.move(ports.store, work, Event.FINALIZE, ports.now())
    try:
        return _show(ports, job, plan, counts, entries)
    except StaleAttempt:
        raise
    except SlipwayError as error:
        if error.retryable:
            raise
        # What it was to show is lost, or cannot be one file: that will not pass.
        return _give_up(ports, job, JobError(code=error.code, message=error.message))


def _give_up(ports: BatchPorts, job: Job, reason: JobError) -> Never:
    ending.abandon(ports, job.work, reason)
    raise StaleAttempt(f"job '{job.id}' cannot be promoted: {reason.message}")


def _show(ports: BatchPorts, job: Job, plan: Manifest, counts: Counts, entries: list[Entry]) -> Job:
    if len(entries) < plan.mini_batches:
        raise StaleDocument(f"{plan.mini_batches - len(entries)} staged parts are not there any more: retry the job")
    output = Output(ports, job, plan.settings)
    parts = output.write_parts(entries)
    files = output.write_files(entries, parts)
    output.write_rejected(entries)
    told = OutputManifest(
        job_id=job.id,
        run=job.run,
        endpoint=job.endpoint,
        deployment=plan.deployment,
        model=str(plan.model.ref),
        revision=plan.revision,
        inputs=tuple(each.location for each in job.inputs),
        counts=counts,
        parts=tuple(parts),
        files=tuple(files),
        scored_at=ports.now(),
    )
    told = _write_manifest(output, told)
    with output.success.prepared() as prepared:
        output.check([*told.parts, *told.files])
        if (reason := ports.check(job.work).error) is not None:  # another promoter of this attempt has given it up
            return _give_up(ports, job, reason)
        output.success.commit(prepared)
    return _close(ports, job, counts, told.scored_at)


def _close(ports: BatchPorts, job: Job, counts: Counts, scored_at: datetime) -> Job:
    """The output is there for all to see: from here on the job may be late, and cannot fail."""
    try:
        return _closed(ports, job, counts, scored_at)
    except StaleAttempt:
        raise
    except SlipwayError as error:
        raise StorageUnavailable(f"the output is whole, but the job is not closed yet: {error.message}") from error


def _closed(ports: BatchPorts, job: Job, counts: Counts, scored_at: datetime) -> Job:
    _point_latest(ports.store, job, scored_at)
    finished = desk.move(
        ports.store, job.work, Event.COMPLETE, ports.now(),
        finished_at=ports.now(), counts=counts, output=job.output_location, error=None,
    )  # fmt: skip
    closing.put_away(ports, finished)
    return finished


def _counted(done: Tally, plan: Manifest) -> Counts:
    if done.mini_batches != plan.mini_batches:
        raise InvalidTransition(f"{done.mini_batches} of {plan.mini_batches} mini-batches are scored: retry the job")
    return Counts(rows=done.rows, predicted=done.predicted, rejected=done.rejected, mini_batches=done.mini_batches)


def _write_manifest(output: Output, told: OutputManifest) -> OutputManifest:
    """The first one that a run has written stays: after `_SUCCESS` nobody sees it change."""
    data = told.model_dump_json(indent=2).encode()
    try:
        output.write("manifest.json", data, create=True)
        return told
    except StaleDocument:
        blob = output.find("manifest.json")
    there = _parsed(blob.data)
    if there.run >= told.run:
        return there
    output.write("manifest.json", data, if_match=blob.etag)  # somebody was late in a run that has failed
    return told


def _parsed(manifest: bytes) -> OutputManifest:
    try:
        return OutputManifest.model_validate_json(manifest)
    except ValidationError:
        raise StaleDocument("the output's manifest.json was written over: submit the job anew") from None


def _told(output: Output) -> tuple[Counts, datetime] | None:
    """None where the manifest was taken away or written over by somebody else."""
    try:
        manifest = _parsed(output.find("manifest.json").data)
    except StaleDocument:
        return None
    return manifest.counts, manifest.scored_at


def _is_newer(store: BlobStore, name: str, data: bytes, than: datetime) -> bool:
    """A time that is far from coming by the clock of storage was told by a clock that was wrong."""
    try:
        scored_at = Latest.model_validate_json(data).scored_at
    except ValidationError:
        return False  # written over
    if scored_at < than:
        return False
    times = store.times(Container.PREDICTIONS, name)
    return times is not None and scored_at <= times.now + _AHEAD


def _point_latest(store: BlobStore, job: Job, scored_at: datetime) -> None:
    """Moves forward in time only, whichever job ends first."""
    name = f"{job.endpoint}/latest.json"
    latest = Latest(job_id=job.id, output=job.output_location, scored_at=scored_at)
    blob = store.read(Container.PREDICTIONS, name)
    if blob is not None and _is_newer(store, name, blob.data, scored_at):
        return
    data = latest.model_dump_json(indent=2).encode()
    try:
        store.write(Container.PREDICTIONS, name, data, if_match=blob.etag if blob else None, create=blob is None)
    except StaleDocument:
        _point_latest(store, job, scored_at)
