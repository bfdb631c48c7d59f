"""Loads published models: each only once however many ask, and as many as fit into the memory set aside for them."""

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from shared.errors import ModelNotReady, SlipwayError
from shared.models.files import PackageFiles
from shared.models.flavor import Runtime
from shared.models.flavors.build import Flavors
from shared.models.loaded import LoadedModel, LoadedScript
from shared.models.package import ModelPackage, ModelRef
from shared.ports import BlobStore

_log = logging.getLogger(__name__)

# Loads at once: each holds a model's bytes twice for a moment.
_LOADS_AT_ONCE: Final = 2
# Descriptions of packages that are kept; one of many models may take a megabyte.
_MOST_PACKAGES: Final = 64


class ModelId(NamedTuple):
    """What is loaded: a package, where its foreign code runs, and which member of a package of many."""

    ref: ModelRef
    runtime: Runtime = Runtime()
    member: str = ""


type Loaded = LoadedModel | LoadedScript
type OnLoad = Callable[[str, float, str], None]
"""Is told of every load: the model, how long it took in seconds, and `ok` or an error's code."""


class Loader:
    """Keeps what was used last, up to `memory_bytes`. A failed load is not kept: the next caller tries again."""

    def __init__(
        self,
        store: BlobStore,
        flavors: Flavors,
        memory_bytes: int,
        on_load: OnLoad = lambda model, seconds, outcome: None,
    ) -> None:
        self._files = PackageFiles(store)
        self._flavors = flavors
        self._memory_bytes = memory_bytes
        self._on_load = on_load
        self._packages: OrderedDict[ModelRef, ModelPackage] = OrderedDict()
        self._loaded: OrderedDict[ModelId, Loaded] = OrderedDict()
        self._under_way: dict[object, Future[Any]] = {}
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

    async def get_online(self, wanted: ModelId) -> Loaded:
        found = self.find(wanted)
        if found is not None:
            return found
        return await asyncio.get_running_loop().run_in_executor(self.executor, self.get, wanted)

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
