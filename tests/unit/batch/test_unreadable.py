"""A document that this version cannot read, and what is nobody's, hold up nothing else."""

from collections.abc import Iterable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk, progress
from shared.batch import job as jobs
from shared.batch.intake import schedules
from shared.batch.job import MAX_ATTEMPTS, Event, Job, JobInput, JobStatus
from shared.batch.manifest import Manifests
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.reconciler import forsaken
from shared.batch.work import Work
from shared.errors import ConfigurationError, ScoringFailed
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import Clock, drop, make_ports, not_running

LATER = b'{"schema_version": 3}'
UNREADABLE = [b"", b"{", b"\xff", LATER]
STRAYS = ["x", "x.", "x.y", "x.-1", "x.1.2", "deep/x.0", "", ".0", "x.99999999999999999999"]


def submit(ports: BatchPorts, job_id: str) -> Job:
    inputs = (JobInput(location="inbox/flowers/a.csv"),)
    return desk.submit(ports.store, jobs.new(job_id, "flowers", inputs, "me", ports.now()))


def spoil(store: MemoryBlobs, job_id: str, data: bytes = LATER) -> None:
    store.write(Container.JOBS, f"{job_id}/job.json", data)


def ids(found: Iterable[Job]) -> list[str]:
    return [job.id for job in found]


@pytest.mark.parametrize("data", UNREADABLE)
def test_a_job_that_cannot_be_read_is_a_matter_of_deployment(
    store: MemoryBlobs, ports: BatchPorts, data: bytes
) -> None:
    submit(ports, "rest-1")
    spoil(store, "rest-1", data)
    with pytest.raises(ConfigurationError, match="the document of job 'rest-1' cannot be read by this version"):
        desk.read(store, "rest-1")


@pytest.mark.parametrize("data", UNREADABLE)
def test_the_reconciler_goes_on_with_the_others(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, data: bytes
) -> None:
    for name in ("rest-1", "rest-2", "rest-3"):
        submit(ports, name)
    spoil(store, "rest-1", data)
    store.write(Container.JOBS, "active/rest-0.0", data)
    clock.go_on(minutes=6)
    assert ids(forsaken(ports, not_running)) == ["rest-2", "rest-3"]


def test_the_sweep_goes_on_with_the_others(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    for name in ("rest-1", "rest-2"):
        closing.fail(ports, submit(ports, name).work, ScoringFailed("no"))
        store.write(Container.STAGING, f"{name}/1/ledger/a", b"x")
    spoil(store, "rest-1")
    clock.go_on(hours=2)
    closing.sweep(ports)
    assert [item.name for item in store.list(Container.STAGING)] == ["rest-1/1/ledger/a"]
    assert [item.name for item in store.list(Container.JOBS, "ended/")] == ["ended/rest-1.0"]


def test_the_list_leaves_it_out(store: MemoryBlobs, ports: BatchPorts, clock: Clock) -> None:
    for name in ("rest-1", "rest-2", "rest-3"):
        submit(ports, name)
        clock.go_on(minutes=1)
    spoil(store, "rest-2")
    found, marker = progress.listed(ports, "flowers", 100, "", frozenset(), None)
    assert ([each["id"] for each in found], marker) == (["rest-3", "rest-1"], "")


@pytest.mark.parametrize("overlap", ["allow", "skip"])
def test_schedules_go_on(store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef, overlap: str) -> None:
    """Also that whose last job it is: nobody here works on that one."""
    runs = [
        {"name": name, "cron": "0 0 * * * *", "input": "inbox/flowers/nightly/", "overlap": overlap}
        for name in ("one", "two")
    ]
    endpoint.publish(store, iris_ref, batch={"schedules": runs})
    assert list(schedules.due(ports)) == []
    clock.go_on(hours=1)
    first = ids(schedules.due(ports))
    spoil(store, first[0])
    store.write(Container.JOBS, f"{first[1]}/job.json", b"")
    clock.go_on(hours=1)
    assert ids(schedules.due(ports)) == [jobs.scheduled_id("flowers", name, clock()) for name in ("one", "two")]


def test_of_an_endpoints_schedules_one_whose_next_job_cannot_be_read_holds_up_none(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef, caplog: pytest.LogCaptureFixture
) -> None:
    runs = [{"name": name, "cron": "0 0 * * * *", "input": "inbox/flowers/nightly/"} for name in ("one", "two")]
    endpoint.publish(store, iris_ref, batch={"schedules": runs})
    assert list(schedules.due(ports)) == []
    clock.go_on(hours=1)
    mine, other = (jobs.scheduled_id("flowers", name, clock()) for name in ("one", "two"))
    spoil(store, mine)
    assert ids(schedules.due(ports)) == [other]
    assert f"schedule one of endpoint flowers is not run: the document of job '{mine}' cannot be read" in caplog.text


@pytest.mark.parametrize("stray", STRAYS)
@pytest.mark.parametrize(
    "metadata", [{}, {"until": "2026-01-01T00:00:00+00:00"}, {"until": "soon"}, {"until": "2026-01-01"}]
)
def test_what_is_no_mark_stops_nothing(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, stray: str, metadata: dict[str, str]
) -> None:
    closing.fail(ports, submit(ports, "rest-over").work, ScoringFailed("no"))
    submit(ports, "rest-1")
    for folder in ("active", "ended"):
        store.write(Container.JOBS, f"{folder}/{stray}", b"by hand", metadata=metadata)
    clock.go_on(hours=2)
    assert ids(forsaken(ports, not_running)) == ["rest-1"]
    closing.sweep(ports)
    assert desk.read(store, "rest-over").swept


@pytest.mark.parametrize("document", ["manifest.json", "plan"])
def test_a_plan_that_cannot_be_read_is_a_matter_of_deployment(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef, document: str
) -> None:
    endpoint.publish(store, iris_ref)
    work = spoiled_plan(store, ports, document)
    with pytest.raises(ConfigurationError, match=f"the plan of job '{work.job_id}' cannot be read by this version"):
        Manifests(store).page(work, 0)


def test_a_plan_that_cannot_be_read_does_not_hold_up_the_other_jobs(
    store: MemoryBlobs, ports: BatchPorts, clock: Clock, iris_ref: ModelRef
) -> None:
    endpoint.publish(store, iris_ref)
    work = spoiled_plan(store, ports, "manifest.json")
    desk.move(store, work, Event.FINALIZE, clock())
    tired = desk.read(store, work.job_id).model_copy(update={"attempt": MAX_ATTEMPTS})
    store.write(Container.JOBS, f"{tired.id}/job.json", tired.model_dump_json().encode())
    submit(ports, "rest-1")
    clock.go_on(minutes=6)
    assert ids(forsaken(make_ports(store, clock, ports.loader), not_running)) == ["rest-1"]
    assert desk.read(store, tired.id).status == JobStatus.FINALIZING


def spoiled_plan(store: MemoryBlobs, ports: BatchPorts, document: str) -> Work:
    job = drop(ports, iris.csv(2))
    plan_job(job.work, make_ports(store, ports.now, ports.loader))
    for item in list(store.list(Container.JOBS, job.work.path(document))):
        store.write(Container.JOBS, item.name, LATER)
    return job.work
