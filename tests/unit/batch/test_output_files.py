"""What a score.py has written itself lies beside the predictions, and takes the place of nothing."""

import json
from collections.abc import Callable, Sequence

import orjson
import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import ledger
from shared.batch.job import Job
from shared.batch.ports import BatchPorts
from shared.batch.promotion import promote_job
from shared.ports import Container
from tests.support.batch import WatchedStore, make_ports, output, predicted_rows

type Scored = Callable[..., Job]


def blob(store: MemoryBlobs, container: str, name: str) -> bytes:
    found = store.read(container, name)
    assert found is not None
    return found.data


def names(store: MemoryBlobs, job: Job) -> list[str]:
    prefix = f"flowers/{job.id}/"
    return [item.name.removeprefix(prefix) for item in store.list(Container.PREDICTIONS, prefix)]


def own_files(store: MemoryBlobs, job: Job, index: int, files: Sequence[tuple[str, bytes]]) -> None:
    """What a script has written for this mini-batch, staged and recorded as `score_mini_batch` does."""
    listing = []
    for number, (name, data) in enumerate(files):
        staged = job.work.path(f"files/{index}-{number}.bin") if data else ""
        if data:
            store.write(Container.STAGING, staged, data)
        listing.append({"name": name, "staged": staged})
    name = job.work.path(f"files/{index}.json")
    store.write(Container.STAGING, name, orjson.dumps(listing))
    known, part = ledger.find(store, job.work, index), store.read(Container.STAGING, ledger.part_name(job.work, index))
    assert known is not None
    assert part is not None
    store.delete(Container.STAGING, ledger.part_name(job.work, index))
    ledger.record(store, job.work, known.model_copy(update={"files": name}), part.data)


def test_files_of_scripts_lie_beside_the_predictions(store: MemoryBlobs, ports: BatchPorts, scored: Scored) -> None:
    job = scored()
    own_files(store, job, 0, [("charts/a.png", b"chart"), ("empty.txt", b"")])
    own_files(store, job, 2, [("charts/b.png", b"other")])
    promote_job(job.work, ports)
    folder = f"flowers/{job.id}"
    found = {name: blob(store, "predictions", f"{folder}/{name}") for name in names(store, job)}
    assert (found["charts/a.png"], found["charts/b.png"], found["empty.txt"]) == (b"chart", b"other", b"")
    assert json.loads(found["manifest.json"])["files"] == [
        {"name": "charts/a.png", "rows": 0, "size_bytes": 5},
        {"name": "empty.txt", "rows": 0, "size_bytes": 0},
        {"name": "charts/b.png", "rows": 0, "size_bytes": 5},
    ]


def test_of_two_files_of_one_name_the_second_gets_the_number_of_its_mini_batch(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored()
    for index in range(3):
        own_files(store, job, index, [("report.txt", f"of {index}".encode())])
    promote_job(job.work, ports)
    folder = f"flowers/{job.id}"
    found = {name: blob(store, "predictions", f"{folder}/{name}") for name in names(store, job) if "report" in name}
    assert found == {"report.txt": b"of 0", "000001/report.txt": b"of 1", "000002/report.txt": b"of 2"}


@pytest.mark.parametrize("taken", ["_SUCCESS", "_prepared", "manifest.json", "rejected.jsonl", "part-000001.parquet"])
def test_a_file_of_a_script_takes_no_name_that_readers_rely_on(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored, taken: str
) -> None:
    job = scored()
    own_files(store, job, 0, [(taken, b"not yours")])
    watched, written = WatchedStore(store), list[str]()
    watched.after = written.append
    promote_job(job.work, make_ports(watched, ports.now, ports.loader))
    assert written.count(f"copy predictions/flowers/{job.id}/_SUCCESS") == 1
    assert blob(store, "predictions", f"flowers/{job.id}/000000/{taken}") == b"not yours"
    store.delete(Container.PREDICTIONS, f"flowers/{job.id}/000000/{taken}")
    assert predicted_rows(store, job) == list(range(10))
    assert [row["row"] for row in output(store, job)["rejected.jsonl"]] == [10, 11]
    assert [part["name"] for part in output(store, job)["manifest.json"]["parts"]] == [
        f"part-00000{number}.parquet" for number in range(3)
    ]


def test_a_file_of_a_script_takes_no_name_that_was_given_to_another(
    store: MemoryBlobs, ports: BatchPorts, scored: Scored
) -> None:
    job = scored(output_file_name="all.parquet")
    own_files(store, job, 0, [("a", b"1"), ("000001/a", b"2"), ("all.parquet", b"3")])
    own_files(store, job, 1, [("a", b"4")])
    promote_job(job.work, ports)
    folder = f"flowers/{job.id}"
    own = ("a", "000001/a", "000000/all.parquet", "000001/000001/a")
    assert [blob(store, "predictions", f"{folder}/{name}") for name in own] == [b"1", b"2", b"3", b"4"]
