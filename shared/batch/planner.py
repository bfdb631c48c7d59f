"""Plans a job: which model, which bytes, cut into which mini-batches. The spine of the activity `plan_job`."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import batched
from typing import Final, NamedTuple
from uuid import uuid4

from shared.batch import desk, job_index, sources
from shared.batch.intake import claims
from shared.batch.job import Event, Job
from shared.batch.manifest import GROUP_SIZE, InputFile, Leaf, Manifest, MiniBatch, PlanPage, Span
from shared.batch.pinned import PinnedSource
from shared.batch.ports import BatchPorts
from shared.batch.reading import plan as reading
from shared.batch.sources import Found
from shared.batch.work import Work
from shared.endpoints.batch_settings import JobSettings
from shared.errors import PayloadTooLarge
from shared.models import segments
from shared.models.images import is_image
from shared.models.served import ServedModel
from shared.ports import Container, Place

_MAX_MINI_BATCHES: Final = 1_000_000
# What the files of one mini-batch may have together: those that a model takes are held in memory, those that a score.py
# takes lie on the instance's small disk.
_MODEL_BYTES: Final = 128 * 1024 * 1024
_SCRIPT_BYTES: Final = 1024 * 1024 * 1024

type FileSpans = tuple[tuple[InputFile, Span], ...]
"""What one mini-batch reads, before it is on a page: `Span.file` is still open."""


def plan_job(work: Work, ports: BatchPorts) -> Manifest:
    """Does nothing but read when the job is planned already.

    Raises NotFound, UnreadableInput, InputChanged, PayloadTooLarge, LocationNotAllowed, StaleAttempt, JobCanceled.
    """
    job = ports.check(work)
    if job.attempt > 1:
        job_index.enlist(ports.store, job)  # whoever submitted it may have died before
    planned = ports.manifests.find(work) or ports.manifests.create_once(work, _plan(job, ports))
    now = ports.now()
    desk.move(
        ports.store, work, Event.RUN, now,
        started_at=job.started_at or now, deployment=planned.deployment, model_version=str(planned.model.ref),
    )  # fmt: skip
    return planned


def _plan(job: Job, ports: BatchPorts) -> Manifest:
    endpoint = ports.catalog.read(job.endpoint)
    claims.check_allowed(job, endpoint, ports)
    claims.claim(job, ports)
    settings = endpoint.revision.batch.job.with_overrides(job.overrides)
    name = job.deployment or endpoint.batch_deployment()
    deployment = endpoint.deployment(name)
    model = ports.served(deployment.model.ref, deployment.runtime)
    member = segments.by_name(model.package, job.model)
    params = model.converter(member).params(job.params or None)
    reader = _Reader(ports, job, model, member, settings, partial(ports.pulse.check_lately, job.work))
    plan = uuid4().hex
    found = sources.find(job, endpoint, ports)
    mini_batches, rows = ports.manifests.write_pages(job.work, plan, _pages(_cut(found, reader)))
    return Manifest(
        job_id=job.id,
        endpoint=job.endpoint,
        revision=endpoint.revision.number,
        deployment=name,
        model=deployment.model,
        runtime=deployment.runtime,
        member=member,
        params=job.params if params else {},
        settings=settings,
        plan=plan,
        mini_batches=mini_batches,
        rows=rows,
        planned_at=ports.now(),
    )


class _Reader(NamedTuple):
    """Reads files for one attempt of a job."""

    ports: BatchPorts
    job: Job
    model: ServedModel
    member: str | None
    settings: JobSettings
    alert: Callable[[], None]

    def takes_whole(self, found: Found) -> bool:
        """Whether a file is one row, rather than a table of rows."""
        if self.settings.input_format != "auto":
            return self.settings.input_format == "files"
        return self.model.is_script or is_image(found.place.name)

    def table(self, found: Found) -> Iterator[FileSpans]:
        planned = reading.plan_file(
            found.pinned(self.alert),
            self.settings,
            self.model.converter(self.member).signature,
            self._stage(found.path),
            self.ports.max_input_bytes,
        )
        source = planned.source
        assert isinstance(source, PinnedSource)  # noqa: S101 - it was made here
        file = InputFile(
            path=found.path,
            account=source.place.account,
            container=source.place.container,
            blob=source.place.name,
            etag=source.etag,
            size_bytes=source.size_bytes,
            format=planned.format,
            columns=planned.columns,
        )
        for span in planned.spans:
            yield ((file, span),)

    def _stage(self, path: str) -> reading.Stage:
        """Each try has names of its own; the manifest picks one."""

        def stage(pieces: Iterator[bytes], suffix: str) -> PinnedSource:
            name, size_bytes = self.job.work.path(f"input/{uuid4().hex}{suffix}"), 0

            def counted() -> Iterator[bytes]:
                nonlocal size_bytes
                for piece in pieces:
                    size_bytes += len(piece)
                    yield piece

            etag = self.ports.store.write_blocks(Container.STAGING, name, counted())
            place = Place("", Container.STAGING, name)
            return PinnedSource(self.ports.store, place, etag, size_bytes, path, self.alert)

        return stage


def _cut(found: Iterable[Found], reader: _Reader) -> Iterator[FileSpans]:
    whole: list[tuple[InputFile, Span]] = []
    room = most = _SCRIPT_BYTES if reader.model.is_script else _MODEL_BYTES
    for each in found:
        if not reader.takes_whole(each):
            yield from reader.table(each)
            continue
        room -= each.item.size_bytes
        if whole and (room < 0 or len(whole) == reader.settings.mini_batch_size):
            yield tuple(whole)
            whole.clear()
            room = most - each.item.size_bytes
        whole.append((_whole_file(each, reader), Span(file=0, first_row=0, rows=1)))
    if whole:
        yield tuple(whole)


def _whole_file(found: Found, reader: _Reader) -> InputFile:
    limit = reader.ports.max_input_bytes if reader.model.is_script else _MODEL_BYTES
    if found.item.size_bytes > limit:
        raise PayloadTooLarge(f"{found.path} has {found.item.size_bytes} bytes, but at most {limit} are taken")
    return InputFile(
        path=found.path,
        account=found.place.account,
        container=found.place.container,
        blob=found.place.name,
        etag=found.item.etag,
        size_bytes=found.item.size_bytes,
        format="file",
    )


def _pages(mini_batches: Iterator[FileSpans]) -> Iterator[Leaf]:
    count = 0
    for group in batched(mini_batches, GROUP_SIZE, strict=False):
        count += len(group)
        if count > _MAX_MINI_BATCHES:
            raise PayloadTooLarge(f"the job has more than {_MAX_MINI_BATCHES} mini-batches: raise mini_batch_size")
        yield _leaf(group)


def _leaf(group: tuple[FileSpans, ...]) -> Leaf:
    """Mini-batches of whole files name very many: each has a page of its own."""
    apart = {number: _page((read,)) for number, read in enumerate(group) if read[0][0].format == "file"}
    page = _page(tuple(read for number, read in enumerate(group) if number not in apart))
    tables = iter(page.mini_batches)
    counted = tuple(
        MiniBatch(files=len(group[number])) if number in apart else next(tables) for number in range(len(group))
    )
    return Leaf(page.model_copy(update={"mini_batches": counted}), apart)


def _page(group: tuple[FileSpans, ...]) -> PlanPage:
    numbers: dict[Place, int] = {}
    files: list[InputFile] = []
    mini_batches = []
    for read in group:
        spans = []
        for file, span in read:
            number = numbers.setdefault(file.place, len(files))
            if number == len(files):
                files.append(file)
            spans.append(span.model_copy(update={"file": number}))
        mini_batches.append(MiniBatch(spans=tuple(spans)))
    return PlanPage(files=tuple(files), mini_batches=tuple(mini_batches))
