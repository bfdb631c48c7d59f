"""An output location that a caller names belongs to one job."""

from collections.abc import Callable

import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import job as jobs
from shared.batch.intake.claims import claim
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.errors import OutputTaken
from shared.ports import Container
from tests.support.batch import Breaking, Killed, WatchedStore, make_ports
from tests.support.endpoint import NOW

PARTNER = "https://partner.blob.core.windows.net"
PLACE = "predictions/flowers/mine/"


def new(number: int = 1, output: str = PLACE) -> Job:
    inputs = (JobInput(location="inbox/flowers/a.csv"),)
    return jobs.new(f"rest-{number:024x}", "flowers", inputs, "me", NOW, output_location=output)


def test_a_place_is_claimed_once_and_by_the_same_job_again(ports: BatchPorts) -> None:
    claim(new(1), ports)
    claim(new(1), ports)
    with pytest.raises(OutputTaken, match=f"another job writes to {PLACE}: name an output of this job's own"):
        claim(new(2), ports)
    claim(new(2, "predictions/flowers/mine2/"), ports)


def test_a_place_of_the_jobs_own_needs_no_claim(store: MemoryBlobs, ports: BatchPorts) -> None:
    job = jobs.new("drop-1", "flowers", (JobInput(location="inbox/flowers/a.csv"),), "drop", NOW)
    claim(job, ports)
    assert list(store.list(Container.JOBS)) == []


def test_a_place_where_there_is_something_is_refused(store: MemoryBlobs, ports: BatchPorts) -> None:
    store.write(Container.PREDICTIONS, "flowers/mine/deep/a.csv", b"x")
    with pytest.raises(OutputTaken, match=f"there are blobs at {PLACE} already: name an output that is empty"):
        claim(new(), ports)
    claim(new(output="predictions/flowers/min/"), ports)


def test_what_the_job_has_written_itself_is_no_hindrance(store: MemoryBlobs, ports: BatchPorts) -> None:
    """A repeated request may come when the job is long done."""
    claim(new(), ports)
    store.write(Container.PREDICTIONS, "flowers/mine/_SUCCESS", b"")
    claim(new(), ports)
    with pytest.raises(OutputTaken, match="another job writes to"):
        claim(new(2), ports)


def test_a_place_in_another_account_is_looked_at_there(store: MemoryBlobs, ports: BatchPorts) -> None:
    partner = MemoryBlobs()
    ports = ports._replace(accounts=MemoryAccounts(store, {PARTNER: partner}))
    partner.write("results", "flowers/may/a.csv", b"x")
    with pytest.raises(OutputTaken):
        claim(new(output=f"{PARTNER}/results/flowers/may/"), ports)
    claim(new(output=f"{PARTNER}/results/flowers/june/"), ports)


def racing(store: MemoryBlobs, ports: BatchPorts, act: Callable[[], None]) -> BatchPorts:
    """What somebody else does just before the claim is written."""
    watched = WatchedStore(store)
    watched.before = lambda operation: act() if operation.startswith("write jobs/outputs/") else None
    return make_ports(watched, ports.now, ports.loader)


def test_of_two_claims_at_once_one_wins(store: MemoryBlobs, ports: BatchPorts) -> None:
    with pytest.raises(OutputTaken):
        claim(new(1), racing(store, ports, lambda: claim(new(2), ports)))
    claim(new(2), ports)


def test_a_repeated_request_that_meets_itself_has_its_place(store: MemoryBlobs, ports: BatchPorts) -> None:
    claim(new(1), racing(store, ports, lambda: claim(new(1), ports)))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(4))
def test_a_claim_that_died_anywhere_may_be_repeated(store: MemoryBlobs, ports: BatchPorts, at: int, when: str) -> None:
    watched = WatchedStore(store)
    Breaking(at, when, Killed()).on(watched)
    try:
        claim(new(1), make_ports(watched, ports.now, ports.loader))
    except Killed:
        claim(new(1), ports)
    with pytest.raises(OutputTaken):
        claim(new(2), ports)
