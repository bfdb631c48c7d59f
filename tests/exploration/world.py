"""One storage account and the processes that work on it, which begin anew as often as it takes."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any, NamedTuple, Self
from unittest.mock import patch
from uuid import UUID

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch.events import JobEvent
from shared.batch.job import Job
from shared.batch.manifest import Manifests
from shared.batch.ports import BatchPorts
from shared.batch.pulse import Pulse
from shared.batch.work import Work
from shared.endpoints.catalog import Catalog
from shared.models.loader import Loader
from shared.monitoring.capture import Capture
from shared.monitoring.metrics import Metrics
from tests.exploration import remembered
from tests.exploration.reader import Reader
from tests.exploration.stepping import Mode, Step, SteppedAnnouncer, SteppedStore, Stepper
from tests.support.batch import HEARTBEAT_TIMEOUT, RETRY_WINDOW, Clock
from tests.support.durable import ACTIVITIES

type Activity = Callable[[dict[str, Any]], dict[str, Any]]


class Blobs(MemoryBlobs):
    """`print`: of all content, whatever the order in which it was written, so that equal worlds are known again.

    An ETag counts the writes of its own blob.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.print = 0
        self._versions: dict[tuple[str, str], int] = {}

    def again(self, clock: Clock) -> "Blobs":
        new = Blobs(clock)
        new.print = self.print
        new._blobs = dict(self._blobs)
        new._names = {container: [*names] for container, names in self._names.items()}
        new._versions = dict(self._versions)
        return new

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
        place = (container, name)
        old = self._print_of(place)
        self._writes = self._versions.get(place, 0)
        etag = super().write(container, name, data, if_match=if_match, create=create, metadata=metadata)
        self._versions[place] = self._writes
        self.print ^= old ^ self._print_of(place)
        return etag

    def delete(self, container: str, name: str, *, if_match: str | None = None) -> None:
        gone = self._print_of((container, name))
        super().delete(container, name, if_match=if_match)
        self.print ^= gone

    def _print_of(self, place: tuple[str, str]) -> int:
        stored = self._blobs.get(place)
        return 0 if stored is None else hash((place, stored.etag, stored.at, tuple(stored.metadata.items())))


class QuietPulse(Pulse):
    """Without the thread that shows signs of life beside a step: time stands still in a step."""

    def alive(self, work: Work) -> Any:
        return nullcontext()


class Host:
    """A process. `name`: what makes the ids that it invents its own."""

    def __init__(self, name: str, ports: BatchPorts, stepper: Stepper) -> None:
        self.name = name
        self.ports = ports
        self._stepper = stepper
        self._ids = 0
        self._past = 0
        self._tries = 0

    def begin(self) -> None:
        """From here on this thread is the process."""
        _running.host = self

    def step(self, step: Step) -> Mode:
        return self._stepper.stop(step)

    def begins(self, activity: str, task: Mapping[str, Any]) -> None:
        """An activity knows nothing of what was read before it but what the orchestration tells it."""
        if activity == "plan_job" and not self._tries:
            self._past = hash((self._past, self._stepper.seen))
        kept = self.ports.manifests
        caches = kept._manifest.cache_info().currsize, kept._page.cache_info().currsize
        endpoints = tuple((name, each.endpoint.etag, each.looked_at) for name, each in self.ports.catalog._kept.items())
        self._stepper.seen = hash((self._past, self._tries, activity, repr(task), caches, endpoints))

    def ended(self, result: object) -> None:
        self._past, self._tries = hash((self._past, repr(result))), 0

    def failed(self) -> None:
        self._tries += 1

    def new_id(self) -> UUID:
        self._ids += 1
        return UUID(bytes=hashlib.md5(f"{self.name}-{self._ids}".encode(), usedforsecurity=False).digest())


class World(NamedTuple):
    """`jobs`: those that it is about, as they are when they are new. `notes`: what callers have been told. `reader`:
    looks on.
    """

    jobs: tuple[Job, ...]
    store: Blobs
    clock: Clock
    announced: list[JobEvent]
    notes: set[str]
    reader: Reader
    loader: Loader

    @classmethod
    def new(cls, models: Blobs, loader: Loader) -> Self:
        clock = Clock()
        store = models.again(clock)
        return cls((), store, clock, [], set(), Reader(store), loader)

    def again(self) -> "World":
        clock = Clock(self.clock.now)
        store = self.store.again(clock)
        reader = self.reader.again(store)
        return World(self.jobs, store, clock, list(self.announced), set(self.notes), reader, self.loader)

    def host(self, name: str, stepper: Stepper) -> Host:
        store = SteppedStore(self.store, stepper)
        ports = BatchPorts(
            store=store,
            accounts=MemoryAccounts(store),
            manifests=Manifests(store),
            catalog=Catalog(store, 1.0, clock=lambda: self.clock().timestamp()),
            loader=self.loader,
            announcer=SteppedAnnouncer(self.announced, stepper),
            metrics=(metrics := Metrics()),
            now=self.clock,
            pulse=QuietPulse(store, self.clock, HEARTBEAT_TIMEOUT, holds_s=0),
            retry_window=RETRY_WINDOW,
            max_input_bytes=1024 * 1024,
            capture=Capture(store, self.clock, metrics),
        )
        host = Host(name, ports, stepper)
        host.begin()
        return host

    @property
    def state(self) -> object:
        """All that what comes may depend on."""
        told = frozenset(event.id for event in self.announced)
        return self.store.print, self.clock.now, told, frozenset(self.notes), self.reader.state


class Smooth:
    """A stepper that never stops anybody. `violation`: what a reader has seen meanwhile."""

    def __init__(self, reader: Reader) -> None:
        self.seen = 0
        self.violation = ""
        self._reader = reader

    def stop(self, step: Step) -> Mode:
        return Mode.OK

    def saw(self, step: Step, result: object) -> None:
        if step.changes and not self.violation:
            self.violation = self._reader.look(step)


_running = threading.local()


class _Inline(Executor):
    """A pool of threads that does all in the thread that asks, so that nothing happens but what is chosen."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def submit[**P, T](self, do: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(do(*args, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def _noted(name: str, activity: Activity) -> Activity:
    def run(task: dict[str, Any]) -> dict[str, Any]:
        host: Host = _running.host
        host.begins(name, task)
        try:
            result = activity(task)
        except Exception:
            host.failed()
            raise
        host.ended(result)
        return result

    return run


@contextmanager
def stage() -> Iterator[None]:
    """Within it every thread works with the ports of its own process, and nothing is left to chance."""
    services = patch("shared.triggers.batch.services", lambda: SimpleNamespace(batch=_running.host.ports))
    with ExitStack() as stack:
        stack.enter_context(services)
        stack.enter_context(patch("shared.batch.planner.uuid4", lambda: _running.host.new_id()))
        stack.enter_context(patch("shared.batch.output.ThreadPoolExecutor", _Inline))
        remembered.enter(stack)
        stack.enter_context(patch.dict(ACTIVITIES, {name: _noted(name, each) for name, each in ACTIVITIES.items()}))
        disabled = logging.root.manager.disable
        stack.callback(logging.disable, disabled)
        logging.disable(logging.CRITICAL)
        yield
