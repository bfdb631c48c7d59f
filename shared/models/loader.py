"""Loads published models: each only once however many ask, and as many as fit into the memory set aside for them."""

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from shared.errors import DependencyError, ModelNotReady, SlipwayError
from shared.models.files import PackageFiles
from shared.models.flavor import Runtime
from shared.models.flavors.build import Flavors
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.package import ModelPackage, ModelRef
from shared.ports import BlobStore

_log = logging.getLogger(__name__)

# Loads at once: each holds a model's bytes twice for a moment.
_LOADS_AT_ONCE: Final = 2
# What could not be loaded is not tried again for online callers before this time, s.
_AGAIN_S: Final = 30.0
# Descriptions of packages that are kept; one of many models may take a megabyte.
_MOST_PACKAGES: Final = 64


class ModelId(NamedTuple):
    """What is loaded: a package, where its foreign code runs, and which member of a package of many."""

    ref: ModelRef
    runtime: Runtime = Runtime()
    member: str = ""


class _Failure(NamedTuple):
    """Not the error itself, which holds on to all that the load had in hand."""

    kind: type[SlipwayError]
    message: str
    at: float


type Loaded = LoadedModel | LoadedScript
type OnLoad = Callable[[str, float, str], None]
"""Is told of every load: the model, how long it took in seconds, and `ok` or an error's code."""


class Loader:
    """Keeps what was used last, up to `memory_bytes`. Only online callers are told of a load that failed before."""

    def __init__(
        self,
        store: BlobStore,
        flavors: Flavors,
        memory_bytes: int,
        on_load: OnLoad = lambda model, seconds, outcome: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = PackageFiles(store)
        self._flavors = flavors
        self._memory_bytes = memory_bytes
        self._on_load = on_load
        self._packages: OrderedDict[ModelRef, ModelPackage] = OrderedDict()
        self._loaded: OrderedDict[ModelId, Loaded] = OrderedDict()
        self._under_way: dict[object, Future[Any]] = {}
        self._clock = clock
        self._asked: dict[ModelId, Future[Loaded]] = {}
        self._failed: dict[ModelId, _Failure] = {}
        self._guard = threading.Lock()
        # Apart from the threads that predict: a slow download holds up no answer.
        self.executor: Executor = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="load")

    def held_bytes(self) -> int:
        with self._guard:
            return sum(loaded.size_bytes for loaded in self._loaded.values())

    def package(self, ref: ModelRef) -> ModelPackage:
        """Raises ModelNotFound, or ModelNotReady when the package is damaged."""
        found = self._packages.get(ref)
        return found if found is not None else self._once(ref, lambda: self._read_package(ref))

    def _read_package(self, ref: ModelRef) -> ModelPackage:
        package = self._files.read_package(ref)
        with self._guard:
            self._packages[ref] = package
            if len(self._packages) > _MOST_PACKAGES:
                self._packages.popitem(last=False)
        return package

    def find(self, wanted: ModelId) -> Loaded | None:
        """What is in memory already."""
        with self._guard:
            found = self._loaded.get(wanted)
            if found is not None:
                self._loaded.move_to_end(wanted)
            return found

    async def get_online(self, wanted: ModelId, deadline: float | None = None) -> Loaded:
        """As `get`, without waiting in a thread. `deadline`: the loop's time.

        Raises ModelNotReady, too, when the load takes longer, or has failed a short while ago.
        """
        found = self.find(wanted)
        if found is not None:
            return found
        coming = self._coming(wanted)
        try:
            async with asyncio.timeout_at(deadline):
                # The load goes on, whoever stops waiting for it.
                return await asyncio.shield(asyncio.wrap_future(coming))
        except TimeoutError:
            raise ModelNotReady(f"model {wanted.ref} is still being loaded: try again") from None

    def _coming(self, wanted: ModelId) -> Future[Loaded]:
        """One thread loads, however many wait."""
        with self._guard:
            coming = self._asked.get(wanted) or self._under_way.get(wanted)
            if coming is not None:
                return coming
            failure = self._failed.get(wanted)
            if failure is not None and self._clock() - failure.at < _AGAIN_S:
                raise failure.kind(failure.message)
            coming = self._asked[wanted] = self.executor.submit(self._get_as_asked, wanted)
            return coming

    def _get_as_asked(self, wanted: ModelId) -> Loaded:
        """In a thread. Storage that does not answer says nothing of the model."""
        try:
            return self.get(wanted)
        except DependencyError:
            raise
        except SlipwayError as error:
            self._remember(wanted, error)
            raise
        except Exception:
            _log.exception("model %s %s was not loaded", wanted.ref, wanted.member)
            unknown = ModelNotReady("the model cannot be loaded: the log says why")
            self._remember(wanted, unknown)
            raise unknown from None
        finally:
            with self._guard:
                del self._asked[wanted]

    def _remember(self, wanted: ModelId, error: SlipwayError) -> None:
        now = self._clock()
        with self._guard:
            recent = {of: failure for of, failure in self._failed.items() if now - failure.at < _AGAIN_S}
            self._failed = recent | {wanted: _Failure(type(error), error.message, now)}

    def get(self, wanted: ModelId) -> Loaded:
        """Raises ModelNotFound, or ModelNotReady when the model cannot be loaded."""
        found = self.find(wanted)
        return found if found is not None else self._once(wanted, lambda: self._get(wanted))

    def _get(self, wanted: ModelId) -> Loaded:
        found = self.find(wanted)  # it may have come between the look and the turn
        if found is None:
            found = self._load(wanted)
            self._keep(wanted, found)
        return found

    def _once[T](self, what: object, work: Callable[[], T]) -> T:
        """Whoever asks for what is under way waits for it, and shares how it ends."""
        with self._guard:
            mine: Future[T] = Future()
            under_way: Future[T] = self._under_way.setdefault(what, mine)
        if under_way is not mine:
            return under_way.result()
        try:
            done = work()
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            mine.set_result(done)
            return done
        finally:
            with self._guard:
                del self._under_way[what]

    def _load(self, wanted: ModelId) -> Loaded:
        started, outcome = time.perf_counter(), "InternalError"
        try:
            loaded = self._flavors.load(
                wanted.ref, self.package(wanted.ref), wanted.runtime, wanted.member, self._files
            )
            if isinstance(loaded, LoadedModel):
                _warm_up(loaded)
            outcome = "ok"
            return loaded
        except SlipwayError as error:
            outcome = error.code
            raise
        finally:
            seconds = time.perf_counter() - started
            _log.info("model %s %s: %s after %.2f s", wanted.ref, wanted.member, outcome, seconds)
            self._on_load(str(wanted.ref), seconds, outcome)

    def _keep(self, wanted: ModelId, loaded: Loaded) -> None:
        """Lets go of what was used longest ago, until all fits."""
        if loaded.size_bytes > self._memory_bytes:
            loaded.close()
            raise ModelNotReady(
                f"model {wanted.ref} takes {loaded.size_bytes} bytes of memory, and models may have "
                f"{self._memory_bytes} here: take a larger instance"
            )
        gone: list[Loaded] = []
        with self._guard:
            self._loaded[wanted] = loaded
            self._failed.pop(wanted, None)
            held = sum(each.size_bytes for each in self._loaded.values())
            while held > self._memory_bytes:
                _, oldest = self._loaded.popitem(last=False)
                held -= oldest.size_bytes
                gone.append(oldest)
        for each in gone:
            _log.info("model %s leaves the memory", each.ref)
            each.close()


def _warm_up(loaded: LoadedModel) -> None:
    try:
        loaded.warm_up()
    except BaseException:
        loaded.close()
        raise
