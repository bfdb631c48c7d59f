"""A job is planned once: model, inputs and mini-batches are pinned, or a reason is told."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import job as jobs
from shared.batch.job import Event, Job, JobInput, JobStatus
from shared.batch.manifest import Manifest
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.errors import (
    DeploymentNotFound,
    EndpointNotFound,
    InputChanged,
    StaleAttempt,
    UnreadableInput,
)
from shared.models.package import ModelPackage, ModelRef, digest_of, package_path
from shared.models.signature import Signature, Tensor
from shared.ports import Container
from tests.support import endpoint, iris
from tests.support.batch import Clock, WatchedStore, drop, make_ports

HEADER = b",".join(name.encode() for name in iris.COLUMNS)


@pytest.fixture
def flowers(store: MemoryBlobs, iris_ref: ModelRef) -> ModelRef:
    """The model of an endpoint `flowers`, whose mini-batches have 4 rows."""
    endpoint.publish(store, iris_ref, batch={"mini_batch_size": 4, "max_concurrency": 3, "error_threshold": 2})
    return iris_ref


def plan(ports: BatchPorts, job: Job) -> Manifest:
    return plan_job(job.id, job.attempt, ports)


def on_prefix(ports: BatchPorts, path: str = "inbox/flowers/nightly/") -> Job:
    return jobs.submit(ports.store, jobs.new("schedule-1", "flowers", JobInput(path=path, etag=None), "s", ports.now()))


def test_a_plan_pins_model_input_and_settings(ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    made = plan(ports, job)
    assert (made.endpoint, made.revision, made.deployment, made.model.ref) == ("flowers", 1, "blue", flowers)
    assert (made.max_concurrency, made.error_threshold, made.planned_at) == (3, 2, ports.now())
    (file,) = made.files
    assert (file.path, file.etag, file.columns) == ("inbox/flowers/month.csv", job.input.etag, iris.COLUMNS)
    assert (file.container, file.blob) == (Container.INBOX, "flowers/month.csv")
    assert [(work.first_row, work.rows) for work in made.mini_batches] == [(0, 4), (4, 4), (8, 2)]
    ends = [work.offset + work.length for work in made.mini_batches]
    assert [work.offset for work in made.mini_batches] == [len(HEADER) + 1, *ends[:-1]]
    assert ends[-1] == len(iris.csv(10))
    running = jobs.read(ports.store, job.id)
    assert (running.status, running.started_at) == (JobStatus.RUNNING, ports.now())


def test_planning_again_gives_the_same_plan_whatever_has_changed(
    store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef, clock: Clock
) -> None:
    job = drop(ports, iris.csv(10))
    first = plan(ports, job)
    started = jobs.read(store, job.id).started_at
    clock.go_on(minutes=1)
    endpoint.publish(store, flowers, batch={"mini_batch_size": 1})
    store.delete(Container.INBOX, "flowers/month.csv")
    assert plan(make_ports(store, clock), job) == first
    assert jobs.read(store, job.id).started_at == started


def test_of_two_plans_at_once_the_first_counts(store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    watched = WatchedStore(store)
    other: list[Manifest] = []

    def be_faster(operation: str) -> None:
        if operation == f"write jobs/{job.id}/manifest.json":
            endpoint.publish(store, flowers, batch={"mini_batch_size": 1})
            other.append(plan(make_ports(store, ports.now, ports.loader), job))

    watched.before = be_faster
    assert plan(make_ports(watched, ports.now, ports.loader), job) == other[0]
    assert len(other[0].mini_batches) == 10


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
    made = plan(ports, on_prefix(ports))
    assert [file.blob for file in made.files] == [
        "flowers/nightly/a.csv",
        "flowers/nightly/b.csv",
        "flowers/nightly/deep/er/c.csv",
    ]
    assert [(work.file, work.first_row, work.rows) for work in made.mini_batches] == [
        (0, 0, 2),
        (1, 0, 4),
        (1, 4, 1),
        (2, 0, 1),
    ]


def test_a_prefix_without_files_is_told(ports: BatchPorts, flowers: ModelRef) -> None:
    with pytest.raises(UnreadableInput, match="there is no file below inbox/flowers/nightly/"):
        plan(ports, on_prefix(ports))


def test_one_unreadable_file_of_a_prefix_is_named(ports: BatchPorts, flowers: ModelRef) -> None:
    ports.store.write(Container.INBOX, "flowers/nightly/a.csv", iris.csv(1))
    ports.store.write(Container.INBOX, "flowers/nightly/b.csv", b"\x00")
    with pytest.raises(UnreadableInput, match=r"^inbox/flowers/nightly/b\.csv: the file holds binary data"):
        plan(ports, on_prefix(ports))


def test_a_blob_without_an_etag_is_pinned_as_it_is(ports: BatchPorts, flowers: ModelRef) -> None:
    etag = ports.store.write(Container.INBOX, "flowers/fixed.csv", iris.csv(1))
    made = plan(ports, on_prefix(ports, "inbox/flowers/fixed.csv"))
    assert [file.etag for file in made.files] == [etag]


def test_columns_may_come_in_any_order_with_others_between_and_the_optional_one_missing(
    ports: BatchPorts, flowers: ModelRef
) -> None:
    made = plan(ports, drop(ports, b"petal_length,note,sepal_width,sepal_length\n1,x,2,3\n"))
    assert made.files[0].columns == ("petal_length", "note", "sepal_width", "sepal_length")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty: a CSV with a header line is needed"),
        (b"\x00\x01", "the file holds binary data: a CSV in UTF-8 is needed"),
        (b"sepal_length,note\n1,2\n", "the header lacks the columns sepal_width, petal_length"),
        (HEADER.upper() + b"\n", "the header lacks the columns sepal_length, sepal_width, petal_length"),
        (HEADER + b'\n1,2,3,"4\n', "a quote is opened and never closed"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_name(
    ports: BatchPorts, flowers: ModelRef, data: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableInput) as raised:
        plan(ports, drop(ports, data))
    assert raised.value.message == f"inbox/flowers/month.csv: {reason}"


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


@pytest.mark.parametrize(("changed", "reason"), [(None, "is not there any more"), (b"other", "was changed while")])
def test_an_input_that_changes_while_it_is_read_is_told(
    store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef, changed: bytes | None, reason: str
) -> None:
    job = drop(ports, iris.csv(1))
    watched = WatchedStore(store)
    watched.after = lambda operation: _change(ports, changed) if operation.startswith("read inbox") else None
    with pytest.raises(InputChanged, match=f"inbox/flowers/month.csv {reason}"):
        plan(make_ports(watched, ports.now, ports.loader), job)


def _change(ports: BatchPorts, data: bytes | None) -> None:
    if data is None:
        ports.store.delete(Container.INBOX, "flowers/month.csv")
    else:
        ports.store.write(Container.INBOX, "flowers/month.csv", data)


def test_a_model_that_takes_tensors_scores_no_csv(store: MemoryBlobs, ports: BatchPorts, flowers: ModelRef) -> None:
    blob = store.read(Container.MODELS, package_path("iris", "1"))
    assert blob is not None
    tensors = Signature(tensors=(Tensor(name="x", dtype="float32", shape=(-1, 4)),))
    package = ModelPackage.model_validate_json(blob.data).model_copy(update={"name": "raw", "signature": tensors})
    data = package.to_bytes()
    store.write(Container.MODELS, package_path("raw", "1"), data)
    ref = ModelRef("raw", "1", digest_of(data))
    endpoint.publish(store, ref)
    with pytest.raises(UnreadableInput, match="only a model whose signature has columns can score a CSV"):
        plan(ports, drop(ports, iris.csv(1)))


def test_an_attempt_that_was_overtaken_does_not_move_the_job(ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    jobs.take_over(ports.store, job, ports.now())
    with pytest.raises(StaleAttempt):
        plan(ports, job)
    assert ports.manifests.find(job.id) is None


def test_a_job_that_was_promoting_runs_again(ports: BatchPorts, flowers: ModelRef) -> None:
    job = drop(ports, iris.csv(10))
    first = plan(ports, job)
    jobs.move(ports.store, job.id, 1, Event.FINALIZE, ports.now())
    assert plan(ports, job) == first
    assert jobs.read(ports.store, job.id).status == JobStatus.RUNNING
