"""Batch jobs in memory: ports with a clock that tests turn, stores that break, and what is in an output."""

import csv
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet as pq

from shared.adapters.memory import MemoryAccounts, MemoryAnnouncer
from shared.batch.events import Announcer
from shared.batch.intake import drops
from shared.batch.job import Job
from shared.batch.manifest import Manifests
from shared.batch.ports import BatchPorts
from shared.batch.pulse import Pulse
from shared.endpoints.catalog import Catalog
from shared.models.loader import Loader
from shared.monitoring.capture import Capture
from shared.monitoring.metrics import Metrics
from shared.ports import Blob, BlobItem, BlobStore, Container, Page, Times
from tests.support.endpoint import NOW
from tests.support.loading import make_loader

HEARTBEAT_TIMEOUT = timedelta(minutes=5)
RETRY_WINDOW = timedelta(hours=1)


class Clock:
    """The time, which stands still until it is told to go on."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, **by: float) -> None:
        self.now += timedelta(**by)


def make_ports(
    store: BlobStore,
    clock: Callable[[], datetime],
    loader: Loader | None = None,
    max_input_bytes: int = 1024 * 1024,
    announcer: Announcer | None = None,
) -> BatchPorts:
    """What a process that has just started works with; a `loader` saves it the loading."""
    return BatchPorts(
        store=store,
        accounts=MemoryAccounts(store),
        manifests=Manifests(store),
        catalog=Catalog(store, 1.0, clock=lambda: clock().timestamp()),
        loader=loader or make_loader(store),
        announcer=announcer or MemoryAnnouncer(),
        metrics=(metrics := Metrics()),
        now=clock,
        pulse=Pulse(store, clock, HEARTBEAT_TIMEOUT, holds_s=0),
        retry_window=RETRY_WINDOW,
        max_input_bytes=max_input_bytes,
        capture=Capture(store, clock, metrics),
    )


def drop(ports: BatchPorts, data: bytes, name: str = "flowers/month.csv") -> Job:
    """Drops a file and tells the app of it."""
    job = drops.drop(name, ports.store.write(Container.INBOX, name, data), ports)
    assert job is not None
    return job


class WatchedStore:
    """A store that tells `before` and `after` of every operation: what it is, and on which blob."""

    def __init__(self, inner: BlobStore) -> None:
        self._inner = inner
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def _watched[T](self, operation: str, container: str, name: str, call: Callable[[], T]) -> T:
        told = f"{operation} {container}/{name}"
        self.before(told)
        result = call()
        self.after(told)
        return result

    def read(
        self,
        container: str,
        name: str,
        *,
        offset: int = 0,
        length: int | None = None,
        if_match: str | None = None,
    ) -> Blob | None:
        return self._watched(
            "read",
            container,
            name,
            lambda: self._inner.read(container, name, offset=offset, length=length, if_match=if_match),
        )

    def find(self, container: str, name: str) -> BlobItem | None:
        return self._watched("find", container, name, lambda: self._inner.find(container, name))

    def list(self, container: str, prefix: str = "") -> Iterator[BlobItem]:
        return iter(self._watched("list", container, prefix, lambda: [*self._inner.list(container, prefix)]))

    def write(
        self,
        container: str,
        name: str,
        data: bytes,
        *,
        if_match: str | None = None,
        create: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        return self._watched(
            "write",
            container,
            name,
            lambda: self._inner.write(container, name, data, if_match=if_match, create=create, metadata=metadata),
        )

    def times(self, container: str, name: str) -> Times | None:
        return self._watched("times", container, name, lambda: self._inner.times(container, name))

    def list_page(self, container: str, prefix: str, most: int, marker: str = "") -> Page:
        return self._watched("list", container, prefix, lambda: self._inner.list_page(container, prefix, most, marker))

    def write_blocks(self, container: str, name: str, blocks: Iterable[bytes], *, create: bool = False) -> str:
        # The pieces are made, and what they are made of is read, before the blob appears.
        pieces = list(blocks)
        return self._watched(
            "write", container, name, lambda: self._inner.write_blocks(container, name, pieces, create=create)
        )

    def copy(
        self,
        source: str,
        source_name: str,
        target: str,
        target_name: str,
        metadata: Mapping[str, str] | None = None,
        *,
        if_match: str | None = None,
    ) -> None:
        self._watched(
            "copy",
            target,
            target_name,
            lambda: self._inner.copy(source, source_name, target, target_name, metadata, if_match=if_match),
        )

    def delete(self, container: str, name: str, *, if_match: str | None = None) -> None:
        self._watched("delete", container, name, lambda: self._inner.delete(container, name, if_match=if_match))

    def delete_all(self, container: str, names: Iterable[str]) -> None:
        for name in names:  # one after the other: anything may happen in between
            self.delete(container, name)


class Breaking:
    """Breaks the n-th operation of a store (from 0), just before it happens or just after."""

    def __init__(self, at: int, when: str, error: BaseException) -> None:
        self._left = at
        self._when = when
        self._error = error
        self._lock = threading.Lock()
        self.broke = ""

    def on(self, store: WatchedStore) -> None:
        setattr(store, self._when, self.count)

    def count(self, operation: str) -> None:
        with self._lock:
            self._left -= 1
            due = self._left == -1
            if due:
                self.broke = operation
        if due:
            raise self._error


class Killed(BaseException):
    """The process died: nothing catches it, and nothing runs after it."""


def output(store: BlobStore, job: Job) -> dict[str, Any]:
    """All that a reader sees of a job's output, apart from when it was made."""
    prefix = f"{job.endpoint}/{job.id}/"
    seen: dict[str, Any] = {}
    for item in store.list(Container.PREDICTIONS, prefix):
        blob = store.read(Container.PREDICTIONS, item.name)
        assert blob is not None
        seen[item.name.removeprefix(prefix)] = _parsed(item.name, blob.data)
    return seen


def _parsed(name: str, data: bytes) -> Any:
    if name.endswith(".parquet"):
        return pq.read_table(io.BytesIO(data)).to_pylist()
    if name.endswith(".csv"):
        return list(csv.DictReader(io.StringIO(data.decode())))
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in data.splitlines()]
    return {**json.loads(data), "scored_at": ""} if data else ""


def predicted_rows(store: BlobStore, job: Job) -> list[int]:
    """The row numbers in an output, in the order of its parts."""
    seen = output(store, job)
    return [row["row"] for name in sorted(seen) if name.endswith(".parquet") for row in seen[name]]


def check_whole_if_successful(store: BlobStore) -> None:
    """Where `_SUCCESS` is, the manifest and every part it names must be too, complete."""
    names = {item.name: item.size_bytes for item in store.list(Container.PREDICTIONS)}
    for name in names:
        folder, _, last = name.rpartition("/")
        if last != "_SUCCESS":
            continue
        blob = store.read(Container.PREDICTIONS, f"{folder}/manifest.json")
        assert blob is not None, f"{folder} has _SUCCESS and no manifest"
        manifest = json.loads(blob.data)
        for part in manifest["parts"]:
            assert names.get(f"{folder}/{part['name']}") == part["size_bytes"], f"{part['name']} is not complete"
        assert manifest["counts"]["rejected"] == 0 or f"{folder}/rejected.jsonl" in names


def not_running(job: Job) -> bool:
    """As after a restart of an engine that keeps nothing."""
    return False
