"""What works on batch jobs: the orchestrations, their activities, and how one is started."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NotRequired, TypedDict

import azure.functions as func
import grpc
from azure.durable_functions import Blueprint, DurableFunctionsClient, SyncDurableFunctionsClient

from shared.batch import orchestrator
from shared.batch.job import Job
from shared.batch.work import Work
from shared.errors import JobCanceled, ScoringFailed, SlipwayError, StaleAttempt
from shared.services import services

_log = logging.getLogger(__name__)


class Task(TypedDict):
    """What an activity is given. `index`: which mini-batch; `first`, `last`: which of them; `code`, `reason`: why it
    ends.
    """

    job_id: str
    attempt: int
    run: int
    index: NotRequired[int]
    first: NotRequired[int]
    last: NotRequired[int]
    code: NotRequired[str]
    reason: NotRequired[str]


blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)
# The engine names orchestrations by these functions' names.
for _orchestration in (orchestrator.run_job, orchestrator.score_window):
    blueprint.orchestration_trigger(context_name="context")(_orchestration)


def start(client: SyncDurableFunctionsClient, job: Job) -> None:
    """Starting an attempt that runs already changes nothing."""
    with _only_once():
        client.schedule_new_orchestration(**_orchestration_of(job))


async def start_online(client: DurableFunctionsClient, job: Job) -> None:
    """The same with the client that the host hands to a coroutine."""
    with _only_once():
        await client.schedule_new_orchestration(**_orchestration_of(job))


def _orchestration_of(job: Job) -> dict[str, Any]:
    name = orchestrator.run_job.__name__
    return {"orchestrator": name, "input": job.work._asdict(), "instance_id": job.work.instance_id}


@contextmanager
def _only_once() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ALREADY_EXISTS:
            raise


def is_running(client: SyncDurableFunctionsClient, job: Job) -> bool:
    state = client.get_orchestration_state(job.work.instance_id)
    return state is not None and state.runtime_status.name in ("PENDING", "RUNNING")


# The activities bring pyarrow with them, which indexing the functions does not need.


@blueprint.activity_trigger("task")
def plan_job(task: Task) -> dict[str, Any]:
    def plan(work: Work) -> dict[str, Any]:
        from shared.batch import planner

        manifest = planner.plan_job(work, services().batch)
        return {"mini_batches": manifest.mini_batches, "max_concurrency": manifest.settings.max_concurrency}

    return _step(task, plan)


@blueprint.activity_trigger("task")
def list_pending(task: Task) -> dict[str, Any]:
    def pending(work: Work) -> dict[str, Any]:
        from shared.batch import windows

        return {"pending": windows.list_pending(work, task["first"], task["last"], services().batch)}

    return _step(task, pending)


@blueprint.activity_trigger("task")
def score_mini_batch(task: Task) -> dict[str, Any]:
    def score(work: Work) -> dict[str, Any]:
        from shared.batch import mini_batch

        entry = mini_batch.score_mini_batch(work, task["index"], services().batch)
        return {"predicted": entry.predicted, "rejected": entry.rejected}

    return _step(task, score)


@blueprint.activity_trigger("task")
def close_window(task: Task) -> dict[str, Any]:
    def close(work: Work) -> dict[str, Any]:
        from shared.batch import windows

        return {"scored": windows.close_window(work, task["first"], services().batch).rows}

    return _step(task, close)


@blueprint.activity_trigger("task")
def promote_job(task: Task) -> dict[str, Any]:
    def promote(work: Work) -> dict[str, Any]:
        from shared.batch import promotion

        return {"status": promotion.promote_job(work, services().batch).status}

    return _step(task, promote)


@blueprint.activity_trigger("task")
def close_job(task: Task) -> dict[str, Any]:
    def close(work: Work) -> dict[str, Any]:
        from shared.batch import ending

        return {"closed": ending.end(services().batch, work, task["code"], task["reason"])}

    return _step(task, close)


def _step(task: Task, step: Callable[[Work], dict[str, Any]]) -> dict[str, Any]:
    """What is raised is for the retry policy, and told in a sentence; the stack stays in the log."""
    work = Work(task["job_id"], task["attempt"], task["run"])
    try:
        with services().batch.pulse.alive(work):
            return _settled(work, step)
    except SlipwayError as error:
        _log.warning("job %s: %s: %s", work.job_id, error.code, error.message)
        raise orchestrator.StepFailed(error) from None
    except Exception:
        _log.exception("job %s: a step failed", work.job_id)
        unexpected = ScoringFailed("an unexpected error, which the log explains under the job's id")
        raise orchestrator.StepFailed(unexpected) from None


def _settled(work: Work, step: Callable[[Work], dict[str, Any]]) -> dict[str, Any]:
    """An error that trying again cannot mend is an answer; every other one is raised."""
    try:
        return step(work)
    except StaleAttempt as error:
        _log.info("%s", error.message)
        return {"stopped": error.code}
    except SlipwayError as error:
        if error.retryable:
            raise
        if not isinstance(error, JobCanceled):
            _log.warning("job %s: %s: %s", work.job_id, error.code, error.message)
        return {"over": error.code, "reason": error.message}
