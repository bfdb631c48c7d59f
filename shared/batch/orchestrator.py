"""A batch job as a durable orchestration: plan, score every mini-batch in a sliding window, promote.

Only ids and counts cross the durable boundary. An activity answers {"stopped": code} when the job is over for good
(it has then written why), and raises StepFailed when trying again may help. When that helps no more, the job is
closed; but where storage or a setting is in the way it is left as it is, and the reconciler takes it up again later.
"""

import re
from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from durabletask.task import OrchestrationContext, RetryPolicy, TaskFailedError, when_all, when_any

from shared.batch.ledger import GROUP_SIZE
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
RETRY: Final = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=4,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=30),
)


_LEFT: Final = (StorageUnavailable.code, IdentityProviderUnavailable.code, ConfigurationError.code)
_TOLD: Final = re.compile(r"\[\[(\w+)\|(.*?)\]\]", re.DOTALL)


class StepFailed(Exception):
    """What an activity raises: its reason is found again in whatever words a host and an engine wrap around it."""

    def __init__(self, error: SlipwayError) -> None:
        super().__init__(f"[[{error.code}|{error.message}]]")


def run_job(context: OrchestrationContext, task: dict[str, Any]) -> Steps:
    """`task`: {"job_id", "attempt"}."""
    try:
        done = yield from _plan_score_promote(context, task)
    except TaskFailedError as error:
        done = _failed(error)
    if "failed" not in done or done["failed"] in _LEFT:
        return done
    failure = {**task, "reason": done["reason"]}
    return (yield context.call_activity("fail_job", input=failure, retry_policy=RETRY))


def _plan_score_promote(context: OrchestrationContext, task: dict[str, Any]) -> Steps:
    plan = yield context.call_activity("plan_job", input=task, retry_policy=RETRY)
    if "stopped" in plan:
        return plan
    for first in range(0, plan["mini_batches"], WINDOW_SIZE):
        last = min(first + WINDOW_SIZE, plan["mini_batches"])
        window = {**task, "first": first, "last": last, "max_concurrency": plan["max_concurrency"]}
        scored = yield context.call_sub_orchestrator("score_window", input=window)
        if "scored" not in scored:
            return scored
    return (yield context.call_activity("promote_job", input=task, retry_policy=RETRY))


def score_window(context: OrchestrationContext, window: dict[str, Any]) -> Steps:
    """Scores what is not scored yet of the mini-batches [first, last), `max_concurrency` of them at a time."""
    try:
        return (yield from _slide(context, window))
    except TaskFailedError as error:
        # An answer and no failure: the engine would wrap the reason in words of its own.
        return _failed(error)


def _slide(context: OrchestrationContext, window: dict[str, Any]) -> Steps:
    due = yield context.call_activity("list_pending", input=window, retry_policy=RETRY)
    if "stopped" in due:
        return due
    running: list[Any] = []
    stopped: dict[str, Any] | None = None
    for index in due["pending"]:
        work = {"job_id": window["job_id"], "attempt": window["attempt"], "index": index}
        running.append(context.call_activity("score_mini_batch", input=work, retry_policy=RETRY))
        if len(running) == window["max_concurrency"]:
            done = yield when_any(running)
            running.remove(done)
            stopped = _stopped(done.get_result())
            if stopped:
                break
    results = (yield when_all(running)) if running else []
    return stopped or next(filter(None, map(_stopped, results)), {"scored": window["last"]})


def _failed(error: TaskFailedError) -> dict[str, Any]:
    told = _TOLD.search(error.details.message)
    code, reason = told.groups() if told else (ScoringFailed.code, "an unexpected error, which the log explains")
    return {"failed": code, "reason": reason}


def _stopped(result: dict[str, Any]) -> dict[str, Any] | None:
    return result if "stopped" in result else None
