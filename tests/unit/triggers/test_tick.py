"""What the timer does: every chore in its turn, whatever became of the others."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import grpc
import pytest
from azure.durable_functions import SyncDurableFunctionsClient

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk
from shared.batch import job as jobs
from shared.batch.intake import schedules
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.errors import ConfigurationError, ScoringFailed, StorageUnavailable
from shared.models.package import ModelRef
from shared.monitoring.metrics import Metrics
from shared.monitoring.watch import Watcher
from shared.ports import Container
from shared.triggers import intake
from tests.support import endpoint
from tests.support.batch import Clock

CHORES = {
    "schedules": "shared.batch.intake.schedules.due",
    "reconciler": "shared.batch.reconciler.forsaken",
    "sweep": "shared.batch.closing.sweep",
    "purge": "shared.triggers.intake._purge",
    "watch": "shared.endpoints.watched.targets",
}


class Client:
    """What the host hands to the timer."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.purges: list[dict[str, Any]] = []

    def schedule_new_orchestration(self, orchestrator: str, input: dict[str, Any], instance_id: str) -> None:  # noqa: A002 - the engine's own word
        assert orchestrator == "run_job"
        self.started.append(input["job_id"])

    def get_orchestration_state(self, instance_id: str) -> None:
        return None

    def purge_orchestrations_by(self, **asked: Any) -> None:
        self.purges.append(asked)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, ports: BatchPorts) -> Client:
    made = Client()
    monkeypatch.setattr(SyncDurableFunctionsClient, "get_cached", lambda configuration: made)
    watcher = Watcher(ports.store, ports.now, Metrics())
    found = SimpleNamespace(batch=ports, catalog=ports.catalog, watcher=watcher)
    monkeypatch.setattr("shared.triggers.intake.services", lambda: found)
    at_the_hour(monkeypatch, 0)
    return made


def at_the_hour(monkeypatch: pytest.MonkeyPatch, minute: int) -> None:
    now = datetime(2026, 3, 1, 12, minute, tzinfo=UTC)
    monkeypatch.setattr("shared.triggers.intake.datetime", SimpleNamespace(now=lambda zone: now))


def tick() -> None:
    intake.tick(func.timer.TimerRequest(), "{}")


def submit(ports: BatchPorts, job_id: str) -> Job:
    inputs = (JobInput(location="inbox/flowers/a.csv"),)
    return desk.submit(ports.store, jobs.new(job_id, "flowers", inputs, "me", ports.now()))


@pytest.fixture
def due(store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef) -> dict[str, str]:
    """A job for each chore that starts or sweeps one, by the chore's name; and an endpoint to be watched."""
    schedule = {"name": "hourly", "cron": "0 0 * * * *", "input": "inbox/flowers/nightly/"}
    endpoint.publish(store, iris_ref, batch={"schedules": [schedule]}, monitoring={})
    assert list(schedules.due(ports)) == []
    closing.fail(ports, submit(ports, "rest-over").work, ScoringFailed("no"))
    submit(ports, "rest-forsaken")
    clock.go_on(hours=1)
    scheduled = jobs.scheduled_id("flowers", "hourly", clock())
    return {"schedules": scheduled, "reconciler": "rest-forsaken", "sweep": "rest-over"}


def done(store: MemoryBlobs, client: Client, due: dict[str, str]) -> set[str]:
    found = {chore for chore, job_id in due.items() if job_id in client.started}
    if desk.read(store, due["sweep"]).swept:
        found.add("sweep")
    if any(store.list(Container.METRICS)):
        found.add("watch")
    return found | ({"purge"} if client.purges else set())


def test_a_tick_does_every_chore(store: MemoryBlobs, client: Client, due: dict[str, str]) -> None:
    tick()
    assert done(store, client, due) == set(CHORES)


@pytest.mark.parametrize("chore", CHORES)
@pytest.mark.parametrize(
    "error", [StorageUnavailable("try again"), ConfigurationError("no"), grpc.RpcError("gone"), ValueError("a defect")]
)
def test_a_chore_that_fails_holds_up_none_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
    store: MemoryBlobs,
    client: Client,
    due: dict[str, str],
    caplog: pytest.LogCaptureFixture,
    chore: str,
    error: Exception,
) -> None:
    def fail(*given: Any) -> None:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(CHORES[chore], fail)
        tick()
    assert done(store, client, due) == set(CHORES) - {chore}
    assert "this tick did not do all it should" in caplog.text
    tick()
    assert done(store, client, due) == set(CHORES)


def test_an_engine_that_does_not_answer_holds_up_no_sweep(
    monkeypatch: pytest.MonkeyPatch, store: MemoryBlobs, client: Client, due: dict[str, str]
) -> None:
    def fail(**given: Any) -> None:
        raise grpc.RpcError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(client, "schedule_new_orchestration", fail)
        tick()
    assert done(store, client, due) == {"sweep", "purge", "watch"}


def test_a_tick_sweeps_for_a_while_and_the_next_one_goes_on(
    monkeypatch: pytest.MonkeyPatch, store: MemoryBlobs, client: Client, due: dict[str, str]
) -> None:
    with monkeypatch.context() as short:
        short.setattr("shared.triggers.intake._SWEEP_S", -1.0)
        tick()
    assert store.find(Container.JOBS, "ended/rest-over.0") is not None
    tick()
    assert store.find(Container.JOBS, "ended/rest-over.0") is None


def test_the_engines_records_are_purged_once_an_hour(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    for minute in range(60):
        at_the_hour(monkeypatch, minute)
        tick()
    (asked,) = client.purges
    assert asked["created_time_to"] == datetime(2026, 2, 28, 12, 0, tzinfo=UTC)
    assert {status.name for status in asked["runtime_status"]} == {"COMPLETED", "FAILED", "TERMINATED"}
