"""Which loaded model answers for a deployment now.

A deployment whose model changed goes on with the one it has until the new one is loaded and warmed up; where that
cannot be loaded, the old one stays, and the deployment's status says why. Belongs to one event loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from shared.endpoints import routing
from shared.endpoints.deployment import Deployment
from shared.endpoints.spec import Endpoint, Revision
from shared.errors import ModelNotReady, SlipwayError
from shared.models.batching import Lanes, Limits, Watch
from shared.models.loader import Loader, ModelId
from shared.models.served import ServedModel

_log = logging.getLogger(__name__)

# After a failed load the model is not asked for again before this time, s.
_AGAIN_S: Final = 30.0
# How long a request waits for a model that is being loaded, s: longer than a cold start, shorter than the host waits.
_PATIENCE_S: Final = 60.0


class Serving(NamedTuple):
    """What a request is scored with. `ready_at`: the loop's time; before it nothing counts as the model's time."""

    model: ServedModel
    lanes: Lanes
    timeout_s: float
    ready_at: float


class Status(NamedTuple):
    """Of a deployment on this instance. `model`: which one answers, "" none yet; `error`: why not the wanted one."""

    state: str
    model: str
    error: str


@dataclass(eq=False)
class _Slot:
    """`loading`: which model, whose outcome counts; `settled`: nothing is being loaded."""

    deployment: Deployment
    serving: Serving | None = None
    loading: ModelId | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    error: SlipwayError | None = None
    failed_at: float = float("-inf")


type WatchOf = Callable[[str, str], Watch]


class Deployments:
    """`watch`: who is told of the queue of a deployment of an endpoint."""

    def __init__(
        self,
        loader: Loader,
        watch: WatchOf = lambda endpoint, deployment: Watch(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loader = loader
        self._watch = watch
        self._clock = clock
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._revisions: dict[str, Revision] = {}
        self._loads: set[asyncio.Task[None]] = set()

    def choose(self, endpoint: Endpoint, request_id: str, pinned: str | None) -> str:
        """By `routing`; a deployment that has no model yet is spared while another one with traffic has.

        Raises DeploymentNotFound.
        """
        chosen = routing.choose(endpoint, request_id, pinned)
        if pinned is not None or self._answers(endpoint, chosen):
            return chosen
        others = {
            name: percent
            for name, percent in endpoint.head.traffic.items()
            if percent and self._answers(endpoint, name)
        }
        if not others:
            return chosen
        self._look(endpoint, chosen)
        return max(sorted(others), key=lambda name: others[name])

    def _answers(self, endpoint: Endpoint, name: str) -> bool:
        slot = self._slots.get((endpoint.name, name))
        return slot is not None and slot.serving is not None

    async def serving(self, endpoint: Endpoint, name: str) -> Serving:
        """Waits for the first load only. Raises DeploymentNotFound, ModelNotReady, ModelNotFound."""
        slot = self._look(endpoint, name)
        if slot.serving is not None:
            return slot.serving
        if slot.loading is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(slot.settled.wait(), _PATIENCE_S)
        if slot.serving is not None:
            return slot.serving
        raise slot.error or ModelNotReady(f"the model of deployment '{name}' is still being loaded: try again")

    def status(self, endpoint: Endpoint, name: str) -> Status:
        """Asks for nothing to be loaded."""
        slot = self._slots.get((endpoint.name, name))
        if slot is None:
            return Status("Idle", "", "")
        model = str(slot.serving.model.id.ref) if slot.serving else ""
        if slot.error is not None:
            return Status("Failed", model, slot.error.message)
        return Status("Loading" if slot.loading is not None else "Ready", model, "")

    def _look(self, endpoint: Endpoint, name: str) -> _Slot:
        """The deployment's slot; starts to load what its document asks for."""
        key, wanted = (endpoint.name, name), endpoint.deployment(name)
        if self._revisions.get(endpoint.name) is not endpoint.revision:
            self._revisions[endpoint.name] = endpoint.revision
            self._forget(endpoint)
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = _Slot(wanted)
        elif slot.deployment is wanted and slot.serving is not None and slot.error is None:
            return slot
        elif slot.deployment != wanted:
            slot.error, slot.failed_at = None, float("-inf")
            if slot.loading != _id_of(wanted):
                slot.loading = None
        slot.deployment = wanted  # the same object is found to be the same at once
        if self._is_served(slot) or slot.loading == _id_of(wanted) or self._clock() - slot.failed_at < _AGAIN_S:
            return slot
        slot.loading = _id_of(wanted)
        slot.settled.clear()
        task = asyncio.create_task(self._load(key, slot, slot.loading))
        self._loads.add(task)
        task.add_done_callback(self._loads.discard)
        return slot

    def _is_served(self, slot: _Slot) -> bool:
        """Limits are taken over at once: nothing has to be loaded for them."""
        if slot.serving is None or slot.serving.model.id != _id_of(slot.deployment):
            return False
        limits = slot.serving.lanes.limits = _limits(slot.deployment)
        slot.serving = slot.serving._replace(timeout_s=limits.timeout_s)
        return True

    def _forget(self, endpoint: Endpoint) -> None:
        """Deployments that a revision has removed."""
        for key in [key for key in self._slots if key[0] == endpoint.name]:
            if key[1] not in endpoint.revision.deployments:
                gone = self._slots.pop(key)
                if gone.serving is not None:
                    gone.serving.lanes.close()

    async def _load(self, key: tuple[str, str], slot: _Slot, wanted: ModelId) -> None:
        """What comes of it is of no interest where another model has been asked for meanwhile."""
        error: SlipwayError | None = None
        served: ServedModel | None = None
        try:
            served = await asyncio.get_running_loop().run_in_executor(self._loader.executor, self._ready, wanted)
        except SlipwayError as raised:
            _log.warning("deployment %s of %s: %s: %s", key[1], key[0], raised.code, raised.message)
            error = raised
        except Exception:
            _log.exception("deployment %s of %s was not loaded", key[1], key[0])
            error = ModelNotReady("the model cannot be loaded: the log says why")
        if slot.loading is not wanted:
            return
        if served is not None:
            self._serve(key, slot, served)
        slot.loading, slot.error = None, error
        slot.failed_at = self._clock() if error is not None else float("-inf")
        slot.settled.set()

    def _serve(self, key: tuple[str, str], slot: _Slot, served: ServedModel) -> None:
        limits = _limits(slot.deployment)
        lanes = slot.serving.lanes if slot.serving else Lanes(limits, self._watch(*key))
        lanes.limits = limits
        slot.serving = Serving(served, lanes, limits.timeout_s, asyncio.get_running_loop().time())

    def _ready(self, wanted: ModelId) -> ServedModel:
        """In a thread: all that must be in memory before the first request."""
        served = ServedModel(wanted, self._loader.package(wanted.ref), self._loader)
        for member in served.prefetched():
            served.loaded(member)
        return served


def _id_of(deployment: Deployment) -> ModelId:
    return ModelId(deployment.model.ref, deployment.runtime)


def _limits(deployment: Deployment) -> Limits:
    settings = deployment.request_settings
    patience = settings.max_queue_wait_ms
    return Limits(
        max_concurrent=settings.max_concurrent_requests_per_instance,
        max_queue=settings.max_queue,
        max_queue_wait_s=None if patience is None else patience / 1000,
        max_batch_rows=settings.max_batch_rows,
        timeout_s=settings.request_timeout_ms / 1000,
    )
