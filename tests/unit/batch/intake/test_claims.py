"""An output location that a caller names belongs to one job."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import job as jobs
from shared.batch.intake.claims import check, check_allowed, claim
from shared.batch.job import Job, JobInput
from shared.batch.ports import BatchPorts
from shared.errors import LocationNotAllowed, OutputTaken
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint
from tests.support.batch import Breaking, Clock, Killed, WatchedStore, make_ports
from tests.support.endpoint import NOW

PARTNER = "https://partner.blob.core.windows.net"
OTHER = "https://other.blob.core.windows.net"
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


@pytest.mark.parametrize("output", ["predictions/flowers/mine/may/", "predictions/flowers/", "predictions/"])
def test_of_places_one_in_the_other_the_first_claim_wins(clock: Clock, output: str) -> None:
    for first, second in ((PLACE, output), (output, PLACE)):
        store = MemoryBlobs()
        ports = make_ports(store, clock)
        claim(new(1, first), ports)
        before = claims(store)
        for _ in range(2):
            with pytest.raises(OutputTaken, match=f"another job writes to {second}"):
                claim(new(2, second), ports)
        with pytest.raises(OutputTaken, match=f"another job writes to {second}"):
            check(new(2, second), ports)
        assert claims(store) == before, "a refused claim leaves nothing behind"
        claim(new(1, first), ports)


def test_places_beside_each_other_and_of_other_accounts_do_not_meet(store: MemoryBlobs, ports: BatchPorts) -> None:
    ports = ports._replace(accounts=MemoryAccounts(store, {PARTNER: MemoryBlobs(), OTHER: MemoryBlobs()}))
    places = [PLACE, "predictions/flowers/mine2/", "predictions/flowers/min/", "results/flowers/mine/"]
    places += [f"{PARTNER}/{PLACE}", f"{OTHER}/{PLACE}", f"{PARTNER}/{PLACE}".replace("flowers", "trees")]
    for number, place in enumerate(places):
        check(new(number, place), ports)
        claim(new(number, place), ports)
    assert len(claims(store)) == len(places)


def test_looking_claims_nothing(store: MemoryBlobs, ports: BatchPorts) -> None:
    check(new(1), ports)
    check(new(2), ports)
    assert claims(store) == {}
    store.write(Container.PREDICTIONS, "flowers/mine/a.csv", b"x")
    with pytest.raises(OutputTaken, match="there are blobs at"):
        check(new(1), ports)


def test_a_job_that_has_claimed_its_place_is_let_in_again(store: MemoryBlobs, ports: BatchPorts) -> None:
    claim(new(1), ports)
    store.write(Container.PREDICTIONS, "flowers/mine/_SUCCESS", b"")
    check(new(1), ports)


def claims(store: MemoryBlobs) -> dict[str, bytes]:
    found = {item.name: store.read(Container.JOBS, item.name) for item in store.list(Container.JOBS, "outputs/")}
    return {name: blob.data for name, blob in found.items() if blob is not None}


def racing(store: MemoryBlobs, ports: BatchPorts, act: Callable[[], None]) -> BatchPorts:
    """What somebody else does just before the claim is written."""
    watched = WatchedStore(store)
    watched.before = lambda operation: act() if operation.startswith("write jobs/outputs/") else None
    return make_ports(watched, ports.now, ports.loader)


def test_of_two_claims_at_once_one_wins(store: MemoryBlobs, ports: BatchPorts) -> None:
    with pytest.raises(OutputTaken):
        claim(new(1), racing(store, ports, lambda: claim(new(2), ports)))
    claim(new(2), ports)


@pytest.mark.parametrize("inner", ["predictions/flowers/mine/may/", "predictions/flowers/mine/may/first/"])
def test_of_two_claims_one_in_the_other_the_faster_wins(store: MemoryBlobs, ports: BatchPorts, inner: str) -> None:
    with pytest.raises(OutputTaken):
        claim(new(1), racing(store, ports, lambda: claim(new(2, inner), ports)))
    assert set(claims(store).values()) == {new(2).id.encode()}
    claim(new(2, inner), ports)
    with pytest.raises(OutputTaken):
        claim(new(1), ports)


@pytest.mark.parametrize("inner", [PLACE, "predictions/flowers/mine/may/"])
def test_two_who_claim_in_step_do_not_both_win(store: MemoryBlobs, ports: BatchPorts, inner: str) -> None:
    both_have_looked = threading.Barrier(2)
    both_have_written = threading.Barrier(2)

    def won(job: Job) -> bool:
        watched = WatchedStore(store)

        def wait(gate: threading.Barrier, operation: str) -> None:
            if operation.startswith("write jobs/outputs/"):
                gate.wait()

        watched.before = partial(wait, both_have_looked)
        if inner != PLACE:  # of two writes of one claim the second fails
            watched.after = partial(wait, both_have_written)
        try:
            claim(job, make_ports(watched, ports.now, ports.loader))
        except OutputTaken:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        outer_won, inner_won = pool.map(won, (new(1), new(2, inner)))
    assert not (outer_won and inner_won)
    winners = [new(number).id.encode() for number, has in ((1, outer_won), (2, inner_won)) if has]
    assert list(claims(store).values()) == winners


def test_a_repeated_request_that_meets_itself_has_its_place(store: MemoryBlobs, ports: BatchPorts) -> None:
    claim(new(1), racing(store, ports, lambda: claim(new(1), ports)))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(16))
def test_a_place_that_is_not_empty_is_never_had_by_dying(
    store: MemoryBlobs, ports: BatchPorts, at: int, when: str
) -> None:
    store.write(Container.PREDICTIONS, "flowers/mine/a.csv", b"x")
    watched = WatchedStore(store)
    Breaking(at, when, Killed()).on(watched)
    for _ in range(3):
        with pytest.raises((Killed, OutputTaken)):
            claim(new(1), make_ports(watched, ports.now, ports.loader))
    with pytest.raises(OutputTaken):
        claim(new(1), ports)
    assert claims(store) == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(16))
def test_a_claim_that_died_anywhere_may_be_repeated(store: MemoryBlobs, ports: BatchPorts, at: int, when: str) -> None:
    watched = WatchedStore(store)
    Breaking(at, when, Killed()).on(watched)
    try:
        claim(new(1), make_ports(watched, ports.now, ports.loader))
    except Killed:
        claim(new(1), ports)
    with pytest.raises(OutputTaken):
        claim(new(2), ports)


def test_a_place_that_the_endpoint_has_lost_is_not_written_to(
    store: MemoryBlobs, ports: BatchPorts, iris_ref: ModelRef
) -> None:
    job = new(output="results/flowers/")
    own = jobs.new("drop-1", "flowers", job.inputs, "drop", NOW)
    endpoint.publish(store, iris_ref, batch={"allowed_outputs": ["results/"]})
    check_allowed(job, ports.catalog.read("flowers"), ports)
    endpoint.publish(store, iris_ref)
    without = make_ports(store, ports.now).catalog.read("flowers")
    with pytest.raises(LocationNotAllowed, match="endpoint 'flowers' may not write there"):
        check_allowed(job, without, ports)
    check_allowed(new(), without, ports)
    check_allowed(own, without, ports)
