"""A job is planned once: model, inputs and mini-batches are pinned, or a reason is told."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk
from shared.batch import job as jobs
from shared.batch.job import Event, Job, JobInput, JobStatus
from shared.batch.manifest import Manifest, PlanPage
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.errors import (
    DeploymentNotFound,
    EndpointNotFound,
    InputChanged,
    StaleAttempt,
    UnreadableInput,
)
from shared.models.package import ModelRef
from shared.ports import Container, Place
from tests.support import endpoint, iris
from tests.support.batch import Clock, WatchedStore, drop, make_ports

HEADER = b",".join(name.encode() for name in iris.COLUMNS)


@pytest.fixture
def flowers(store: MemoryBlobs, iris_ref: ModelRef) -> ModelRef:
    """The model of an endpoint `flowers`, whose mini-batches have 4 rows."""
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4, "max_concurrency": 3, "error_threshold": 2})
    return iris_ref


def plan(ports: BatchPorts, job: Job) -> Manifest:
    return plan_job(job.work, ports)


def page(ports: BatchPorts, job: Job) -> PlanPage:
    return ports.manifests.page(job.work, 0)[0]


def spans(found: PlanPage) -> list[tuple[int, int, int]]:
    """Of every mini-batch the file, the first row and the rows; of tables."""
    return [(span.file, span.first_row, span.rows) for each in found.mini_batches for span in each.spans]


def on_prefix(ports: BatchPorts, *locations: str) -> Job:
    inputs = tuple(JobInput(location=location) for location in locations or ("inbox/flowers/nightly/",))
    return desk.submit(ports.store, jobs.new("schedule-1", "flowers", inputs, "s", ports.now()))


def test_a_plan_pins_model_input_and_settings(ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    made = plan(ports, job)
    assert (made.endpoint, made.revision, made.deployment, made.model.ref) == ("flowers", 1, "blue", flowers)
    assert (made.settings.max_concurrency, made.settings.error_threshold, made.planned_at) == (3, 2, ports.now())
    assert (made.mini_batches, made.rows, made.member, made.params) == (3, 10, "", {})
    found = page(ports, job)
    (file,) = found.files
    assert (file.path, file.etag, file.columns) == ("inbox/flowers/month.csv", job.inputs[0].etag, iris.COLUMNS)
    assert (file.place, file.size_bytes) == (Place("", Container.INBOX, "flowers/month.csv"), len(iris.csv(10)))
    assert spans(found) == [(0, 0, 4), (0, 4, 4), (0, 8, 2)]
    cut = [each.spans[0] for each in found.mini_batches]
    ends = [span.offset + span.length for span in cut]
    assert [span.offset for span in cut] == [len(HEADER) + 1, *ends[:-1]]
    assert ends[-1] == len(iris.csv(10))
    running = desk.read(ports.store, job.id)
    assert (running.status, running.started_at, running.model_version) == (JobStatus.RUNNING, ports.now(), "iris/1")


def test_planning_again_gives_the_same_plan_whatever_has_changed(
    store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef, clock: Clock
) -> None:
    job = drop(ports, iris.csv(10))
    first = plan(ports, job)
    started = desk.read(store, job.id).started_at
    clock.go_on(minutes=1)
    endpoint.publish(store, flowers, batch={"mini_batch_size": 1})
    store.delete(Container.INBOX, "flowers/month.csv")
    assert plan(make_ports(store, clock), job) == first
    assert desk.read(store, job.id).started_at == started


def test_of_two_plans_at_once_the_first_counts(store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    watched = WatchedStore(store)
    other: list[Manifest] = []

    def be_faster(operation: str) -> None:
        if operation == f"write jobs/{job.id}/1/manifest.json":
            endpoint.publish(store, flowers, batch={"mini_batch_size": 1})
            other.append(plan(make_ports(store, ports.now, ports.loader), job))

    watched.before = be_faster
    assert plan(make_ports(watched, ports.now, ports.loader), job) == other[0]
    assert other[0].mini_batches == 10


def test_the_deployment_with_the_most_traffic_scores_unless_another_is_named(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    both = {name: {"model": iris_ref._asdict()} for name in ("blue", "green")}
    endpoint.publish(store, iris_ref, deployments=both, traffic={"blue": 40, "green": 60})
    assert plan(ports, drop(ports, iris.csv(1))).deployment == "green"


def test_an_endpoint_without_traffic_has_no_deployment_for_batch(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    endpoint.publish(store, iris_ref, traffic={})
    with pytest.raises(DeploymentNotFound, match="has no deployment for batch"):
        plan(ports, drop(ports, iris.csv(1)))


def test_a_prefix_is_planned_file_by_file_without_the_empty_ones(ports: BatchPorts, flowers: ModelRef) -> None:
    names = ["nightly/b.csv", "nightly/a.csv", "nightly/deep/er/c.csv", "nightly/", "nightly/empty", "nightly2/d.csv"]
    for name, data in zip(names, [iris.csv(5), iris.csv(2), iris.csv(1), b"", b"", iris.csv(9)], strict=True):
        ports.store.write(Container.INBOX, f"flowers/{name}", data)
    job = on_prefix(ports)
    plan(ports, job)
    found = page(ports, job)
    assert [file.blob for file in found.files] == [
        "flowers/nightly/a.csv",
        "flowers/nightly/b.csv",
        "flowers/nightly/deep/er/c.csv",
    ]
    assert spans(found) == [(0, 0, 2), (1, 0, 4), (1, 4, 1), (2, 0, 1)]


def test_a_prefix_without_files_is_told(ports: BatchPorts, flowers: ModelRef) -> None:
    with pytest.raises(UnreadableInput, match="there is no file at inbox/flowers/nightly/"):
        plan(ports, on_prefix(ports))


def test_one_unreadable_file_of_a_prefix_is_named(ports: BatchPorts, flowers: ModelRef) -> None:
    ports.store.write(Container.INBOX, "flowers/nightly/a.csv", iris.csv(1))
    ports.store.write(Container.INBOX, "flowers/nightly/b.csv", b"nothing\n1\n")
    with pytest.raises(UnreadableInput, match=r"^inbox/flowers/nightly/b\.csv: the header lacks the columns"):
        plan(ports, on_prefix(ports))


def test_a_blob_without_an_etag_is_pinned_as_it_is(ports: BatchPorts, flowers: ModelRef) -> None:
    etag = ports.store.write(Container.INBOX, "flowers/fixed.csv", iris.csv(1))
    job = on_prefix(ports, "inbox/flowers/fixed.csv")
    plan(ports, job)
    assert [file.etag for file in page(ports, job).files] == [etag]


def test_a_file_that_cannot_be_read_is_told_with_its_name(ports: BatchPorts, flowers: ModelRef) -> None:
    with pytest.raises(UnreadableInput) as raised:
        plan(ports, drop(ports, b"sepal_length,note\n1,2\n"))
    assert raised.value.message == "inbox/flowers/month.csv: the header lacks the columns sepal_width, petal_length"


def test_an_endpoint_that_does_not_exist_is_told(ports: BatchPorts) -> None:
    with pytest.raises(EndpointNotFound, match="there is no endpoint 'weeds'"):
        plan(ports, drop(ports, iris.csv(1), "weeds/a.csv"))


@pytest.mark.parametrize(("changed", "reason"), [(None, "is not there any more"), (b"other", "was changed since")])
def test_an_input_that_is_not_what_was_dropped_is_told(
    ports: BatchPorts, flowers: ModelRef, changed: bytes | None, reason: str
) -> None:
    job = drop(ports, iris.csv(1))
    _change(ports, changed)
    with pytest.raises(InputChanged, match=f"inbox/flowers/month.csv {reason}"):
        plan(ports, job)


@pytest.mark.parametrize("changed", [None, b"other"])
def test_an_input_that_changes_while_it_is_read_is_told(
    store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef, changed: bytes | None
) -> None:
    job = drop(ports, iris.csv(1))
    watched = WatchedStore(store)
    watched.after = lambda operation: _change(ports, changed) if operation.startswith("find inbox") else None
    with pytest.raises(InputChanged, match=r"inbox/flowers/month\.csv was changed or removed since"):
        plan(make_ports(watched, ports.now, ports.loader), job)


def _change(ports: BatchPorts, data: bytes | None) -> None:
    if data is None:
        ports.store.delete(Container.INBOX, "flowers/month.csv")
    else:
        ports.store.write(Container.INBOX, "flowers/month.csv", data)


def test_an_attempt_that_was_overtaken_does_not_move_the_job(ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    desk.take_over(ports.store, job, ports.now())
    with pytest.raises(StaleAttempt):
        plan(ports, job)
    assert ports.manifests.find(job.work) is None


def test_a_job_that_was_promoting_stays_so_when_it_is_gone_on_with(ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    first = plan(ports, job)
    desk.move(ports.store, job.work, Event.FINALIZE, ports.now())
    assert plan(ports, job) == first
    assert desk.read(ports.store, job.id).status == JobStatus.FINALIZING
