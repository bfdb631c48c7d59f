"""Jobs are listed newest first, page by page, by their state and by who submitted them."""

from datetime import timedelta

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.batch import desk, progress
from shared.batch import job as jobs
from shared.batch.job import Event, JobInput
from shared.batch.ports import BatchPorts
from shared.errors import MalformedRequest
from shared.ports import Container
from tests.support.endpoint import NOW

COUNT = 7


def job_id(number: int) -> str:
    return f"rest-{number:024x}"


@pytest.fixture(autouse=True)
def submitted(store: MemoryBlobs) -> None:
    """Seven jobs of `flowers`, a minute apart, by two callers in turn; the third has failed. Another of `trees`."""
    for number in range(COUNT):
        at = NOW + timedelta(minutes=number)
        caller = ("ada", "bob")[number % 2]
        job = jobs.new(job_id(number), "flowers", (JobInput(location="inbox/flowers/a.csv"),), caller, at)
        desk.submit(store, job)
    desk.move(store, desk.read(store, job_id(2)).work, Event.FAIL, NOW)
    desk.submit(store, jobs.new(job_id(99), "trees", (JobInput(location="inbox/trees/a.csv"),), "ada", NOW))


def listed(
    ports: BatchPorts, most: int = 100, marker: str = "", statuses: frozenset[str] = frozenset(), by: str | None = None
) -> tuple[list[int], str]:
    found, marker = progress.listed(ports, "flowers", most, marker, statuses, by)
    return [int(each["id"].removeprefix("rest-"), 16) for each in found], marker


def walked(
    ports: BatchPorts, most: int, statuses: frozenset[str] = frozenset(), by: str | None = None
) -> list[list[int]]:
    """All pages."""
    pages, marker = [], ""
    while True:
        page, marker = listed(ports, most, marker, statuses, by)
        pages.append(page)
        if not marker:
            return pages


def test_the_newest_comes_first_and_only_of_its_endpoint(ports: BatchPorts) -> None:
    assert listed(ports) == ([6, 5, 4, 3, 2, 1, 0], "")


@pytest.mark.parametrize("most", [1, 2, 3, 6, 7, 8])
def test_pages_together_are_the_list(ports: BatchPorts, most: int) -> None:
    pages = walked(ports, most)
    assert [number for page in pages for number in page] == [6, 5, 4, 3, 2, 1, 0]
    assert all(len(page) <= most for page in pages)


def test_a_job_that_comes_in_between_moves_nothing(store: MemoryBlobs, ports: BatchPorts) -> None:
    first, marker = listed(ports, 3)
    newer = jobs.new(job_id(50), "flowers", (JobInput(location="inbox/flowers/a.csv"),), "ada", NOW + timedelta(days=1))
    desk.submit(store, newer)
    assert (first, listed(ports, 100, marker)) == ([6, 5, 4], ([3, 2, 1, 0], ""))


@pytest.mark.parametrize(
    ("statuses", "by", "expected"),
    [
        ({"Failed"}, None, [2]),
        ({"NotStarted"}, None, [6, 5, 4, 3, 1, 0]),
        ({"Failed", "NotStarted"}, None, [6, 5, 4, 3, 2, 1, 0]),
        ({"Completed"}, None, []),
        (set(), "bob", [5, 3, 1]),
        ({"NotStarted"}, "ada", [6, 4, 0]),
        (set(), "carol", []),
    ],
)
@pytest.mark.parametrize("most", [1, 2, 100])
def test_a_list_may_be_of_some_states_and_of_one_caller(
    ports: BatchPorts, statuses: set[str], by: str | None, expected: list[int], most: int
) -> None:
    pages = walked(ports, most, frozenset(statuses), by)
    assert [number for page in pages for number in page] == expected
    assert all(len(page) <= most for page in pages)


def test_a_page_looks_through_so_many_jobs_and_no_more(ports: BatchPorts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_MAX_SEARCHED", 2)
    found, marker = listed(ports, 2, by="carol")
    assert found == []
    assert marker
    assert [number for page in walked(ports, 2, by="bob") for number in page] == [5, 3, 1]


def test_a_job_whose_document_is_gone_is_left_out(store: MemoryBlobs, ports: BatchPorts) -> None:
    store.delete(Container.JOBS, jobs.job_path(job_id(4)))
    assert listed(ports)[0] == [6, 5, 3, 2, 1, 0]


def test_a_state_that_does_not_exist_is_told(ports: BatchPorts) -> None:
    with pytest.raises(MalformedRequest, match="'Done' is no status: use NotStarted, Running, Finalizing, CancelReq"):
        listed(ports, statuses=frozenset({"Done", "Failed"}))


@pytest.mark.parametrize("marker", ["\x00", "a\nb", "ü", "x" * 1025])
def test_a_page_that_does_not_exist_is_told(ports: BatchPorts, marker: str) -> None:
    with pytest.raises(MalformedRequest, match="this page does not exist: begin at the first one"):
        listed(ports, marker=marker)


def test_what_is_listed_is_told_without_looking_into_every_job(ports: BatchPorts) -> None:
    found, _ = progress.listed(ports, "flowers", 1, "", frozenset(), None)
    assert "progress" not in found[0]
    assert found[0]["properties"]["status"] == "NotStarted"
