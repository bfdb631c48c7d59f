"""What the app's durable functions do."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
from durabletask import entities, task

blueprint = df.Blueprint()
Steps = Generator[Any, Any, Any]


@blueprint.orchestration_trigger("context")
def fan_out(context: task.OrchestrationContext, count: int) -> Steps:
    results = yield task.when_all([context.call_activity("double", input=number) for number in range(count)])
    return sum(results)


@blueprint.orchestration_trigger("context")
def failing(context: task.OrchestrationContext, _: Any) -> Steps:
    try:
        yield context.call_activity("double", input=-1)
    except Exception as exc:
        return f"caught: {exc}"
    return "not caught"


@blueprint.orchestration_trigger("context")
def not_catching(context: task.OrchestrationContext, _: Any) -> Steps:
    return (yield context.call_activity("double", input=-1))


@blueprint.orchestration_trigger("context")
def parent(context: task.OrchestrationContext, counts: list[int]) -> Steps:
    return (yield task.when_all([context.call_sub_orchestrator("fan_out", input=count) for count in counts]))


@blueprint.orchestration_trigger("context")
def again(context: task.OrchestrationContext, left: int) -> Steps:
    total = yield context.call_activity("double", input=left)
    if left > 1:
        context.continue_as_new(left - 1)
        return None
    return total


@blueprint.orchestration_trigger("context")
def measure(context: task.OrchestrationContext, text: str) -> Steps:
    yield context.create_timer(timedelta(milliseconds=50))
    return len(text)


@blueprint.orchestration_trigger("context")
def count_up(context: task.OrchestrationContext, key: str) -> Steps:
    counter_id = entities.EntityInstanceId("counter", key)
    context.signal_entity(counter_id, "add", 40)
    total = yield context.call_entity(counter_id, "add", 2)
    try:
        yield context.call_entity(counter_id, "break")
    except Exception as exc:
        return [total, str(exc)]
    return [total, "not caught"]


@blueprint.entity_trigger("context")
def counter(context: entities.EntityContext, number: int | None) -> int:
    if number is None:
        raise ValueError("nothing to add")
    total = context.get_state(int, 0) + number
    context.set_state(total)
    return total


@blueprint.activity_trigger("number")
def double(number: int) -> int:
    if number < 0:
        raise ValueError("negative numbers are not doubled")
    return 2 * number
