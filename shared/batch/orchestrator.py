"""A batch job as a durable orchestration: plan, score every mini-batch in a sliding window, promote.

Only ids and counts cross the durable boundary. An activity answers {"stopped": code} when the job is over for good
(it has then written why), and raises when trying again may help.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any, Final

from durabletask.task import OrchestrationContext, RetryPolicy, TaskFailedError, when_all, when_any

type Steps = Generator[Any, Any, Any]

# A sub-orchestration's history stays short: every step of it is a replay of the steps before.
WINDOW_SIZE: Final = 200
RETRY: Final = RetryPolicy(
    first_retry_interval=timedelta(seconds=1),
    max_number_of_attempts=4,
    backoff_coefficient=2,
    max_retry_interval=timedelta(seconds=30),
)


def run_job(context: OrchestrationContext, task: dict[str, Any]) -> Steps:
    """`task`: {"job_id", "attempt"}."""
    try:
        plan = yield context.call_activity("plan_job", input=task, retry_policy=RETRY)
        if "stopped" in plan:
            return plan
        for first in range(0, plan["mini_batches"], WINDOW_SIZE):
            last = min(first + WINDOW_SIZE, plan["mini_batches"])
            window = {**task, "first": first, "last": last, "max_concurrency": plan["max_concurrency"]}
            scored = yield context.call_sub_orchestrator("score_window", input=window)
            if "stopped" in scored:
                return scored
        return (yield context.call_activity("promote_job", input=task, retry_policy=RETRY))
    except TaskFailedError as error:
        failure = {**task, "reason": str(error)}
        return (yield context.call_activity("fail_job", input=failure, retry_policy=RETRY))


def score_window(context: OrchestrationContext, window: dict[str, Any]) -> Steps:
    """Scores mini-batches [first, last), `max_concurrency` of them at a time."""
    running: list[Any] = []
    stopped: dict[str, Any] | None = None
    for index in range(window["first"], window["last"]):
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


def _stopped(result: dict[str, Any]) -> dict[str, Any] | None:
    return result if "stopped" in result else None
