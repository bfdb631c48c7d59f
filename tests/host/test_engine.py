"""The defects of Microsoft's in-memory engine that are mended, each driven step by step."""

import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from durabletask.internal import helpers
from durabletask.internal import orchestrator_service_pb2 as pb

from devhost.engine import Engine
from devhost.processes import is_listening


class Driver:
    """Plays the app: takes work items one by one and answers them by hand."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.items = self.engine.work_items()

    def begin(self, instance_id: str) -> None:
        request = pb.CreateInstanceRequest(instanceId=instance_id, name="any")
        self.engine.StartInstance(request, Any)

    def take(self) -> Any:
        return next(self.items)

    def answer(self, item: Any, *actions: pb.OrchestratorAction) -> None:
        name = item.orchestratorRequest.instanceId
        response = pb.OrchestratorResponse(instanceId=name, actions=actions)
        self.engine.complete_orchestrator(item, base64.b64encode(response.SerializeToString()).decode())

    def status(self, instance_id: str) -> Any:
        request = pb.GetInstanceRequest(instanceId=instance_id, getInputsAndOutputs=True)
        return self.engine.GetInstance(request, Any)


@pytest.fixture
def driver() -> Iterator[Driver]:
    made = Driver()
    yield made
    made.engine.stop()


def _ended(result: str = '"done"') -> pb.OrchestratorAction:
    return helpers.new_complete_orchestration_action(-1, pb.ORCHESTRATION_STATUS_COMPLETED, result)


def _continued() -> pb.OrchestratorAction:
    return helpers.new_complete_orchestration_action(-1, pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW, "1")


def _child(task_id: int, instance_id: str) -> pb.OrchestratorAction:
    return helpers.new_create_sub_orchestration_action(task_id, "any", instance_id, None, None)


def _activity(task_id: int) -> pb.OrchestratorAction:
    return helpers.new_schedule_task_action(task_id, "any", None, {})


def _kinds(item: Any) -> list[str]:
    return [event.WhichOneof("eventType") for event in item.orchestratorRequest.newEvents]


def test_a_parent_hears_of_its_child_however_long_it_took(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_waiting(*_: Any) -> None:
        raise AssertionError("a thread waits for the child, and the engine's wait ends after 30 s")

    monkeypatch.setattr(Engine, "_wait_for_state", no_waiting)
    threads = set(threading.enumerate())
    driver.begin("parent")
    driver.answer(driver.take(), _child(1, "child"))
    child = driver.take()
    assert set(threading.enumerate()) == threads
    driver.answer(child, _ended('"of the child"'))
    parent = driver.take()
    assert parent.orchestratorRequest.instanceId == "parent"
    (event,) = [
        event.subOrchestrationInstanceCompleted
        for event in parent.orchestratorRequest.newEvents
        if event.HasField("subOrchestrationInstanceCompleted")
    ]
    assert (event.taskScheduledId, event.result.value) == (1, '"of the child"')


def test_a_child_that_fails_fails_the_parents_task(driver: Driver) -> None:
    driver.begin("parent")
    driver.answer(driver.take(), _child(1, "child"))
    driver.engine.fail_orchestrator(driver.take(), "builtins.ValueError", "why")
    assert "subOrchestrationInstanceFailed" in _kinds(driver.take())


def test_waiting_without_a_deadline_is_not_30_s(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []

    def wait(_: threading.Event, timeout: float | None = None) -> bool:
        waited.append(timeout)
        return False

    monkeypatch.setattr(threading.Event, "wait", wait)
    driver.begin("one")
    driver.engine._wait_for_state("one", lambda _: False, None)
    assert waited == [24 * 3600.0]


def test_the_client_port_is_on_loopback_and_takes_large_messages(driver: Driver) -> None:
    host, _, port = driver.engine.start().partition(":")
    assert host == "127.0.0.1"
    assert is_listening(int(port))


def test_a_late_activity_does_not_reach_the_next_generation(driver: Driver) -> None:
    driver.begin("one")
    driver.answer(driver.take(), _activity(1))
    late = driver.take()
    driver.engine.RaiseEvent(pb.RaiseEventRequest(instanceId="one", name="go"), Any)
    driver.answer(driver.take(), _continued())
    driver.answer(driver.take(), _activity(1))
    current = driver.take()
    driver.engine.complete_activity(late, '"late"')
    driver.engine.complete_activity(current, '"current"')
    (event,) = [
        event.taskCompleted for event in driver.take().orchestratorRequest.newEvents if event.HasField("taskCompleted")
    ]
    assert event.result.value == '"current"'


def test_a_late_child_does_not_reach_the_next_generation(driver: Driver) -> None:
    driver.begin("one")
    driver.answer(driver.take(), _child(1, "child"))
    child = driver.take()
    driver.engine.RaiseEvent(pb.RaiseEventRequest(instanceId="one", name="go"), Any)
    driver.answer(driver.take(), _continued())
    driver.answer(driver.take(), _activity(1))
    driver.answer(child, _ended())
    driver.engine.complete_activity(driver.take(), '"current"')
    assert _kinds(driver.take()) == ["orchestratorStarted", "taskCompleted"]


def test_what_arrives_after_the_end_is_not_dispatched(driver: Driver) -> None:
    driver.begin("one")
    driver.answer(driver.take(), _activity(1))
    activity = driver.take()
    driver.engine.RaiseEvent(pb.RaiseEventRequest(instanceId="one", name="go"), Any)
    driver.answer(driver.take(), _ended())
    driver.engine.complete_activity(activity, '"late"')
    driver.begin("two")
    assert driver.take().orchestratorRequest.instanceId == "two"
    assert driver.status("one").orchestrationState.output.value == '"done"'


def test_a_failure_without_a_message_is_still_a_failure(driver: Driver) -> None:
    driver.begin("one")
    driver.answer(driver.take(), _activity(1))
    driver.engine.fail_activity(driver.take(), "builtins.KeyError", "")
    assert "taskFailed" in _kinds(driver.take())


def test_a_timer_fires_without_a_thread_of_its_own(driver: Driver) -> None:
    driver.engine.start()
    threads = set(threading.enumerate())
    driver.begin("one")
    soon = datetime.now(UTC).replace(tzinfo=None) + timedelta(milliseconds=20)
    timers = [helpers.new_create_timer_action(number, soon) for number in range(1, 50)]
    driver.answer(driver.take(), *timers)
    assert not {thread for thread in set(threading.enumerate()) - threads if "grpc" not in thread.name}
    fired = 0
    while fired < 49:
        item = driver.take()
        fired += _kinds(item).count("timerFired")
        driver.answer(item)


def test_ended_instances_are_forgotten_after_a_while(driver: Driver) -> None:
    for name in ("one", "two"):
        driver.begin(name)
    driver.answer(driver.take(), _ended())
    assert driver.engine.evict(keep_s=60) == 0
    assert driver.engine.evict(keep_s=-1) == 1
    assert not driver.status("one").exists
    assert driver.status("two").exists


def test_a_history_is_not_full_at_10000_events() -> None:
    assert Engine()._max_history_size >= 1_000_000
