"""The jobs of the run: files dropped one after the other, each followed until its job has ended."""

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from shared.batch.job import JobStatus, dropped_id
from shared.ports import Container
from tests.chaos.contents import Content


@dataclass
class Dropped:
    """`document`: its job.json as it was last seen, empty before there is one."""

    id: str
    path: str
    content: Content
    dropped_at: float = field(default_factory=time.monotonic)
    ended_at: float | None = None
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        return str(self.document.get("status", "no job"))

    @property
    def took_s(self) -> float:
        return (self.ended_at or time.monotonic()) - self.dropped_at


class Jobs:
    """Sees storage directly, as its users do; safe with threads. `others`: ids of jobs that were there before."""

    def __init__(self, account: BlobServiceClient, others: Iterable[str] = ()) -> None:
        self.account = account
        self._others = set(others)
        self.all: list[Dropped] = []
        self._lock = threading.Lock()
        self._inbox = account.get_container_client(Container.INBOX)
        self._documents = account.get_container_client(Container.JOBS)

    def drop(self, name: str, content: Content) -> Dropped:
        """One version of one blob, however often its upload has to be tried."""
        blob_name = f"{content.endpoint}/{name}{content.suffix}"
        while True:
            try:
                self._upload(blob_name, content.data)
                etag = self._inbox.get_blob_client(blob_name).get_blob_properties().etag
                break
            except AzureError:
                time.sleep(0.5)
        path = f"{Container.INBOX}/{blob_name}"
        dropped = Dropped(dropped_id(path, etag), path, content)
        with self._lock:
            self.all.append(dropped)
        return dropped

    def _upload(self, name: str, data: bytes) -> None:
        blob = self._inbox.get_blob_client(name)
        try:
            blob.upload_blob(data)
        except ResourceExistsError:
            return  # an earlier try's, whose reply did not come
        except ResourceNotFoundError:
            self._inbox.create_container()
            blob.upload_blob(data)

    def open(self) -> list[Dropped]:
        """Those that have not been seen to have ended."""
        with self._lock:
            return [dropped for dropped in self.all if dropped.ended_at is None]

    def look(self) -> None:
        """Reads the documents of the open ones; what does not answer is read the next time."""
        for dropped in self.open():
            try:
                text = self._documents.get_blob_client(f"{dropped.id}/job.json").download_blob().readall()
            except AzureError:
                continue
            dropped.document = json.loads(text)
            if JobStatus(dropped.status).finished:
                dropped.ended_at = time.monotonic()

    def strangers(self) -> set[str]:
        """Jobs in storage that nobody dropped a file for."""
        known = {dropped.id for dropped in self.all}
        found = {item.name.split("/")[0] for item in self._documents.list_blobs(name_starts_with="drop-")}
        return found - known - self._others
