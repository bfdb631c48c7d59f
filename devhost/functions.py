"""Typed records of the app's functions, made from the worker's raw bindings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from devhost.errors import HostError

HTTP = "httpTrigger"
BLOB = "blobTrigger"
QUEUE = "queueTrigger"
TIMER = "timerTrigger"
ORCHESTRATION = "orchestrationTrigger"
ACTIVITY = "activityTrigger"
ENTITY = "entityTrigger"
DURABLE_CLIENT = "durableClient"
DURABLE_TRIGGERS = (ORCHESTRATION, ACTIVITY, ENTITY)
_TRIGGERS = (HTTP, BLOB, QUEUE, TIMER, *DURABLE_TRIGGERS)
_OUTPUTS = ("http", "queue", "blob")


class Binding(NamedTuple):
    """One binding: `name` is the function's parameter, `settings` are the decorator's arguments."""

    name: str
    kind: str
    is_output: bool
    deferred: bool
    settings: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        value = self.settings.get(key)
        return value if isinstance(value, str) and value else default


class Function(NamedTuple):
    """One function of the app; `deferred` says that a binding is an SDK type such as BlobClient."""

    name: str
    function_id: str
    trigger: Binding
    inputs: Sequence[Binding]
    outputs: Sequence[Binding]
    deferred: bool

    @property
    def label(self) -> str:
        return f"function '{self.name}'"

    @property
    def client_names(self) -> list[str]:
        """Parameters that take a durable client."""
        return [binding.name for binding in self.inputs if binding.kind == DURABLE_CLIENT]


def parse_function(name: str, function_id: str, raw_bindings: Iterable[str]) -> Function:
    """Read one function's raw bindings; a binding that this host cannot serve stops the host."""
    bindings = [_parse_binding(json.loads(raw)) for raw in raw_bindings]
    triggers = [binding for binding in bindings if binding.kind.endswith("Trigger")]
    if len(triggers) != 1:
        raise HostError(f"function '{name}' needs exactly one trigger, it has {len(triggers)}")
    inputs = [binding for binding in bindings if not binding.is_output and binding is not triggers[0]]
    outputs = [binding for binding in bindings if binding.is_output]
    unserved = (
        [binding for binding in triggers if binding.kind not in _TRIGGERS]
        + [binding for binding in inputs if binding.kind not in (DURABLE_CLIENT, "blob")]
        + [binding for binding in outputs if binding.kind not in _OUTPUTS]
    )
    if unserved:
        raise HostError(f"function '{name}': this host has no binding of type '{unserved[0].kind}'")
    return Function(name, function_id, triggers[0], inputs, outputs, any(binding.deferred for binding in bindings))


def _parse_binding(raw: Mapping[str, Any]) -> Binding:
    properties = raw.get("properties") or {}
    return Binding(
        name=raw["name"],
        kind=raw["type"],
        is_output=str(raw.get("direction", "IN")).upper() == "OUT",
        deferred=bool(properties.get("SupportsDeferredBinding")),
        settings=raw,
    )
