"""An output in every form: parts or one file, in this account or another, with the files of scripts, or taken back."""

import csv
import io
import json
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from typing import Any

import pyarrow.parquet as pq
import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import desk, ledger
from shared.batch import output as outputs
from shared.batch.job import Event, Job, JobStatus
from shared.batch.ledger import Entry
from shared.batch.manifest import Manifests
from shared.batch.output import Output, OutputFile
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.errors import StaleAttempt, StorageUnavailable
from shared.ports import Container
from tests.support import iris
from tests.support.batch import WatchedStore, make_ports

type Scored = Callable[..., Job]

PARTNER = "https://partner.blob.core.windows.net"
ALLOWED = (f"{PARTNER}/results/flowers/",)


def read(form: str, data: bytes) -> list[dict[str, Any]]:
    if form == "parquet":
        rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(data)).to_pylist()
        return rows
    if form == "csv":
        return list(csv.DictReader(io.StringIO(data.decode())))
    return [json.loads(line) for line in data.splitlines()]


def numbers(form: str, data: bytes) -> list[int]:
    return [int(row["row"]) for row in read(form, data)]


def blob(store: MemoryBlobs, container: str, name: str) -> bytes:
    found = store.read(container, name)
    assert found is not None
    return found.data


def names(store: MemoryBlobs, job: Job) -> list[str]:
    prefix = f"flowers/{job.id}/"
    return [item.name.removeprefix(prefix) for item in store.list(Container.PREDICTIONS, prefix)]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_parts_hold_the_rows_of_their_mini_batches(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, form: str
) -> None:
    job = scored(output_format=form)
    promote_job(job.work, ports)
    parts = [f"part-00000{number}.{form}" for number in range(3)]
    assert names(store, job) == ["_SUCCESS", "manifest.json", *parts, "rejected.jsonl"]
    found = [numbers(form, blob(store, "predictions", f"flowers/{job.id}/{part}")) for part in parts]
    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize("form", ["parquet", "csv", "jsonl"])
def test_one_file_holds_all_rows_in_their_order(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, form: str
) -> None:
    job = scored(output_format=form, output_file_name="all.out")
    promote_job(job.work, ports)
    assert names(store, job) == ["_SUCCESS", "all.out", "manifest.json", "rejected.jsonl"]
    data = blob(store, "predictions", f"flowers/{job.id}/all.out")
    assert numbers(form, data) == list(range(10))
    told = json.loads(blob(store, "predictions", f"flowers/{job.id}/manifest.json"))
    assert told["parts"] == [{"name": "all.out", "rows": 10, "size_bytes": len(data)}]


@pytest.mark.parametrize("file_name", [None, "all.csv"])
def test_a_summary_has_counts_and_no_predictions(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, file_name: str | None
) -> None:
    job = scored(output_action="summary_only", output_file_name=file_name)
    finished = promote_job(job.work, ports)
    assert names(store, job) == ["_SUCCESS", "manifest.json", "rejected.jsonl"]
    assert finished.counts is not None
    assert (finished.counts.predicted, finished.counts.rejected) == (10, 2)


def test_one_file_of_no_rows_is_there_all_the_same(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored(iris.csv(0), output_file_name="all.parquet")
    promote_job(job.work, ports)
    assert names(store, job) == ["_SUCCESS", "all.parquet", "manifest.json"]


@pytest.fixture
def partner() -> MemoryBlobs:
    return MemoryBlobs()


def elsewhere(ports: BatchPorts, partner: MemoryBlobs, job: Job) -> BatchPorts:
    """The job, scored, now writes into another account."""
    place = f"{PARTNER}/results/flowers/may/"
    desk.move(ports.store, job.work, Event.RUN, ports.now(), output_location=place)
    return make_ports(ports.store, ports.now, ports.loader)._replace(
        accounts=MemoryAccounts(ports.store, {PARTNER: partner})
    )


@pytest.mark.parametrize("piece_bytes", [100, 8 * 1024 * 1024])
def test_parts_are_streamed_into_another_account(
    store: MemoryBlobs,
    partner: MemoryBlobs,
    ports: BatchPorts,
    scored: Scored,
    monkeypatch: pytest.MonkeyPatch,
    piece_bytes: int,
) -> None:
    monkeypatch.setattr(outputs, "_PIECE_BYTES", piece_bytes)
    job = scored(allowed_outputs=ALLOWED)
    finished = promote_job(job.work, elsewhere(ports, partner, job))
    assert finished.output == f"{PARTNER}/results/flowers/may/"
    assert [item.name for item in partner.list("results")] == [
        f"flowers/may/{name}"
        for name in ("_SUCCESS", "manifest.json", *(f"part-00000{n}.parquet" for n in range(3)), "rejected.jsonl")
    ]
    assert numbers("parquet", blob(partner, "results", "flowers/may/part-000001.parquet")) == [4, 5, 6, 7]
    # What readers in the data account find is where the output is.
    assert [item.name for item in store.list(Container.PREDICTIONS)] == ["flowers/latest.json"]
    latest = json.loads(blob(store, "predictions", "flowers/latest.json"))
    assert latest["output"] == f"{PARTNER}/results/flowers/may/"


def test_one_file_is_written_into_another_account(partner: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored(output_file_name="all.csv", output_format="csv", allowed_outputs=ALLOWED)
    promote_job(job.work, elsewhere(ports, partner, job))
    assert numbers("csv", blob(partner, "results", "flowers/may/all.csv")) == list(range(10))


class AtOnce(Executor):
    """Has done a thing when it is asked to: so all that is asked for is seen."""

    def __init__(self, threads: int) -> None:
        super().__init__()

    def submit[**P, T](self, do: Callable[P, T], /, *given: P.args, **named: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        done.set_result(do(*given, **named))
        return done


class Slow(MemoryBlobs):
    """Takes the first piece of a blob that is made of several, and looks what was read for it."""

    def __init__(self, counted: Callable[[], int]) -> None:
        super().__init__()
        self.counted = counted
        self.read_for_the_first = 0

    def write_blocks(self, container: str, name: str, blocks: Iterable[bytes], *, create: bool = False) -> str:
        pieces = iter(blocks)
        first = next(pieces)
        self.read_for_the_first = self.counted()
        return super().write_blocks(container, name, [first, *pieces], create=create)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_one_file_is_joined_with_few_parts_in_memory(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(outputs, "ThreadPoolExecutor", AtOnce)
    job = scored(iris.csv(120), output_file_name="all.out", output_format=form, allowed_outputs=ALLOWED)
    watched, read_parts = WatchedStore(store), list[str]()
    watched.before = lambda told: read_parts.append(told) if told.startswith(f"read staging/{job.id}/") else None
    slow = Slow(lambda: len(read_parts))
    ports = elsewhere(ports, slow, job)
    promote_job(job.work, ports._replace(store=watched, manifests=Manifests(store)))
    assert len(read_parts) == 30
    assert 1 <= slow.read_for_the_first <= 3
    assert numbers(form, blob(slow, "results", "flowers/may/all.out")) == list(range(120))


def lose(store: MemoryBlobs, folder: str, job: Job) -> None:
    for item in list(store.list(Container.STAGING, job.work.path(f"{folder}/")))[-1:]:
        store.delete(Container.STAGING, item.name)


@pytest.mark.parametrize("form", ["parts", "one file", "another account"])
def test_an_output_with_a_lost_part_is_taken_back(
    store: MemoryBlobs, partner: MemoryBlobs, ports: BatchPorts, scored: Scored, form: str
) -> None:
    job = scored(output_file_name="all.parquet" if form == "one file" else None, allowed_outputs=ALLOWED)
    if form == "another account":
        ports = elsewhere(ports, partner, job)
    lose(store, "ledger", job)
    with pytest.raises(StaleAttempt, match="1 staged parts are not there any more: retry the job"):
        promote_job(job.work, ports)
    assert [*store.list(Container.PREDICTIONS), *partner.list("results")] == []
    assert desk.read(store, job.id).status == JobStatus.FAILED


def test_what_readers_have_been_shown_is_never_taken_back(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    """Staging may be lost while a promotion that died after `_SUCCESS` is gone on with."""
    job = scored()
    watched = WatchedStore(store)

    def refuse(operation: str) -> None:
        if operation.endswith("latest.json"):
            raise StorageUnavailable("try again")

    watched.before = refuse
    with pytest.raises(StorageUnavailable):
        promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    seen = list(store.list(Container.PREDICTIONS, f"flowers/{job.id}/"))
    for item in list(store.list(Container.STAGING)):
        store.delete(Container.STAGING, item.name)
    assert promote_job(job.work, ports).status == JobStatus.COMPLETED
    assert list(store.list(Container.PREDICTIONS, f"flowers/{job.id}/")) == seen


def test_a_promotion_shows_signs_of_life_while_it_copies(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    desk.take_over(store, desk.read(store, job.id), ports.now())
    out = Output(ports, job, ports.manifests.read(job.work).settings)
    with pytest.raises(StaleAttempt):
        out.write_parts(list(ledger.entries(store, job.work)))
    assert names(store, job) == []


def test_parts_are_told_with_rows_and_sizes(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    out = Output(ports, job, ports.manifests.read(job.work).settings)
    entries: list[Entry] = list(ledger.entries(store, job.work))
    assert out.write_parts(entries) == [
        OutputFile(name=f"part-00000{each.index}.parquet", rows=each.predicted, size_bytes=each.part_bytes)
        for each in entries
    ]
