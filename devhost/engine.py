"""Microsoft's in-memory durable engine, with the defects mended that a host would trip over.

Every name of the engine that is not public is used here and nowhere else;
tests/contract/test_private_names.py holds each of them.
"""

import base64
from collections.abc import Callable, Iterator
from concurrent import futures
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb
from durabletask.internal import orchestrator_service_pb2_grpc as stubs
from durabletask.testing.in_memory_backend import InMemoryOrchestrationBackend

from devhost.alarms import Alarms

# An orchestration of this many events has other troubles; the engine's own 10,000 are 5,000 activities.
_MAX_HISTORY_EVENTS = 1_000_000
MAX_MESSAGE_BYTES = 256 * 1024 * 1024
# Every client that waits for an instance holds one thread.
_GRPC_THREADS = 64
_NO_DEADLINE_S = 24 * 3600.0


def _failure(error_type: str, message: str) -> pb.TaskFailureDetails:
    # The engine takes a failure without a message for a success.
    return pb.TaskFailureDetails(errorType=error_type, errorMessage=message or error_type)


class EngineRefusedError(Exception):
    """The engine would not take a completion."""


class _DirectCall:
    """The gRPC context of a call that does not come over gRPC."""

    def is_active(self) -> bool:
        return True

    def abort(self, _code: Any, details: str) -> None:
        raise EngineRefusedError(details)


class Engine(InMemoryOrchestrationBackend):
    """The engine on a loopback port of its own."""

    def __init__(self) -> None:
        super().__init__(max_history_size=_MAX_HISTORY_EVENTS, port=0)
        self._parents: dict[str, list[tuple[str, int]]] = {}
        self._continued_at: dict[str, int] = {}
        self._alarms = Alarms("durable-timers")
        self._call = _DirectCall()

    def start(self) -> str:
        """Serve the durable client on loopback, with room for large messages; returns the address."""
        self._shutdown_event.clear()
        self._server = grpc.server(
            futures.ThreadPoolExecutor(_GRPC_THREADS, thread_name_prefix="durable-grpc"),
            options=[
                ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
                ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
            ],
        )
        add_servicer: Any = stubs.add_TaskHubSidecarServiceServicer_to_server
        add_servicer(self, self._server)
        self._port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        self._alarms.start()
        return f"127.0.0.1:{self._port}"

    def stop(self, grace: float | None = None) -> None:
        """Stop serving and let every waiting client go."""
        self._shutdown_event.set()
        self._alarms.stop()
        with self._lock:
            for waiters in self._state_waiters.values():
                for waiter in waiters:
                    waiter.event.set()
        super().stop(grace)

    def work_items(self) -> Iterator[pb.WorkItem]:
        """All work of the engine, until it is stopped; for one thread."""
        yield from self.GetWorkItems(pb.GetWorkItemsRequest(), self._call)

    def complete_orchestrator(self, item: pb.WorkItem, encoded_response: str) -> None:
        response = pb.OrchestratorResponse()
        response.ParseFromString(base64.b64decode(encoded_response))
        response.completionToken = item.completionToken
        self.CompleteOrchestratorTask(response, self._call)

    def fail_orchestrator(self, item: pb.WorkItem, error_type: str, message: str) -> None:
        """End an instance whose orchestrator could not be run at all."""
        action = helpers.new_complete_orchestration_action(
            -1, pb.ORCHESTRATION_STATUS_FAILED, None, _failure(error_type, message)
        )
        response = pb.OrchestratorResponse(
            instanceId=item.orchestratorRequest.instanceId,
            actions=[action],
            completionToken=item.completionToken,
        )
        self.CompleteOrchestratorTask(response, self._call)

    def complete_activity(self, item: pb.WorkItem, result: str | None) -> None:
        self._finish_activity(item, result=helpers.get_string_value(result))

    def fail_activity(self, item: pb.WorkItem, error_type: str, message: str) -> None:
        self._finish_activity(item, failureDetails=_failure(error_type, message))

    def encode_entity_batch(self, item: pb.WorkItem) -> str:
        """The batch in the form that an entity function takes."""
        batch, _ = helpers.convert_to_entity_batch_request(item.entityRequestV2)
        return base64.b64encode(batch.SerializeToString()).decode()

    def complete_entity(self, item: pb.WorkItem, encoded_result: str) -> None:
        _, infos = helpers.convert_to_entity_batch_request(item.entityRequestV2)
        result = pb.EntityBatchResult()
        result.ParseFromString(base64.b64decode(encoded_result))
        result.completionToken = item.completionToken
        del result.operationInfos[:]
        result.operationInfos.extend(infos)
        self.CompleteEntityTask(result, self._call)

    def fail_entity(self, item: pb.WorkItem, error_type: str, message: str) -> None:
        """Fail every operation of a batch and leave the entity's state as it was."""
        request, infos = helpers.convert_to_entity_batch_request(item.entityRequestV2)
        failure = pb.OperationResultFailure(failureDetails=_failure(error_type, message))
        result = pb.EntityBatchResult(
            results=[pb.OperationResult(failure=failure) for _ in infos],
            entityState=request.entityState,
            completionToken=item.completionToken,
            operationInfos=infos,
        )
        self.CompleteEntityTask(result, self._call)

    def evict(self, keep_s: float) -> int:
        """Forget instances that ended longer ago than this; returns how many."""
        before = datetime.now(UTC) - timedelta(seconds=keep_s)
        with self._lock:
            ended = [
                name
                for name, instance in self._instances.items()
                if self._is_terminal_status(instance.status)
                and (instance.completed_at or instance.last_updated_at) < before
            ]
            for name in ended:
                del self._instances[name]
                self._continued_at.pop(name, None)
                self._state_waiters.pop(name, None)
        return len(ended)

    def history_sizes(self) -> list[int]:
        """The events of each instance that is not forgotten yet."""
        with self._lock:
            return [len(instance.history) for instance in self._instances.values()]

    def _finish_activity(self, item: pb.WorkItem, **outcome: Any) -> None:
        request = item.activityRequest
        name = request.orchestrationInstance.instanceId
        with self._lock:
            # The engine matches completions by task id alone, and ids start again at continue-as-new.
            if int(item.completionToken) <= self._continued_at.get(name, 0):
                return
            response = pb.ActivityResponse(instanceId=name, taskId=request.taskId, **outcome)
            self.CompleteActivityTask(response, self._call)

    # Overrides of the engine's own steps.

    def _enqueue_orchestration(self, instance_id: str) -> None:
        """Queue only what can run: the engine would dispatch ended instances, and spin on busy ones."""
        instance = self._instances.get(instance_id)
        if instance is not None and self._is_terminal_status(instance.status):
            instance.pending_events.clear()
        elif instance_id not in self._orchestration_in_flight:
            # A busy instance is queued again by its completion, with all that arrived meanwhile.
            super()._enqueue_orchestration(instance_id)

    def _process_complete_orchestration_action(self, instance: Any, complete_action: Any) -> None:
        if complete_action.orchestrationStatus == pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW:
            self._continued_at[instance.instance_id] = instance.completion_token
            self._forget_children(instance.instance_id)
        super()._process_complete_orchestration_action(instance, complete_action)

    def _process_create_timer_action(self, instance: Any, action: Any) -> None:
        """Set a timer without a sleeping thread of its own, which is the engine's way."""
        timer_id, token = action.id, instance.completion_token
        fire_at = action.createTimer.fireAt.ToDatetime(tzinfo=UTC)
        instance.history.append(helpers.new_timer_created_event(timer_id, fire_at))

        def fire() -> None:
            with self._lock:
                current = self._instances.get(instance.instance_id)
                if (
                    current is None
                    or current is not instance
                    or token <= self._continued_at.get(instance.instance_id, 0)
                ):
                    return
                current.pending_events.append(helpers.new_timer_fired_event(timer_id, fire_at))
                current.last_updated_at = datetime.now(UTC)
                self._enqueue_orchestration(instance.instance_id)

        self._alarms.after(max(0.0, (fire_at - datetime.now(UTC)).total_seconds()), fire)

    def _watch_sub_orchestration(self, parent_instance_id: str, sub_instance_id: str, task_id: int) -> None:
        """Note who waits for a child; the engine's own thread gives up after 30 s."""
        self._parents.setdefault(sub_instance_id, []).append((parent_instance_id, task_id))
        self._notify_waiters(sub_instance_id)

    def _notify_waiters(self, instance_id: str) -> None:
        super()._notify_waiters(instance_id)
        child = self._instances.get(instance_id)
        if child is None or not self._is_terminal_status(child.status):
            return
        for parent_id, task_id in self._parents.pop(instance_id, []):
            parent = self._instances.get(parent_id)
            if parent is None or self._is_terminal_status(parent.status):
                continue
            if child.status == pb.ORCHESTRATION_STATUS_COMPLETED:
                event = helpers.new_sub_orchestration_completed_event(task_id, child.output)
            else:
                details = child.failure_details
                reason = Exception(details.errorMessage if details else "the sub-orchestration was ended")
                event = helpers.new_sub_orchestration_failed_event(task_id, reason)
            parent.pending_events.append(event)
            parent.last_updated_at = datetime.now(UTC)
            self._enqueue_orchestration(parent_id)

    def _forget_children(self, parent_id: str) -> None:
        """After continue-as-new the task ids of earlier children mean other tasks."""
        for child_id, waiting in list(self._parents.items()):
            left = [entry for entry in waiting if entry[0] != parent_id]
            if left:
                self._parents[child_id] = left
            else:
                del self._parents[child_id]

    def _wait_for_state(self, instance_id: str, predicate: Callable[[Any], bool], timeout: float | None) -> Any:
        """The engine reads 'no deadline' as 30 s."""
        return super()._wait_for_state(instance_id, predicate, timeout or _NO_DEADLINE_S)
