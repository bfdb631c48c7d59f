"""What a promotion takes back: what its job has made, as it saw it, and nothing that others write or have put there."""

import json
from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import closing, desk, ending, ledger
from shared.batch.job import Job, JobError, JobStatus
from shared.batch.mini_batch import score_mini_batch
from shared.batch.output import Output
from shared.batch.planner import plan_job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import StaleAttempt, StorageUnavailable
from shared.ports import Container
from tests.support.batch import Clock, Killed, WatchedStore, make_ports, output, predicted_rows
from tests.support.durable import run_at_once
from tests.support.promotions import ALLOWED, PLACE, WHOLE, break_off, failing, send, shown

type Scored = Callable[..., Job]

NO = JobError(code="ScoringFailed", message="no")


def names(store: MemoryBlobs) -> list[str]:
    return [item.name.removeprefix("may/") for item in shown(store)]


def test_in_a_folder_that_a_caller_has_named_all_else_stays(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = break_off(ports, send(ports, scored(allowed_outputs=ALLOWED)), "copy results/may/_SUCCESS")
    others = [
        "a/manifest.json",
        "a/part-000000.parquet",
        "latest.json",
        "notes.txt",
        "part-000000.parquet.bak",
        "part-0.csv",
        "part-1/x",
    ]
    for name in others:
        store.write("results", f"may/{name}", b"by hand")
    store.write("results", "mayor/part-000000.parquet", b"by hand")
    store.write("results", "part-000000.parquet", b"by hand")
    ending.abandon(ports, job.work, NO)
    assert sorted(names(store)) == sorted([*others, "mayor/part-000000.parquet", "part-000000.parquet"])
    assert desk.read(store, job.id).status == JobStatus.FAILED


def test_one_file_is_taken_back_by_its_name(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = send(ports, scored(allowed_outputs=ALLOWED, output_format="csv", output_file_name="all.csv"))
    job = break_off(ports, job, "copy results/may/_SUCCESS")
    assert names(store) == ["_prepared", "all.csv", "manifest.json", "rejected.jsonl"]
    store.write("results", "may/others.csv", b"by hand")
    ending.abandon(ports, job.work, NO)
    assert names(store) == ["others.csv"]


def test_files_of_scripts_are_taken_back_too(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = send(ports, scored(allowed_outputs=ALLOWED))
    for index in range(2):
        write_file(store, job, index, "plots/a.png")
    job = break_off(ports, job, "copy results/may/_SUCCESS")
    assert {"plots/a.png", "000001/plots/a.png"} < set(names(store))
    store.write("results", "may/plots/b.png", b"by hand")
    ending.abandon(ports, job.work, NO)
    assert names(store) == ["plots/b.png"]


def test_what_scripts_have_written_is_left_where_nobody_knows_it_any_more(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = send(ports, scored(allowed_outputs=ALLOWED))
    listing = write_file(store, job, 0, "a.png")
    job = break_off(ports, job, "copy results/may/_SUCCESS")
    store.delete(Container.STAGING, listing)
    ending.abandon(ports, job.work, NO)
    assert names(store) == ["a.png"]


def write_file(store: MemoryBlobs, job: Job, index: int, name: str) -> str:
    """As if the mini-batch's score.py had written it; returns the name of the listing."""
    staged, listing = job.work.path(f"files/{index}.bin"), job.work.path(f"files/{index}.json")
    store.write(Container.STAGING, staged, b"picture")
    store.write(Container.STAGING, listing, json.dumps([{"name": name, "staged": staged}]).encode())
    entry, part = ledger.find(store, job.work, index), store.read(Container.STAGING, ledger.part_name(job.work, index))
    assert entry is not None
    assert part is not None
    store.delete(Container.STAGING, ledger.part_name(job.work, index))
    ledger.record(store, job.work, entry.model_copy(update={"files": listing}), part.data)
    return listing


def test_what_is_written_after_it_looked_stays(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = break_off(ports, send(ports, scored(allowed_outputs=ALLOWED)), "copy results/may/_SUCCESS")
    watched = WatchedStore(store)

    def write(operation: str) -> None:
        if operation == f"list {PLACE}":
            store.write("results", "may/part-000001.parquet", b"anew")
            store.write("results", "may/part-000009.parquet", b"new")

    watched.after = write
    ending.abandon(make_ports(watched, ports.now, ports.loader), job.work, NO)
    assert names(store) == ["part-000001.parquet", "part-000009.parquet"]


def test_what_is_whole_is_not_taken_back(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = break_off(ports, send(ports, scored(allowed_outputs=ALLOWED)), "write predictions/flowers/latest.json")
    before = shown(store)
    with pytest.raises(StorageUnavailable, match="the output is whole"):
        Output(ports, job, ports.manifests.read(job.work).settings).take_back()
    assert shown(store) == before


def test_an_attempt_that_was_overtaken_takes_nothing_back(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = send(ports, scored(allowed_outputs=ALLOWED))
    break_off(ports, job, "copy results/may/_SUCCESS")
    before = shown(store)
    with pytest.raises(StaleAttempt):
        Output(ports, job, ports.manifests.read(job.work).settings).take_back()
    assert shown(store) == before


def test_an_attempt_that_wakes_up_in_its_copy_when_another_run_writes_takes_nothing_back(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    job = scored()
    watched = WatchedStore(store)
    later: list[Job] = []

    def sleep(operation: str) -> None:
        if operation == f"copy predictions/flowers/{job.id}/part-000001.parquet":
            later.append(run_anew(store, ports, clock, job))

    watched.before = sleep
    with pytest.raises(StaleAttempt):
        promote_job(job.work, make_ports(watched, clock, ports.loader))
    (again,) = later
    assert list(output(store, job)) == ["_prepared", *WHOLE[1:]], "all that the other run has copied is there"
    assert promote_job(again.work, ports).status == JobStatus.COMPLETED
    assert predicted_rows(store, job) == list(range(10))


def run_anew(store: MemoryBlobs, ports: BatchPorts, clock: Clock, job: Job) -> Job:
    """The job fails, is swept and retried from the start, and dies just before `_SUCCESS`."""
    taken = desk.take_over(store, desk.read(store, job.id), clock())
    assert taken is not None
    ending.abandon(ports, taken.work, NO)
    clock.go_on(hours=2)
    closing.sweep(ports)
    again = desk.retry(store, job.id, clock())
    assert again.run == 2
    for index in range(plan_job(again.work, ports).mini_batches):
        score_mini_batch(again.work, index, ports)
    return break_off(ports, again, f"copy predictions/flowers/{job.id}/_SUCCESS")


@pytest.mark.usefixtures("app")
def test_what_has_begun_to_be_taken_back_is_never_shown(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    """Whoever takes back may fall asleep over it, and be overtaken."""
    job = scored()
    job = break_off(ports, job, f"copy predictions/flowers/{job.id}/_SUCCESS")
    with pytest.raises(Killed):
        ending.abandon(failing(ports, "delete predictions/", Killed()), job.work, NO)
    told = desk.read(store, job.id)
    assert (told.status, told.error) == (JobStatus.FINALIZING, NO)
    taken = desk.take_over(store, told, clock())
    assert taken is not None
    assert run_at_once(taken) == {"stopped": "StaleAttempt"}
    failed = desk.read(store, job.id)
    assert (failed.status, failed.error, output(store, job)) == (JobStatus.FAILED, NO, {})


@pytest.mark.usefixtures("app")
def test_whoever_was_asleep_takes_nothing_back_from_a_retry(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, clock: Clock
) -> None:
    job = scored()
    job = break_off(ports, job, f"copy predictions/flowers/{job.id}/_SUCCESS")
    watched, woken = WatchedStore(store), list[str]()

    def sleep(operation: str) -> None:
        if operation.startswith("delete predictions/") and not woken:
            woken.append(operation)
            taken = desk.take_over(store, desk.read(store, job.id), clock())
            assert taken is not None
            run_at_once(taken)
            assert run_at_once(desk.retry(store, job.id, clock())) == {"status": JobStatus.COMPLETED}

    watched.before = sleep
    ending.abandon(make_ports(watched, clock, ports.loader), job.work, NO)
    assert (list(output(store, job)), desk.read(store, job.id).status) == (WHOLE, JobStatus.COMPLETED)


def test_a_part_that_is_gone_just_before_success_is_copied_again(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored()
    watched = WatchedStore(store)
    name = f"flowers/{job.id}/part-000001.parquet"

    def take(operation: str) -> None:
        if operation == f"write predictions/flowers/{job.id}/manifest.json":
            store.delete(Container.PREDICTIONS, name)

    watched.after = take
    with pytest.raises(StorageUnavailable, match=r"part-000001\.parquet is not in the output, as it should be"):
        promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    assert "_SUCCESS" not in output(store, job)
    assert promote_job(job.work, ports).status == JobStatus.COMPLETED
    assert predicted_rows(store, job) == list(range(10))
