"""Every name of the runtime and the engine that is not public and that devhost uses.

An upgrade of either that takes one away or changes how it is called fails here and nowhere else.
"""

import ast
import importlib
import inspect
import logging
from pathlib import Path
from typing import Any

import pytest
from durabletask.testing.in_memory_backend import InMemoryOrchestrationBackend

_ENGINE = Path(__file__).parents[2] / "devhost" / "engine.py"

FUNCTIONS = {
    "azure_functions_runtime.worker_init_request": ["request"],
    "azure_functions_runtime.functions_metadata_request": ["request"],
    "azure_functions_runtime.invocation_request": ["request"],
    "azure_functions_runtime.start_threadpool_executor": [],
    "azure_functions_runtime.stop_threadpool_executor": [],
    "azure_functions_runtime.native_invocation.invocation_request_native": [
        "invocation_id",
        "function_id",
        "inputs",
        "trigger_metadata",
        "trace_parent",
        "trace_state",
        "retry_count",
        "max_retry_count",
        "retry_exception",
    ],
    "azure_functions_runtime.utils.tracing.serialize_exception": ["exc", "protos"],
    "durabletask.internal.helpers.convert_to_entity_batch_request": ["req"],
    "durabletask.internal.helpers.get_string_value": ["val"],
    "durabletask.internal.helpers.new_sub_orchestration_completed_event": ["event_id", "encoded_output"],
    "durabletask.internal.helpers.new_sub_orchestration_failed_event": ["event_id", "ex"],
    "durabletask.internal.helpers.new_timer_created_event": ["timer_id", "fire_at"],
    "durabletask.internal.helpers.new_timer_fired_event": ["timer_id", "fire_at"],
    "durabletask.internal.orchestrator_service_pb2_grpc.add_TaskHubSidecarServiceServicer_to_server": [
        "servicer",
        "server",
    ],
}
METHODS = {
    "_enqueue_orchestration": ["self", "instance_id"],
    "_is_terminal_status": ["self", "status"],
    "_notify_waiters": ["self", "instance_id"],
    "_process_complete_orchestration_action": ["self", "instance", "complete_action"],
    "_process_create_timer_action": ["self", "instance", "action"],
    "_wait_for_state": ["self", "instance_id", "predicate", "timeout"],
    "_watch_sub_orchestration": ["self", "parent_instance_id", "sub_instance_id", "task_id"],
    "CompleteActivityTask": ["self", "request", "context"],
    "CompleteEntityTask": ["self", "request", "context"],
    "CompleteOrchestratorTask": ["self", "request", "context"],
    "GetWorkItems": ["self", "request", "context"],
    "start": ["self"],
    "stop": ["self", "grace"],
}
ATTRIBUTES = {
    "_instances",
    "_lock",
    "_max_history_size",
    "_orchestration_in_flight",
    "_port",
    "_server",
    "_shutdown_event",
    "_state_waiters",
}
INSTANCE_FIELDS = {
    "completed_at",
    "completion_token",
    "failure_details",
    "history",
    "instance_id",
    "last_updated_at",
    "output",
    "pending_events",
    "status",
}


def _named(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", FUNCTIONS)
def test_a_function_takes_what_it_is_given(path: str) -> None:
    assert list(inspect.signature(_named(path)).parameters) == FUNCTIONS[path]


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_the_engine_takes_what_it_is_given(name: str) -> None:
    method = getattr(InMemoryOrchestrationBackend, name)
    assert list(inspect.signature(method).parameters) == METHODS[name]


def test_the_engine_has_the_state_that_is_used() -> None:
    assert set(vars(InMemoryOrchestrationBackend())) >= ATTRIBUTES
    instance = _named("durabletask.testing.in_memory_backend.OrchestrationInstance")
    assert set(instance.__dataclass_fields__) >= INSTANCE_FIELDS
    assert "event" in _named("durabletask.testing.in_memory_backend.StateWaiter").__dataclass_fields__


def test_this_list_is_complete_for_the_engine() -> None:
    """All that engine.py takes from its base by `self.` or `super().` is held above."""
    tree = ast.parse(_ENGINE.read_text())
    (engine,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Engine"]
    methods = {node.name for node in engine.body if isinstance(node, ast.FunctionDef)}
    used = set()
    for node in ast.walk(engine):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "super()"):
            used.add(node.attr)
    own = {"_parents", "_continued_at", "_alarms", "_call", "__init__"} | methods - set(METHODS)
    assert used - own <= set(METHODS) | ATTRIBUTES
    inherited = {name for name in methods if hasattr(InMemoryOrchestrationBackend, name)}
    assert inherited - {"__init__"} <= set(METHODS)


def test_the_runtime_passes_typed_values_as_datums() -> None:
    datum = _named("azure_functions_runtime.bindings.datumdef.Datum")("x", "string")
    assert (datum.value, datum.type) == ("x", "string")


async def test_the_native_path_logs_the_exception_that_it_only_describes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """devhost takes the exception itself from this record."""
    native = importlib.import_module("azure_functions_runtime.native_invocation")

    class Broken:
        input_types: dict[str, Any] = {}

    registry = native._functions
    registry._functions["broken"] = Broken()
    try:
        with caplog.at_level(logging.ERROR, logger="azure.functions"):
            ok, _, _, text, _ = await native.invocation_request_native("id", "broken", [], None)
    finally:
        del registry._functions["broken"]
    (record,) = caplog.records
    assert not ok
    assert (record.name, record.funcName) == ("azure.functions", "invocation_request_native")
    assert record.exc_info is not None
    assert repr(record.exc_info[1]) == text
