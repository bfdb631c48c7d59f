"""A batch job as a durable orchestration: plan, score every mini-batch in a sliding window, promote.

Only ids and counts cross the durable boundary. An activity answers {"over": code, "reason": …} when the job cannot go
on, and {"stopped": code} when it is not this attempt's any more; it raises StepFailed when trying again may help. When
that helps no more, the job is closed; but where storage or a setting is in the way it is left as it is, and the
reconciler takes it up again later. A job is closed last, when nothing of it is running any more.
"""

import re
from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from durabletask.client import OrchestrationStatus
from durabletask.task import OrchestrationContext, RetryPolicy, TaskFailedError, when_any

from shared.batch.manifest import GROUP_SIZE
from shared.errors import (
    ConfigurationError,
    IdentityProviderUnavailable,
    ScoringFailed,
    SlipwayError,
    StorageUnavailable,
)

type Steps = Generator[Any, Any, Any]

# A sub-orchestration's history stays short: every step of it is a replay of the steps before.
WINDOW_SIZE: Final = GROUP_SIZE
# So does that of the job: after so many windows it begins anew, with nothing open.
WINDOWS_A_GENERATION: Final = 25
RETRY: Final = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=4,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=30),
)

# What the engine keeps of an orchestration in one of these states is of no use any more.
ENDED: Final = (OrchestrationStatus.COMPLETED, OrchestrationStatus.FAILED, OrchestrationStatus.TERMINATED)

_LEFT: Final = (StorageUnavailable.code, IdentityProviderUnavailable.code, ConfigurationError.code)
_TOLD: Final = re.compile(r"\[\[(\w+)\|(.*?)\]\]", re.DOTALL)


class StepFailed(Exception):
    """What an activity raises: its reason is found again in whatever words a host and an engine wrap around it."""

    def __init__(self, error: SlipwayError) -> None:
        super().__init__(f"[[{error.code}|{error.message}]]")


def run_job(context: OrchestrationContext, task: dict[str, Any]) -> Steps:
    """`task`: {"job_id", "attempt", "run"}; of a later generation also what was planned, and where to go on."""
    try:
        done = yield from _plan_score_promote(context, task)
    except TaskFailedError as error:
        done = _failed(error)
    if "over" not in done:
        return done
    end = {**_work(task), "code": done["over"], "reason": done["reason"]}
    try:
        return (yield context.call_activity("close_job", input=end, retry_policy=RETRY))
    except TaskFailedError as error:
        return {"left": _failed(error).get("left", done["over"])}


def _plan_score_promote(context: OrchestrationContext, task: dict[str, Any]) -> Steps:
    work = _work(task)
    plan = task.get("plan") or (yield context.call_activity("plan_job", input=work, retry_policy=RETRY))
    if "mini_batches" not in plan:
        return plan
    begin = task.get("first", 0)
    for first in range(begin, plan["mini_batches"], WINDOW_SIZE):
        if first - begin == WINDOWS_A_GENERATION * WINDOW_SIZE:
            context.continue_as_new({**work, "plan": plan, "first": first})
            return {"continued": first}
        last = min(first + WINDOW_SIZE, plan["mini_batches"])
        window = {**work, "first": first, "last": last, "max_concurrency": plan["max_concurrency"]}
        scored = yield context.call_sub_orchestrator("score_window", input=window)
        if "scored" not in scored:
            return scored
    return (yield context.call_activity("promote_job", input=work, retry_policy=RETRY))


def score_window(context: OrchestrationContext, window: dict[str, Any]) -> Steps:
    """Scores what is not scored yet of the mini-batches [first, last), `max_concurrency` of them at a time."""
    try:
        ended = yield from _slide(context, window)
        if ended is None:
            ended = yield context.call_activity("close_window", input=window, retry_policy=RETRY)
    except TaskFailedError as error:
        # An answer and no failure: the engine would wrap the reason in words of its own.
        return _failed(error)
    return ended


def _slide(context: OrchestrationContext, window: dict[str, Any]) -> Steps:
    """None when all is scored; else how the job has ended, once nothing of it is running any more."""
    due = yield context.call_activity("list_pending", input=window, retry_policy=RETRY)
    if "pending" not in due:
        return due
    running: list[Any] = []
    ended: dict[str, Any] | None = None
    pending = iter(due["pending"])
    while True:
        while ended is None and len(running) < window["max_concurrency"]:
            index = next(pending, None)
            if index is None:
                break
            work = {**_work(window), "index": index}
            running.append(context.call_activity("score_mini_batch", input=work, retry_policy=RETRY))
        if not running:
            return ended
        done = yield when_any(running)
        running.remove(done)
        ended = ended or _ended(done)


def _ended(done: Any) -> dict[str, Any] | None:
    try:
        result: dict[str, Any] = done.get_result()
    except TaskFailedError as error:
        return _failed(error)
    return None if "predicted" in result else result


def _failed(error: TaskFailedError) -> dict[str, Any]:
    told = _TOLD.search(error.details.message)
    code, reason = told.groups() if told else (ScoringFailed.code, "an unexpected error, which the log explains")
    if code in _LEFT:
        return {"left": code, "reason": reason}
    return {"over": ScoringFailed.code, "reason": f"a step of the job failed again and again: {reason}"}


def _work(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("job_id", "attempt", "run")}
