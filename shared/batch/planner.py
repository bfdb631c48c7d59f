"""Plans a job: which model, which bytes, cut into which mini-batches. The spine of the activity `plan_job`."""

import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import uuid4

from shared.batch import csv_index
from shared.batch import job as jobs
from shared.batch.job import Event, Job
from shared.batch.manifest import InputFile, Manifest, MiniBatch
from shared.batch.ports import BatchPorts
from shared.errors import InputChanged, PayloadTooLarge, StaleDocument, UnreadableInput
from shared.models.signature import Signature
from shared.ports import BlobItem, BlobStore, Container

_CHUNK_BYTES: Final = 4 * 1024 * 1024
_GZIP_PIECE_BYTES: Final = 64 * 1024
_MAX_GZIP_MEMBERS: Final = 1_000_000
# A manifest of more is too large to be read by every mini-batch, and an orchestration's history too long.
_MAX_MINI_BATCHES: Final = 200_000
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31  # zlib's code for a gzip with its header and checksum
_PREFIX: Final = f"{Container.INBOX}/"


def plan_job(job_id: str, attempt: int, ports: BatchPorts) -> Manifest:
    """Does nothing but read when the job is planned already.

    Raises NotFound, UnreadableInput, InputChanged, PayloadTooLarge, StaleAttempt.
    """
    job = ports.check(job_id, attempt)
    planned = ports.manifests.find(job_id) or ports.manifests.create_once(_plan(job, attempt, ports))
    now = ports.now()
    jobs.move(ports.store, job_id, attempt, Event.RUN, now, started_at=job.started_at or now)
    return planned


def _plan(job: Job, attempt: int, ports: BatchPorts) -> Manifest:
    endpoint = ports.catalog.read(job.endpoint)
    settings = endpoint.revision.batch
    name = endpoint.batch_deployment()
    deployment = endpoint.deployment(name)
    signature = ports.loader.package(deployment.model.ref).signature
    files: list[InputFile] = []
    mini_batches: list[MiniBatch] = []
    for source in _sources(ports.store, job):
        read = _Reading(ports, job.id, attempt)
        file, spans = _plan_file(read, source, signature, settings.mini_batch_size)
        mini_batches += [MiniBatch(file=len(files), **span._asdict()) for span in spans]
        files.append(file)
        if len(mini_batches) > _MAX_MINI_BATCHES:
            raise PayloadTooLarge(f"the job has more than {_MAX_MINI_BATCHES} mini-batches: raise mini_batch_size")
    return Manifest(
        job_id=job.id,
        endpoint=job.endpoint,
        revision=endpoint.revision.number,
        deployment=name,
        model=deployment.model,
        runtime=deployment.runtime,
        max_concurrency=settings.max_concurrency,
        error_threshold=settings.error_threshold,
        files=tuple(files),
        mini_batches=tuple(mini_batches),
        planned_at=ports.now(),
    )


def _sources(store: BlobStore, job: Job) -> list[BlobItem]:
    """Raises UnreadableInput when there is nothing to read, InputChanged when it is not what was dropped."""
    name = job.input.path.removeprefix(_PREFIX)
    if job.input.etag is None and name.endswith("/"):
        found = [item for item in store.list(Container.INBOX, name) if item.size_bytes]
        if not found:
            raise UnreadableInput(f"there is no file below {job.input.path}")
        return found
    item = store.find(Container.INBOX, name)
    if item is None:
        raise InputChanged(f"{job.input.path} is not there any more: drop it again")
    if job.input.etag is not None and item.etag != job.input.etag:
        raise InputChanged(f"{job.input.path} was changed since it was dropped: the new content is a job of its own")
    return [item]


class _Reading(NamedTuple):
    """Reads files for one attempt of a job, and shows signs of life while it does."""

    ports: BatchPorts
    job_id: str
    attempt: int

    def chunks(self, container: Container, name: str, etag: str, size: int = _CHUNK_BYTES) -> Iterator[bytes]:
        offset = 0
        while True:
            self.ports.check(self.job_id, self.attempt)
            blob = self.ports.store.read(container, name, offset=offset, length=size, if_match=etag)
            if blob is None:
                raise InputChanged(f"{container}/{name} is not there any more: drop it again")
            yield blob.data
            offset += len(blob.data)
            if len(blob.data) < size:
                return

    def unpack(self, source: BlobItem) -> tuple[Container, str, str]:
        """Mini-batches are byte ranges: a gzip is unpacked once. Each try has its own name; the manifest picks one."""
        name = f"{self.job_id}/input/{uuid4().hex}.csv"
        packed = self.chunks(Container.INBOX, source.name, source.etag)
        pieces = _inflate(packed, self.ports.max_input_bytes)
        return Container.STAGING, name, self.ports.store.write_blocks(Container.STAGING, name, pieces)


def _plan_file(
    read: _Reading, source: BlobItem, signature: Signature, rows: int
) -> tuple[InputFile, list[csv_index.Span]]:
    path, limit = _PREFIX + source.name, read.ports.max_input_bytes
    if not signature.columns:
        raise UnreadableInput("only a model whose signature has columns can score a CSV")
    container, blob, etag = Container.INBOX, source.name, source.etag
    try:
        if source.size_bytes > limit:
            raise PayloadTooLarge(f"it has {source.size_bytes} bytes, but at most {limit} are taken: split it")
        if next(read.chunks(container, blob, etag, size=len(_GZIP)), b"") == _GZIP:
            container, blob, etag = read.unpack(source)
        columns, spans = csv_index.index(read.chunks(container, blob, etag), rows)
    except StaleDocument:
        raise InputChanged(f"{path} was changed while it was read: the new content is a job of its own") from None
    except (UnreadableInput, PayloadTooLarge) as error:
        raise type(error)(f"{path}: {error.message}") from None
    missing = [column.name for column in signature.columns if column.required and column.name not in columns]
    if missing:
        raise UnreadableInput(f"{path}: the header lacks the columns {', '.join(missing)}")
    return InputFile(path=path, container=container, blob=blob, etag=etag, columns=columns), spans


def _inflate(packed: Iterator[bytes], limit: int) -> Iterator[bytes]:
    """In bounded memory, whatever the gzip claims. Raises UnreadableInput, PayloadTooLarge."""
    stream, total = zlib.decompressobj(wbits=_GZIP_WINDOW), 0
    members = 0
    for chunk in _cut(packed):
        rest, full = chunk, False
        while rest or full:
            if stream.eof:  # a gzip may hold several members, one after the other
                members += 1
                if members > _MAX_GZIP_MEMBERS:
                    raise UnreadableInput(f"the gzip has more than {_MAX_GZIP_MEMBERS} members: pack it as one")
                stream = zlib.decompressobj(wbits=_GZIP_WINDOW)
            try:
                piece = stream.decompress(rest, _CHUNK_BYTES)
            except zlib.error:
                raise UnreadableInput("the gzip is broken: pack it again") from None
            total += len(piece)
            if total > limit:
                raise PayloadTooLarge(f"it unpacks to more than {limit} bytes: split it")
            yield piece
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            # A full piece may not be all that the stream has taken in.
            full = len(piece) == _CHUNK_BYTES and not stream.eof
    if not stream.eof:
        raise UnreadableInput("the gzip ends too early: pack and drop it again")


def _cut(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Into small pieces: what follows the end of a gzip's member is copied once for every member."""
    for chunk in chunks:
        yield from (chunk[at : at + _GZIP_PIECE_BYTES] for at in range(0, len(chunk), _GZIP_PIECE_BYTES))
