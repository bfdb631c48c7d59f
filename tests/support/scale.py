"""A job of very many mini-batches on Microsoft's engine, and what it costs from its beginning to its end."""

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import mean
from typing import Any, NamedTuple, Protocol

import psutil
from azure.storage.blob import BlobServiceClient

from devhost.engine import Engine
from shared.adapters.blobs import BlobStorage
from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch.manifest import GROUP_SIZE
from shared.batch.ports import BatchPorts
from shared.models.package import ModelRef
from shared.ports import BlobStore
from tests.support import endpoint, iris
from tests.support.batch import drop
from tests.support.durable import Hub

_TOLD_EVERY = 10  # windows


class Sample(NamedTuple):
    """What had been spent when a window of mini-batches had ended. `cpu_s`: of this process. `history`: events of the
    longest orchestration; `instances`: of the engine; `held_bytes`: memory in use beside what the store holds, 0 where
    nobody traces it; `resident_bytes`: of the process, blobs in memory and all.
    """

    mini_batches: int
    cpu_s: float
    wall_s: float
    history: int
    instances: int
    held_bytes: int
    resident_bytes: int


class Sampled(BlobStore, Protocol):
    """Tells when a tally of a window is written, and knows what all blobs take in the memory of this process."""

    on_tally: Callable[[], None]

    def size(self) -> int: ...


class SampledBlobs(MemoryBlobs):
    def __init__(self) -> None:
        super().__init__()
        self.on_tally: Callable[[], None] = lambda: None

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
        etag = super().write(container, name, data, if_match=if_match, create=create, metadata=metadata)
        if "/tally/" in name:
            self.on_tally()
        return etag

    def size(self) -> int:
        """What the blobs take, each part of them counted once."""
        total, seen = sys.getsizeof(self._blobs) + sum(map(sys.getsizeof, self._names.values())), set[int]()
        for key, stored in self._blobs.items():
            parts = (key, key[1], stored, stored.data, stored.etag, stored.metadata, *stored.metadata.values())
            for part in parts:
                if id(part) not in seen:
                    seen.add(id(part))
                    total += sys.getsizeof(part)
        return total


class SampledStorage(BlobStorage):
    def __init__(self, service: BlobServiceClient) -> None:
        super().__init__(service)
        self.on_tally: Callable[[], None] = lambda: None

    def write(self, container: str, name: str, data: bytes, **how: Any) -> str:
        etag = super().write(container, name, data, **how)
        if "/tally/" in name:
            self.on_tally()
        return etag

    def size(self) -> int:
        return 0


class Watch:
    """Takes a sample whenever a window of a job ends."""

    def __init__(self, store: Sampled, engine: Engine, progress: Callable[[str], object]) -> None:
        self.samples: list[Sample] = []
        self._progress = progress
        self._store = store
        self._engine = engine
        self._began_cpu, self._began = time.process_time(), time.monotonic()
        store.on_tally = self._take

    def _take(self) -> None:
        cpu_s, wall_s = time.process_time() - self._began_cpu, time.monotonic() - self._began
        held = 0
        if tracemalloc.is_tracing():
            gc.collect()
            held = tracemalloc.get_traced_memory()[0] - self._store.size()
        histories = self._engine.history_sizes()
        done = (len(self.samples) + 1) * GROUP_SIZE
        resident = psutil.Process().memory_info().rss
        self.samples.append(Sample(done, cpu_s, wall_s, max(histories), len(histories), held, resident))
        if len(self.samples) % _TOLD_EVERY == 0:
            self._progress(f"{done} are done after {wall_s:.0f} s, {cpu_s:.0f} s of CPU, in {resident / 1e6:.0f} MB")


def run(
    hub: Hub,
    store: Sampled,
    ports: BatchPorts,
    ref: ModelRef,
    mini_batches: int,
    progress: Callable[[str], object] = lambda _: None,
) -> list[Sample]:
    """One job of so many mini-batches of one row each, to its end."""
    endpoint.publish(store, ref, batch={"mini_batch_size": 1, "max_concurrency": 8, "output_format": "csv"})
    job = drop(ports, iris.csv(mini_batches))
    watch = Watch(store, hub.engine, progress)
    assert hub.wait(hub.start(job), timeout_s=3 * 3600) == {"status": "Completed"}
    counts = desk.read(store, job.id).counts
    assert counts is not None
    assert (counts.mini_batches, counts.predicted) == (mini_batches, mini_batches)
    return watch.samples


def pace(samples: list[Sample], spent: Callable[[Sample], float]) -> list[float]:
    """Of what is spent, seconds a mini-batch in each tenth of the job but its first window."""
    seconds = [(spent(later) - spent(earlier)) / GROUP_SIZE for earlier, later in pairwise(samples)]
    size = max(1, len(seconds) // 10)
    return [mean(seconds[first : first + size]) for first in range(0, len(seconds), size)]
