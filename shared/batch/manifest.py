"""What a job should do, decided once: the model, the inputs and their mini-batches, all pinned.

`manifest.json` is created once and names the plan that counts. The mini-batches lie in pages beside it, so that nobody
reads more of a large plan than they need.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from pydantic import ValidationError

from shared.batch.work import Work
from shared.documents import Document
from shared.endpoints.batch_settings import Format, JobSettings
from shared.endpoints.deployment import PinnedModel
from shared.errors import ConfigurationError, InvalidTransition, StaleDocument
from shared.models.flavor import Runtime
from shared.ports import BlobStore, Container, Place

# Mini-batches of one page of the plan, of one group of the ledger, and of one sub-orchestration.
GROUP_SIZE: Final = 200
_KEPT_MANIFESTS: Final = 64
_KEPT_PAGES: Final = 64


class Span(Document):
    """Rows [first_row, first_row + rows) of a file; of a CSV or JSON Lines its bytes [offset, offset + length)."""

    file: int
    first_row: int
    rows: int
    offset: int = 0
    length: int = 0


class MiniBatch(Document):
    """One span of a table; or as many files of one row each, whose spans lie on a page of their own."""

    spans: tuple[Span, ...] = ()
    files: int = 0

    @property
    def rows(self) -> int:
        return self.files or sum(span.rows for span in self.spans)


class InputFile(Document):
    """`path` is what the caller knows; the bytes are read from `account`, `container` and `blob`, pinned by `etag`."""

    path: str
    account: str = ""
    container: str
    blob: str
    etag: str
    size_bytes: int
    format: Format | Literal["file"]
    columns: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return Place(self.account, self.container, self.blob)


class PlanPage(Document):
    """GROUP_SIZE mini-batches, and the files that they read, by the index that spans give."""

    files: tuple[InputFile, ...]
    mini_batches: tuple[MiniBatch, ...]


class Leaf(NamedTuple):
    """A page as it is written. `apart`: the pages of those of its mini-batches that have one of their own."""

    page: PlanPage
    apart: Mapping[int, PlanPage]


class Manifest(Document):
    """`plan`: which of the plans that were begun counts. `member`: which of many models, None where columns say it."""

    schema_version: Literal[2] = 2
    job_id: str
    endpoint: str
    revision: int
    deployment: str
    model: PinnedModel
    runtime: Runtime = Runtime()
    member: str | None = ""
    params: dict[str, Any] = {}
    settings: JobSettings
    plan: str
    mini_batches: int
    rows: int
    planned_at: datetime


class Manifests:
    """Manifests in storage. One that is there never changes, and every mini-batch asks for it: so it is kept."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._manifest = lru_cache(maxsize=_KEPT_MANIFESTS)(self._read)
        self._page = lru_cache(maxsize=_KEPT_PAGES)(self._read_page)

    def write_pages(self, work: Work, plan: str, leaves: Iterator[Leaf]) -> tuple[int, int]:
        """Writes the pages of a plan that does not count yet; returns its mini-batches and rows."""
        mini_batches = rows = 0
        for number, (page, apart) in enumerate(leaves):
            self._store.write(Container.JOBS, _page_path(work, plan, number), _bytes(page))
            for offset, own in apart.items():
                name = _apart_path(work, plan, number * GROUP_SIZE + offset)
                self._store.write(Container.JOBS, name, _bytes(own))
            mini_batches += len(page.mini_batches)
            rows += sum(each.rows for each in page.mini_batches)
        return mini_batches, rows

    def create_once(self, work: Work, manifest: Manifest) -> Manifest:
        """Writes the manifest unless there is one; returns the one that counts."""
        try:
            self._store.write(
                Container.JOBS, work.path("manifest.json"), manifest.model_dump_json().encode(), create=True
            )
        except StaleDocument:
            return self.read(work)
        return manifest

    def find(self, work: Work) -> Manifest | None:
        blob = self._store.read(Container.JOBS, work.path("manifest.json"))
        return None if blob is None else _read_as(Manifest, blob.data, work.job_id)

    def read(self, work: Work) -> Manifest:
        """Raises InvalidTransition."""
        return self._manifest(work.job_id, work.run)

    def page(self, work: Work, index: int) -> tuple[PlanPage, MiniBatch]:
        """The page that a mini-batch is on, and the mini-batch. Raises InvalidTransition."""
        plan = self.read(work).plan
        page = self._page(work.job_id, work.run, plan, index // GROUP_SIZE)
        mini_batch = page.mini_batches[index % GROUP_SIZE]
        if mini_batch.files:
            page = self._found(_apart_path(work, plan, index), work.job_id)
            mini_batch = page.mini_batches[0]
        return page, mini_batch

    def _read(self, job_id: str, run: int) -> Manifest:
        found = self.find(Work(job_id, 0, run))
        if found is None:
            raise InvalidTransition(f"job '{job_id}' is not planned yet")
        return found

    def _read_page(self, job_id: str, run: int, plan: str, number: int) -> PlanPage:
        return self._found(_page_path(Work(job_id, 0, run), plan, number), job_id)

    def _found(self, name: str, job_id: str) -> PlanPage:
        blob = self._store.read(Container.JOBS, name)
        if blob is None:
            raise InvalidTransition(f"the plan of job '{job_id}' was put away already")
        return _read_as(PlanPage, blob.data, job_id)


def _read_as[D: Document](kind: type[D], data: bytes, job_id: str) -> D:
    """Raises ConfigurationError: another version of the app may have written it."""
    try:
        return kind.model_validate_json(data)
    except ValidationError:
        raise ConfigurationError(
            f"the plan of job '{job_id}' cannot be read by this version of the app: deploy the one that wrote it"
        ) from None


def _bytes(page: PlanPage) -> bytes:
    return page.model_dump_json().encode()


def _apart_path(work: Work, plan: str, index: int) -> str:
    return work.path(f"plan/{plan}/files/{index:08d}.json")


def _page_path(work: Work, plan: str, number: int) -> str:
    return work.path(f"plan/{plan}/{number:06d}.json")
