"""Which blobs a job reads, in which order, and which it may not."""

from collections.abc import Sequence
from typing import Any

import pytest

from shared.adapters.memory import MemoryAccounts, MemoryBlobs
from shared.batch import job as jobs
from shared.batch import sources
from shared.batch.job import JobInput
from shared.batch.ports import BatchPorts
from shared.errors import InputChanged, LocationNotAllowed, PayloadTooLarge, UnreadableInput
from shared.models.package import ModelRef
from shared.ports import Container
from tests.support import endpoint

PARTNER = "https://partner.blob.core.windows.net"


@pytest.fixture
def partner() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def ports(ports: BatchPorts, store: MemoryBlobs, partner: MemoryBlobs) -> BatchPorts:
    return ports._replace(accounts=MemoryAccounts(store, {PARTNER: partner}))


@pytest.fixture(autouse=True)
def flowers(store: MemoryBlobs, iris_ref: ModelRef) -> None:
    allowed = ["data/shared/", f"{PARTNER}/exports/flowers/", "https://stranger.blob.core.windows.net/exports/"]
    endpoint.publish(store, iris_ref, batch={"allowed_inputs": allowed})


def put(store: MemoryBlobs, *names: str, container: str = Container.INBOX) -> None:
    for name in names:
        store.write(container, name, b"x")


def found(ports: BatchPorts, *inputs: JobInput | str) -> list[str]:
    """The paths of what a job with these inputs reads."""
    given = tuple(each if isinstance(each, JobInput) else JobInput(location=each) for each in inputs)
    job = jobs.new("rest-1", "flowers", given, "me", ports.now())
    return [each.path for each in sources.find(job, ports.catalog.read("flowers"), ports)]


NAMES = (
    "flowers/2026/b.csv",
    "flowers/2026/a.csv",
    "flowers/2026/05/c.csv",
    "flowers/2026/05/c.parquet",
    "flowers/2026/05/01/d.csv",
    "flowers/2025/z.csv",
    "flowers/2026x/y.csv",
)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("inbox/flowers/2026/a.csv", ["2026/a.csv"]),
        ("inbox/flowers/2026/", ["2026/05/01/d.csv", "2026/05/c.csv", "2026/05/c.parquet", "2026/a.csv", "2026/b.csv"]),
        ("inbox/flowers/2026/*.csv", ["2026/a.csv", "2026/b.csv"]),
        ("inbox/flowers/2026/?.csv", ["2026/a.csv", "2026/b.csv"]),
        ("inbox/flowers/2026/**/*.csv", ["2026/05/01/d.csv", "2026/05/c.csv", "2026/a.csv", "2026/b.csv"]),
        ("inbox/flowers/2026/*/*.csv", ["2026/05/c.csv"]),
        ("inbox/flowers/202*/*.csv", ["2025/z.csv", "2026/a.csv", "2026/b.csv", "2026x/y.csv"]),
        ("inbox/flowers/**/c.*", ["2026/05/c.csv", "2026/05/c.parquet"]),
        ("inbox/flowers/2026/05/*/", ["2026/05/01/d.csv"]),
    ],
)
def test_a_location_names_one_blob_or_those_below_it_or_that_match(
    store: MemoryBlobs, ports: BatchPorts, location: str, expected: list[str]
) -> None:
    put(store, *NAMES)
    assert found(ports, location) == [f"inbox/flowers/{name}" for name in expected]


def test_several_inputs_are_read_in_their_order(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, *NAMES)
    assert found(ports, "inbox/flowers/2026/b.csv", "inbox/flowers/2025/", "inbox/flowers/2026/a.csv") == [
        "inbox/flowers/2026/b.csv",
        "inbox/flowers/2025/z.csv",
        "inbox/flowers/2026/a.csv",
    ]


def test_what_is_no_data_is_left_out_of_folders(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, "flowers/may/a.csv", "flowers/may/_READY", "flowers/may/.a.csv.tmp", "flowers/may/_tmp/b.csv")
    store.write(Container.INBOX, "flowers/may/empty.csv", b"")
    store.write(Container.INBOX, "flowers/may/", b"")
    assert found(ports, "inbox/flowers/may/") == ["inbox/flowers/may/_tmp/b.csv", "inbox/flowers/may/a.csv"]
    assert found(ports, "inbox/flowers/may/*") == ["inbox/flowers/may/a.csv"]


def test_a_blob_that_is_named_itself_is_read_whatever_its_name(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, "flowers/_a.csv")
    store.write(Container.INBOX, "flowers/empty.csv", b"")
    assert found(ports, "inbox/flowers/_a.csv") == ["inbox/flowers/_a.csv"]
    assert found(ports, "inbox/flowers/empty.csv") == ["inbox/flowers/empty.csv"]


def test_what_was_dropped_is_named_to_the_letter(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, "flowers/other.csv")
    etag = store.write(Container.INBOX, "flowers/*.csv", b"x")
    assert found(ports, JobInput(location="inbox/flowers/*.csv", etag=etag)) == ["inbox/flowers/*.csv"]
    assert found(ports, "inbox/flowers/*.csv") == ["inbox/flowers/*.csv", "inbox/flowers/other.csv"]


@pytest.mark.parametrize("location", ["inbox/flowers/none/", "inbox/flowers/*.parquet", "inbox/flowers/**/*.csv"])
def test_a_location_where_nothing_is_is_told(store: MemoryBlobs, ports: BatchPorts, location: str) -> None:
    put(store, "flowers/a.txt", "flowers/nonesuch/_READY")
    with pytest.raises(UnreadableInput) as raised:
        found(ports, location)
    assert raised.value.message == (f"there is no file at {location}: look at the path, and whether files have content")


def test_one_input_of_several_where_nothing_is_is_told_too(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, "flowers/a.csv")
    with pytest.raises(UnreadableInput, match="inbox/flowers/none/"):
        found(ports, "inbox/flowers/a.csv", "inbox/flowers/none/")


def test_a_blob_that_is_gone_or_another_is_told(store: MemoryBlobs, ports: BatchPorts) -> None:
    with pytest.raises(InputChanged, match=r"^inbox/flowers/a\.csv is not there any more: submit it again$"):
        found(ports, "inbox/flowers/a.csv")
    put(store, "flowers/a.csv")
    with pytest.raises(InputChanged, match=r"^inbox/flowers/a\.csv was changed since it was submitted"):
        found(ports, JobInput(location="inbox/flowers/a.csv", etag='"another"'))


def test_blobs_of_other_accounts_are_read_there(store: MemoryBlobs, partner: MemoryBlobs, ports: BatchPorts) -> None:
    put(partner, "flowers/a b.csv", "flowers/ü.csv", container="exports")
    put(store, "flowers/not this.csv", container="exports")
    expected = [f"{PARTNER}/exports/flowers/a%20b.csv", f"{PARTNER}/exports/flowers/%C3%BC.csv"]
    assert found(ports, f"{PARTNER}/exports/flowers/") == expected
    assert found(ports, *expected) == expected
    job = jobs.new("rest-1", "flowers", (JobInput(location=expected[0]),), "me", ports.now())
    (only,) = sources.find(job, ports.catalog.read("flowers"), ports)
    assert (only.place.account, only.place.name) == (PARTNER, "flowers/a b.csv")


def test_the_data_accounts_own_address_is_as_good_as_a_path(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, "flowers/a.csv")
    assert found(ports, f"{ports.known.own[0]}/inbox/flowers/a.csv") == ["inbox/flowers/a.csv"]


def test_what_an_endpoint_allows_is_read(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, "shared/a.csv", container="data")
    put(store, "flowers/job/part-0.csv", container=Container.PREDICTIONS)
    assert found(ports, "data/shared/", "predictions/flowers/job/") == [
        "data/shared/a.csv",
        "predictions/flowers/job/part-0.csv",
    ]


@pytest.mark.parametrize(
    "location",
    [
        "inbox/trees/a.csv",
        "inbox/flowers2/a.csv",
        "inbox/",
        "inbox/flower*/a.csv",
        "predictions/trees/",
        "models/iris/1/package.json",
        "endpoints/flowers/head.json",
        "jobs/active/",
        "staging/x/",
        "data/shared2/a.csv",
        "data/",
        f"{PARTNER}/exports/trees/a.csv",
        f"{PARTNER}/exports/",
        "https://elsewhere.blob.core.windows.net/exports/flowers/a.csv",
        "https://stranger.blob.core.windows.net/exports/a.csv",
        "https://data.blob.core.windows.net/models/iris/1/package.json",
    ],
)
def test_what_an_endpoint_does_not_allow_is_not_looked_at(store: MemoryBlobs, ports: BatchPorts, location: str) -> None:
    with pytest.raises(LocationNotAllowed):
        found(ports, location)


def test_a_job_has_a_bounded_number_of_files(
    store: MemoryBlobs, ports: BatchPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_MAX_FILES", 3)
    put(store, *(f"flowers/{number}.csv" for number in range(4)))
    assert len(found(ports, *(f"inbox/flowers/{number}.csv" for number in range(3)))) == 3
    with pytest.raises(PayloadTooLarge, match="the job has more than 3 files: submit them as several jobs"):
        found(ports, "inbox/flowers/0.csv", "inbox/flowers/1.csv", "inbox/flowers/")


def test_files_come_one_by_one_and_not_all_at_once(store: MemoryBlobs, ports: BatchPorts) -> None:
    put(store, *NAMES)
    inputs: Sequence[Any] = (JobInput(location="inbox/flowers/2026/"), JobInput(location="inbox/trees/"))
    job = jobs.new("rest-1", "flowers", tuple(inputs), "me", ports.now())
    files = sources.find(job, ports.catalog.read("flowers"), ports)
    assert next(files).pinned(lambda: None).path == "inbox/flowers/2026/05/01/d.csv"
