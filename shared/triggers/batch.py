"""Batch jobs: what starts them, what works on them, and how they are looked at."""

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

import azure.functions as func
import grpc
from azure.durable_functions import Blueprint, SyncDurableFunctionsClient

from shared.auth.access import Role, require
from shared.batch import intake, orchestrator, planner, progress, promotion, reconciler, schedules
from shared.batch import job as jobs
from shared.batch.job import Job
from shared.errors import ScoringFailed, SlipwayError, StaleAttempt
from shared.ports import Container
from shared.services import services
from shared.settings import DATA_CONNECTION, read_trigger_settings
from shared.triggers.dropped import BlobReference
from shared.triggers.http import Call, Reply, json_reply
from shared.triggers.routes import route

_log = logging.getLogger(__name__)


class Task(TypedDict):
    """What an activity is given. `index`: which mini-batch; `first`, `last`: which of them; `reason`: of a failure."""

    job_id: str
    attempt: int
    index: NotRequired[int]
    first: NotRequired[int]
    last: NotRequired[int]
    reason: NotRequired[str]


_source, _tick_schedule = read_trigger_settings(os.environ)

blueprint = Blueprint(http_auth_level=func.AuthLevel.ANONYMOUS)
# The engine names orchestrations by these functions' names.
for _orchestration in (orchestrator.run_job, orchestrator.score_window):
    blueprint.orchestration_trigger(context_name="context")(_orchestration)


@blueprint.blob_trigger("blob", f"{Container.INBOX}/{{name}}", DATA_CONNECTION, source=func.BlobSource(_source))
@blueprint.durable_client_input("client")
def drop(blob: BlobReference, client: SyncDurableFunctionsClient) -> None:
    ports = services().batch
    found = ports.store.find(Container.INBOX, blob.name)
    if found is None:
        _log.warning("%s/%s was taken away before its job could start", Container.INBOX, blob.name)
        return
    job = intake.drop(found.name, found.etag, ports)
    if job is not None:
        _start(client, job)


@blueprint.timer_trigger("timer", _tick_schedule)
@blueprint.durable_client_input("client")
def tick(timer: func.TimerRequest, client: SyncDurableFunctionsClient) -> None:
    try:
        ports = services().batch
        for found in (schedules.due(ports), reconciler.forsaken(ports, lambda job: _is_running(client, job))):
            for job in found:
                _start(client, job)
    except SlipwayError as error:
        _log.warning("this tick did not do all it should, the next one will: %s", error.message)


def _is_running(client: SyncDurableFunctionsClient, job: Job) -> bool:
    state = client.get_orchestration_state(jobs.instance_id(job))
    return state is not None and state.runtime_status.name in ("PENDING", "RUNNING")


def _start(client: SyncDurableFunctionsClient, job: Job) -> None:
    """Starting an attempt that runs already changes nothing."""
    try:
        client.schedule_new_orchestration(
            orchestrator.run_job.__name__,
            input={"job_id": job.id, "attempt": job.attempt},
            instance_id=jobs.instance_id(job),
        )
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.ALREADY_EXISTS:
            raise


@blueprint.activity_trigger("task")
def plan_job(task: Task) -> dict[str, Any]:
    def plan() -> dict[str, Any]:
        manifest = planner.plan_job(task["job_id"], task["attempt"], services().batch)
        return {"mini_batches": len(manifest.mini_batches), "max_concurrency": manifest.max_concurrency}

    return _step(task, plan)


@blueprint.activity_trigger("task")
def list_pending(task: Task) -> dict[str, Any]:
    def pending() -> dict[str, Any]:
        from shared.batch import mini_batch  # brings pyarrow, which indexing the functions does not need

        missing = mini_batch.list_pending(
            task["job_id"], task["attempt"], task["first"], task["last"], services().batch
        )
        return {"pending": missing}

    return _step(task, pending)


@blueprint.activity_trigger("task")
def score_mini_batch(task: Task) -> dict[str, Any]:
    def score() -> dict[str, Any]:
        from shared.batch import mini_batch

        entry = mini_batch.score_mini_batch(task["job_id"], task["attempt"], task["index"], services().batch)
        return {"predicted": entry.predicted, "rejected": entry.rejected}

    return _step(task, score)


@blueprint.activity_trigger("task")
def promote_job(task: Task) -> dict[str, Any]:
    def promote() -> dict[str, Any]:
        return {"status": promotion.promote_job(task["job_id"], task["attempt"], services().batch).status}

    return _step(task, promote)


@blueprint.activity_trigger("task")
def fail_job(task: Task) -> dict[str, Any]:
    reason = ScoringFailed(f"a step of the job failed again and again: {task['reason']}")

    def fail() -> dict[str, Any]:
        jobs.fail(services().store, task["job_id"], task["attempt"], reason, datetime.now(UTC))
        return {"stopped": reason.code}

    return _step(task, fail)


def _step(task: Task, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What is raised is for the retry policy, and told in a sentence; the stack stays in the log."""
    try:
        with services().batch.alive(task["job_id"], task["attempt"]):
            return _settled(task, step)
    except SlipwayError as error:
        _log.warning("job %s: %s: %s", task["job_id"], error.code, error.message)
        raise orchestrator.StepFailed(error) from None
    except Exception:
        _log.exception("job %s: a step failed", task["job_id"])
        unexpected = ScoringFailed("an unexpected error, which the log explains under the job's id")
        raise orchestrator.StepFailed(unexpected) from None


def _settled(task: Task, step: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """An error that trying again cannot mend closes the job; every other one is raised."""
    try:
        return step()
    except StaleAttempt as error:
        _log.info("%s", error.message)
        return {"stopped": error.code}
    except SlipwayError as error:
        if error.retryable:
            raise
        _log.warning("job %s: %s: %s", task["job_id"], error.code, error.message)
        jobs.fail(services().store, task["job_id"], task["attempt"], error, datetime.now(UTC))
        return {"stopped": error.code}


async def _read_job(call: Call) -> Reply:
    principal = await services().authenticator.authenticate(call.header("authorization"))
    require(principal, Role.BATCH, Role.READ)
    endpoint = await services().catalog.read_online(call.route("endpoint"))
    require(principal, Role.BATCH, Role.READ, allowed_object_ids=endpoint.revision.allowed_object_ids or None)
    return json_reply(await asyncio.to_thread(progress.describe, services().batch, endpoint.name, call.route("job")))


route(blueprint, "read_job", "endpoints/{endpoint}/jobs/{job}", {"GET": _read_job})
