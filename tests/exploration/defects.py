"""Defects to plant: what the exploration must find, each in the scenario that is made for it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple
from unittest.mock import patch

from shared.batch import closing, desk, ledger, promotion
from shared.batch.job import Job
from shared.batch.output import Output
from shared.batch.ports import BatchPorts
from shared.batch.success import Success
from shared.batch.work import Work
from shared.ports import BlobStore, Container
from tests.exploration.scenario import Bounds

_TWO_TURNS: Final = Bounds(2, 0)
_AND_A_FAULT: Final = Bounds(1, 1)


class Defect(NamedTuple):
    """`patches`: by the dotted name of what is replaced. `told`: what the violation is called."""

    name: str
    scenario: str
    bounds: Bounds
    patches: dict[str, Any]
    told: str


@contextmanager
def planted(defect: Defect) -> Iterator[None]:
    with ExitStack() as stack:
        for name, replacement in defect.patches.items():
            stack.enter_context(patch(name, replacement))
        yield


_write_manifest: Any = promotion._write_manifest
_write: Any = Output.write
_save: Any = desk._save
_mark_active: Any = desk._mark_active
_forget_active: Any = desk.forget_active
_clear: Any = closing._clear
_put_away: Any = closing.put_away


def _success_first(output: Output, told: Any) -> Any:
    output.write("_SUCCESS", b"")
    return _write_manifest(output, told)


def _commit_anyway(success: Success, prepared: str) -> None:
    success._store.write(success._container, success._name, b"")


def _write_over(output: Output, name: str, data: bytes, *, create: bool = False) -> None:
    _write(output, name, data)


def _clear_all_runs(store: BlobStore, container: Container, prefix: str) -> None:
    _clear(store, container, f"{prefix.partition('/')[0]}/" if container == Container.STAGING else prefix)


def _mark_only_new(store: BlobStore, job: Job) -> None:
    if not job.retries:
        _mark_active(store, job)


def _forget_all_marks(store: BlobStore, job: Job) -> None:
    for mark in list(desk.active(store)):
        if mark.job_id == job.id:
            _forget_active(store, job.model_copy(update={"retries": mark.retries}))


def _save_anyway(store: BlobStore, stored: Any, changes: dict[str, Any]) -> Job:
    if set(changes) != {"attempt", "heartbeat_at"}:  # what a take-over changes
        saved: Job = _save(store, stored, changes)
        return saved
    job: Job = stored.job.model_copy(update=changes)
    store.write(Container.JOBS, f"{job.id}/job.json", desk._bytes(job))
    return job


def _discard_always(store: BlobStore, work: Work, index: int) -> None:
    for item in list(store.list(Container.STAGING, work.path(f"rejected/{index:08d}-{work.attempt}-"))):
        store.delete(Container.STAGING, item.name)


def _put_away_silently(ports: BatchPorts, job: Job) -> None:
    """As when the mark is forgotten first, and the process dies."""
    desk.forget_active(ports.store, job)
    _put_away(ports, job)


def _never_whole(output: Output) -> bool:
    return False


def _count_again(store: BlobStore, work: Work, entry: ledger.Entry, part: bytes) -> ledger.Entry:
    times = 2 if ledger.find(store, work, entry.index) else 1
    twice = entry.model_copy(update={"predicted": entry.predicted * times})
    name = ledger.part_name(work, entry.index)
    store.write(Container.STAGING, name, part, metadata={"entry": twice.model_dump_json()})
    return twice


ALL: Final = (
    Defect(
        "_SUCCESS before the manifest",
        "alone-one",
        Bounds(0, 0),
        {"shared.batch.promotion._write_manifest": _success_first},
        "and no manifest",
    ),
    Defect(
        "_SUCCESS after a look at the job, and no proof",
        "lost-twice",
        _TWO_TURNS,
        {"shared.batch.success.Success.commit": _commit_anyway},
        "and no manifest",
    ),
    Defect(
        "what is in the output is written over",
        "taken-over",
        _TWO_TURNS,
        {
            "shared.batch.output.Output.write": _write_over,
            "shared.batch.output.Output.is_whole": property(_never_whole),
        },
        "changed after it was seen",
    ),
    Defect(
        "a canceled run takes the next one's parts with it",
        "canceled-retried",
        _TWO_TURNS,
        {"shared.batch.closing._clear": _clear_all_runs},
        "ended as Failed",
    ),
    Defect(
        "a retry without a mark",
        "retried",
        _AND_A_FAULT,
        {"shared.batch.desk._mark_active": _mark_only_new},
        "nobody was told",
    ),
    Defect(
        "a mark forgotten before the world is told",
        "alone-one",
        Bounds(0, 1),
        {"shared.batch.closing.put_away": _put_away_silently},
        "nobody was told",
    ),
    Defect(
        "marks forgotten by the job's id alone",
        "retried",
        _AND_A_FAULT,
        {"shared.batch.desk.forget_active": _forget_all_marks},
        "nobody was told",
    ),
    Defect(
        "a job taken over whatever its document says by now",
        "taken-over",
        _TWO_TURNS,
        {"shared.batch.desk._save": _save_anyway},
        "has ended as",
    ),
    Defect(
        "rejected rows discarded that an entry names",
        "again-score_mini_batch",
        _TWO_TURNS,
        {"shared.batch.mini_batch._discard": _discard_always},
        "ended as Failed",
    ),
    Defect(
        "an entry that is written twice and counts twice",
        "same-attempt",
        _TWO_TURNS,
        {"shared.batch.ledger.record": _count_again},
        "differs from its twin's",
    ),
)
