"""Batch jobs run by the app's own orchestrators and activities: at once in the test, or by Microsoft's engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from durabletask.client import OrchestrationStatus, TaskHubGrpcClient
from durabletask.task import CompletableTask, RetryPolicy, Task
from durabletask.worker import ConcurrencyOptions, TaskHubGrpcWorker

from devhost.engine import Engine
from shared.batch import orchestrator
from shared.batch.job import Job
from shared.triggers import batch as triggers

ACTIVITIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "plan_job": triggers.plan_job,
    "list_pending": triggers.list_pending,
    "score_mini_batch": triggers.score_mini_batch,
    "close_window": triggers.close_window,
    "promote_job": triggers.promote_job,
    "close_job": triggers.close_job,
}


class _Inline:
    """An orchestration's context in which every activity has ended, retries and all, before its call returns."""

    def __init__(self) -> None:
        self.continued: dict[str, Any] | None = None

    def continue_as_new(self, task: dict[str, Any]) -> None:
        self.continued = task

    def call_activity(self, activity: str, *, input: dict[str, Any], retry_policy: RetryPolicy) -> Task[Any]:  # noqa: A002 - the engine's own word
        task: CompletableTask[Any] = CompletableTask()
        for tries in range(1, retry_policy.max_number_of_attempts + 1):
            try:
                task.complete(ACTIVITIES[activity](input))
                break
            except Exception as error:
                if tries == retry_policy.max_number_of_attempts:
                    task.fail(f"Activity task #1 failed: {error}", error)
        return task

    def call_sub_orchestrator(self, name: str, *, input: dict[str, Any]) -> Task[Any]:  # noqa: A002 - the engine's own word
        task: CompletableTask[Any] = CompletableTask()
        task.complete(_drive(getattr(orchestrator, name)(self, input)))
        return task


def _drive(steps: Any) -> Any:
    try:
        waited_for = next(steps)
        while True:
            assert waited_for.is_complete
            if waited_for.is_failed:
                waited_for = steps.throw(waited_for.get_exception())
            else:
                waited_for = steps.send(waited_for.get_result())
    except StopIteration as ended:
        return ended.value


def run_at_once(job: Job) -> dict[str, Any]:
    """One attempt of a job in the calling thread; what is not an Exception comes through, as a death would."""
    task: dict[str, Any] | None = job.work._asdict()
    while task is not None:
        context: Any = _Inline()
        result: dict[str, Any] = _drive(orchestrator.run_job(context, task))
        task = context.continued
    return result


class Hub:
    """The engine with one worker, as in the app, and a client."""

    def __init__(self, client: TaskHubGrpcClient, engine: Engine) -> None:
        self._client = client
        self.engine = engine

    def start(self, job: Job) -> str:
        return self._client.schedule_new_orchestration(
            orchestrator.run_job,
            input=job.work._asdict(),
            # Jobs of two tests may have the same id, because the store in memory counts its ETags.
            instance_id=f"{job.work.instance_id}-{uuid4().hex}",
        )

    def wait(self, instance_id: str, timeout_s: int = 60) -> Any:
        """What the orchestration answered; it must have ended well, because the job document tells of failures."""
        state = self._client.wait_for_orchestration_completion(instance_id, timeout=timeout_s)
        assert state is not None
        assert state.runtime_status == OrchestrationStatus.COMPLETED, state.failure_details
        return state.get_output()

    def run(self, job: Job) -> Any:
        return self.wait(self.start(job))


@contextmanager
def running_hub(activity_threads: int = 16) -> Iterator[Hub]:
    engine = Engine()
    address = engine.start()
    options = ConcurrencyOptions(maximum_thread_pool_workers=activity_threads)
    try:
        with TaskHubGrpcWorker(host_address=address, concurrency_options=options) as worker:
            worker.add_orchestrator(orchestrator.run_job)
            worker.add_orchestrator(orchestrator.score_window)
            for name, activity in ACTIVITIES.items():
                worker.add_activity(_named(name, activity))
            worker.start()  # type: ignore[no-untyped-call]
            with TaskHubGrpcClient(host_address=address) as client:
                yield Hub(client, engine)
    finally:
        engine.stop()


def _named(name: str, activity: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any, dict[str, Any]], Any]:
    def run(_: Any, task: dict[str, Any]) -> dict[str, Any]:
        return activity(task)

    run.__name__ = name
    return run
