"""Runs the engine's work items in the app: orchestrators, activities and entities."""

import asyncio
import base64
import json
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from devhost.bound_data import BoundData
from devhost.engine import MAX_MESSAGE_BYTES, Engine, EngineRefusedError
from devhost.functions import ACTIVITY, DURABLE_TRIGGERS, ENTITY, ORCHESTRATION, Function
from devhost.host_json import HostConfig
from devhost.storage import HOST_CONNECTION
from devhost.worker import Datum, Outcome

_log = logging.getLogger("devhost.durable")
_KEEP_ENDED_S = 600.0
_EVICT_EVERY_S = 30.0
# The binding setting by which a function is called under another name than its own.
_NAME_SETTINGS = {ORCHESTRATION: "orchestration", ACTIVITY: "activity", ENTITY: "entityName"}


def needs_engine(functions: Iterable[Function]) -> bool:
    return any(function.trigger.kind in DURABLE_TRIGGERS or function.client_names for function in functions)


class DurableDispatch:
    """The one owner of all durable work of this process."""

    def __init__(self, bound_data: BoundData, functions: Iterable[Function], config: HostConfig) -> None:
        self._bound_data = bound_data
        self._task_hub = config.task_hub
        self._functions = {
            (function.trigger.kind, _called(function)): function
            for function in functions
            if function.trigger.kind in DURABLE_TRIGGERS
        }
        self._engine = Engine()
        self._activity_slots = asyncio.Semaphore(config.max_concurrent_activities)
        self._orchestrator_slots = asyncio.Semaphore(config.max_concurrent_orchestrators)
        self._running: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._hand_over, name="durable-dispatch", daemon=True)
        self._evicting: asyncio.Task[None] | None = None

    def start(self, base_url: str) -> None:
        """Start the engine and tell the durable client bindings where it is."""
        address = self._engine.start()
        self._bound_data.offer_durable_client(client_json(self._task_hub, base_url, address))
        self._thread.start()
        self._evicting = asyncio.create_task(self._evict())

    async def stop(self, grace_s: float) -> None:
        """Stop taking work; give what runs a moment, then drop it, as a restart would."""
        if self._evicting is not None:
            self._evicting.cancel()
        await asyncio.to_thread(self._engine.stop, 0.5)
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        for task in self._running:
            task.cancel()

    def _hand_over(self) -> None:
        try:
            for item in self._engine.work_items():
                self._loop.call_soon_threadsafe(self._accept, item)
        except RuntimeError:  # the loop is closed
            return

    def _accept(self, item: Any) -> None:
        kind = item.WhichOneof("request")
        if kind == "activityRequest":
            work = self._limited(self._activity_slots, self._run_activity(item))
        elif kind == "orchestratorRequest":
            work = self._limited(self._orchestrator_slots, self._run_orchestrator(item))
        else:
            work = self._limited(self._orchestrator_slots, self._run_entity(item))
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    @staticmethod
    async def _limited(slots: asyncio.Semaphore, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with slots:
                await work
        except EngineRefusedError as exc:
            _log.error("the durable engine refused a completion: %s", exc)
        except Exception:
            _log.exception("a durable work item was lost")
        finally:
            work.close()

    async def _run_orchestrator(self, item: Any) -> None:
        request = item.orchestratorRequest
        name = _orchestrator_name(request)
        encoded = await asyncio.to_thread(_encode, request)
        outcome = await self._invoke(ORCHESTRATION, name, Datum(encoded, "string"))
        if outcome.error is None and outcome.value is not None:
            await asyncio.to_thread(self._engine.complete_orchestrator, item, outcome.value.value)
        else:
            await self._fail(self._engine.fail_orchestrator, item, outcome)

    async def _run_activity(self, item: Any) -> None:
        request = item.activityRequest
        text = request.input.value if request.HasField("input") and request.input.value else "null"
        outcome = await self._invoke(ACTIVITY, request.name, Datum(text, "json"))
        if outcome.error is None:
            result = outcome.value.value if outcome.value is not None and outcome.value.type else None
            await asyncio.to_thread(self._engine.complete_activity, item, result)
        else:
            await self._fail(self._engine.fail_activity, item, outcome)

    async def _run_entity(self, item: Any) -> None:
        # An entity's instance id is `@name@key`, its name in lower case.
        name = item.entityRequestV2.instanceId.split("@")[1]
        encoded = await asyncio.to_thread(self._engine.encode_entity_batch, item)
        outcome = await self._invoke(ENTITY, name, Datum(encoded, "string"))
        if outcome.error is None and outcome.value is not None:
            await asyncio.to_thread(self._engine.complete_entity, item, outcome.value.value)
        else:
            await self._fail(self._engine.fail_entity, item, outcome)

    async def _invoke(self, kind: str, name: str, datum: Datum) -> Outcome:
        function = self._functions.get((kind, name))
        if function is None:
            return Outcome(None, (), LookupError(f"the app has no {kind.removesuffix('Trigger')} '{name}'"))
        return await self._bound_data.invoke(function, [(function.trigger.name, datum)])

    @staticmethod
    async def _fail(fail: Callable[[Any, str, str], None], item: Any, outcome: Outcome) -> None:
        error = outcome.error or RuntimeError("the function returned nothing")
        kind = type(error)
        await asyncio.to_thread(fail, item, f"{kind.__module__}.{kind.__qualname__}", str(error))

    async def _evict(self) -> None:
        """Keep memory flat: ended instances can be asked for a while, then they are forgotten."""
        while True:
            await asyncio.sleep(_EVICT_EVERY_S)
            await asyncio.to_thread(self._engine.evict, _KEEP_ENDED_S)


def _called(function: Function) -> str:
    kind = function.trigger.kind
    name = function.trigger.text(_NAME_SETTINGS[kind], function.name)
    return name.lower() if kind == ENTITY else name


def _orchestrator_name(request: Any) -> str:
    """The last ExecutionStarted names the orchestrator; one is always there."""
    for events in (request.newEvents, request.pastEvents):
        for event in reversed(events):
            if event.HasField("executionStarted"):
                return str(event.executionStarted.name)
    return ""


def _encode(message: Any) -> str:
    return base64.b64encode(message.SerializeToString()).decode()


def client_json(task_hub: str, base_url: str, address: str) -> str:
    """What a durable client binding gets from the real host's extension."""
    hooks = f"{base_url}/runtime/webhooks/durabletask"
    instance = f"{hooks}/instances/INSTANCEID"
    query = f"taskHub={task_hub}&connection={HOST_CONNECTION}"
    actions = {
        "sendEventPostUri": "/raiseEvent/{eventName}?",
        "terminatePostUri": "/terminate?reason={text}&",
        "rewindPostUri": "/rewind?reason={text}&",
        "suspendPostUri": "/suspend?reason={text}&",
        "resumePostUri": "/resume?reason={text}&",
        "restartPostUri": "/restart?",
        "statusQueryGetUri": "?",
        "purgeHistoryDeleteUri": "?",
    }
    create = f"{hooks}/orchestrators/{{functionName}}[/{{instanceId}}]?{query}"
    document = {
        "taskHubName": task_hub,
        "connectionName": HOST_CONNECTION,
        "creationUrls": {"createNewInstancePostUri": create, "createAndWaitOnNewInstancePostUri": create},
        "managementUrls": {
            "id": "INSTANCEID",
            **{name: f"{instance}{action}{query}" for name, action in actions.items()},
        },
        "baseUrl": hooks,
        "httpBaseUrl": hooks,
        "requiredQueryStringParameters": query,
        "rpcBaseUrl": f"http://{address}",
        "maxGrpcMessageSizeInBytes": MAX_MESSAGE_BYTES,
    }
    return json.dumps(document)
