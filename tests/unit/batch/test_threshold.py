"""How many rejected rows a job may have: rows or percent of all, and what a retry allows instead."""

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import job as jobs
from shared.batch.job import Job, JobInput
from shared.batch.ledger import Entry, Tally
from shared.batch.manifest import Manifest
from shared.batch.threshold import check_threshold
from shared.endpoints.batch_settings import JobSettings, Overrides
from shared.endpoints.deployment import PinnedModel
from shared.errors import ErrorThresholdExceeded
from shared.ports import Container
from tests.support.endpoint import NOW

type Threshold = int | str


def job(threshold: Threshold | None = None) -> Job:
    return jobs.new(
        "drop-1", "flowers", (JobInput(location="inbox/flowers/a.csv"),), "drop", NOW,
        overrides=Overrides(error_threshold=threshold),
    )  # fmt: skip


def plan(threshold: Threshold, rows: int) -> Manifest:
    return Manifest(
        job_id="drop-1",
        endpoint="flowers",
        revision=1,
        deployment="blue",
        model=PinnedModel(name="iris", version="1", digest="sha256:" + "0" * 64),
        settings=JobSettings(error_threshold=threshold),
        plan="mine",
        mini_batches=1,
        rows=rows,
        planned_at=NOW,
    )


def check(planned: Threshold, rejected: int, rows: int = 1000, asked: Threshold | None = None) -> None:
    check_threshold(MemoryBlobs(), job(asked), plan(planned, rows), Tally(rejected=rejected), [])


@pytest.mark.parametrize(
    ("threshold", "allowed"),
    [(0, 0), (1, 1), (999, 999), ("0%", 0), ("0.1%", 1), ("0.19%", 1), ("5%", 50), ("99.9%", 999)],
)
def test_as_many_rows_as_the_threshold_says_may_be_rejected_and_not_one_more(
    threshold: Threshold, allowed: int
) -> None:
    check(threshold, allowed)
    with pytest.raises(ErrorThresholdExceeded, match=f"{allowed + 1} of 1000 rows were rejected"):
        check(threshold, allowed + 1)


@pytest.mark.parametrize("threshold", [-1, "100%"])
def test_all_rows_may_be_rejected_where_nothing_else_is_said(threshold: Threshold) -> None:
    check(threshold, 1000)


@pytest.mark.parametrize("threshold", [0, "0%"])
def test_a_job_without_rows_exceeds_nothing(threshold: Threshold) -> None:
    check(threshold, 0, rows=0)


@pytest.mark.parametrize(("asked", "fails"), [(None, True), (5, True), (10, False), ("1%", False), (-1, False)])
def test_what_a_retry_allows_counts_instead(asked: Threshold | None, fails: bool) -> None:
    if fails:
        with pytest.raises(ErrorThresholdExceeded):
            check(2, 10, asked=asked)
    else:
        check(2, 10, asked=asked)


def test_a_retry_may_also_allow_less() -> None:
    with pytest.raises(ErrorThresholdExceeded, match=r"more than error_threshold allows \(0\)"):
        check(-1, 1, asked=0)


def entry(index: int, rejected_part: str = "") -> Entry:
    return Entry(index=index, predicted=1, rejected=bool(rejected_part), rejected_part=rejected_part)


@pytest.mark.parametrize(("first", "example"), [("rejected/1", '{"row":7}'), ("rejected/gone", "")])
def test_the_first_rejected_row_is_told_where_it_is_still_there(store: MemoryBlobs, first: str, example: str) -> None:
    store.write(Container.STAGING, "rejected/1", b'{"row":7}\n{"row":8}\n')
    store.write(Container.STAGING, "rejected/2", b'{"row":9}\n')
    entries = [entry(0), entry(1, first), entry(2, "rejected/2")]
    with pytest.raises(ErrorThresholdExceeded) as raised:
        check_threshold(store, job(), plan("1%", 100), Tally(rejected=3), entries)
    assert raised.value.message == (
        "3 of 100 rows were rejected, more than error_threshold allows (1%); nothing was promoted. "
        f"The first: {example}"
    )
