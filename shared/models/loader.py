"""Loads published models: each only once however many ask, and as many as fit into the memory set aside for them."""

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final, NamedTuple

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
        self._packages: dict[ModelRef, ModelPackage] = {}
        self._loaded: OrderedDict[ModelId, Loaded] = OrderedDict()
        self._locks: dict[object, threading.Lock] = {}
        self._guard = threading.Lock()
        # Apart from the threads that predict: a slow download holds up no answer.
        self.executor: Executor = ThreadPoolExecutor(_LOADS_AT_ONCE, thread_name_prefix="load")

    def held_bytes(self) -> int:
        with self._guard:
            return sum(loaded.size_bytes for loaded in self._loaded.values())

    def package(self, ref: ModelRef) -> ModelPackage:
        """Raises ModelNotFound, or ModelNotReady when the package is damaged."""
        found = self._packages.get(ref)
        if found is None:
            with self._lock(ref):
                found = self._packages.get(ref) or self._files.read_package(ref)
                self._packages[ref] = found
        return found

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
        with self._lock(wanted):
            found = self.find(wanted)
            if found is not None:
                return found
            loaded = self._load(wanted)
            self._keep(wanted, loaded)
            return loaded

    def _lock(self, wanted: object) -> threading.Lock:
        with self._guard:
            return self._locks.setdefault(wanted, threading.Lock())

    def _load(self, wanted: ModelId) -> Loaded:
        started, outcome = time.perf_counter(), "InternalError"
        try:
            loaded = self._flavors.load(
                wanted.ref, self.package(wanted.ref), wanted.runtime, wanted.member, self._files
            )
            if isinstance(loaded, LoadedModel):
                loaded.warm_up()
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
