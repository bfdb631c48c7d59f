"""What a job should do, decided once: the model, the inputs and their mini-batches, all pinned."""

from datetime import datetime
from functools import lru_cache
from typing import Literal

from shared.batch.job import job_path
from shared.documents import Document
from shared.endpoints.deployment import PinnedModel
from shared.errors import InvalidTransition, StaleDocument
from shared.models.flavor import Runtime
from shared.ports import BlobStore, Container


class MiniBatch(Document):
    """Rows [first_row, first_row + rows) of a file, which are its bytes [offset, offset + length)."""

    file: int
    offset: int
    length: int
    first_row: int
    rows: int


class InputFile(Document):
    """`path` is what the caller knows; the bytes are read from `container`/`blob`, pinned by `etag`."""

    path: str
    container: Container
    blob: str
    etag: str
    columns: tuple[str, ...]


class Manifest(Document):
    schema_version: Literal[1] = 1
    job_id: str
    endpoint: str
    revision: int
    deployment: str
    model: PinnedModel
    runtime: Runtime = Runtime()
    max_concurrency: int
    error_threshold: int
    files: tuple[InputFile, ...]
    mini_batches: tuple[MiniBatch, ...]
    planned_at: datetime


class Manifests:
    """Manifests in storage. One that is there never changes, and every mini-batch asks for it: so it is kept."""

    def __init__(self, store: BlobStore) -> None:
        self._store = store
        self._read = lru_cache(maxsize=8)(self.find)

    def create_once(self, manifest: Manifest) -> Manifest:
        """Writes the manifest unless there is one; returns the one that counts."""
        try:
            self._store.write(Container.JOBS, _path(manifest.job_id), manifest.model_dump_json().encode(), create=True)
        except StaleDocument:
            return self.read(manifest.job_id)
        return manifest

    def find(self, job_id: str) -> Manifest | None:
        blob = self._store.read(Container.JOBS, _path(job_id))
        return None if blob is None else Manifest.model_validate_json(blob.data)

    def read(self, job_id: str) -> Manifest:
        """Raises InvalidTransition."""
        found = self._read(job_id)
        if found is None:
            self._read.cache_clear()
            raise InvalidTransition(f"job '{job_id}' is not planned yet")
        return found


def _path(job_id: str) -> str:
    return job_path(job_id, "manifest.json")
