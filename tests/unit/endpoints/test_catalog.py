"""Reading endpoint documents: fresh within a stated time, and served on while storage is away."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.endpoints.audit import Author
from shared.errors import ConfigurationError, EndpointNotFound, StorageUnavailable
from shared.ports import Container
from tests.unit.endpoints.desk import HEAD, REFRESH_S, Desk
from tests.unit.endpoints.documents import NOW

REVISION = "flowers/revisions/1.json"


@pytest.fixture
def desk() -> Desk:
    """`flowers` is published, and nothing was read yet."""
    desk = Desk()
    desk.publish("blue", "green", traffic={"blue": 100})
    desk.store.reads.clear()
    return desk


def test_an_endpoint_reads_as_it_was_published(desk: Desk) -> None:
    endpoint = desk.catalog.read("flowers")
    assert (endpoint.name, endpoint.head.traffic) == ("flowers", {"blue": 100})
    assert sorted(endpoint.revision.deployments) == ["blue", "green"]
    assert (endpoint.revision.created_by, endpoint.head.updated_at) == ("ann", NOW)


def test_a_document_is_used_for_refresh_s_and_then_looked_at_again(desk: Desk) -> None:
    desk.catalog.read("flowers")
    assert desk.store.reads == [HEAD, REVISION]
    desk.now += REFRESH_S - 0.01
    desk.catalog.read("flowers")
    assert desk.store.reads == [HEAD, REVISION]
    desk.now += 0.01
    desk.catalog.read("flowers")
    assert desk.store.reads == [HEAD, REVISION, HEAD]


def test_an_unchanged_document_is_fresh_again_after_a_look(desk: Desk) -> None:
    desk.catalog.read("flowers")
    desk.now += REFRESH_S
    first = desk.catalog.read("flowers")
    desk.now += REFRESH_S - 0.01
    assert desk.catalog.read("flowers") is first
    assert desk.store.reads.count(HEAD) == 2


def test_a_change_by_another_instance_is_seen_within_refresh_s(desk: Desk) -> None:
    desk.catalog.read("flowers")
    desk.another_office().set_traffic("flowers", {"green": 100}, Author("bob", NOW))
    assert desk.catalog.read("flowers").head.traffic == {"blue": 100}
    desk.now += REFRESH_S
    assert desk.catalog.read("flowers").head.traffic == {"green": 100}


def test_moved_traffic_does_not_read_the_revision_again_and_a_new_revision_does(desk: Desk) -> None:
    desk.catalog.read("flowers")
    desk.another_office().set_traffic("flowers", {"green": 100}, Author("bob", NOW))
    desk.now += REFRESH_S
    desk.store.reads.clear()
    desk.catalog.read("flowers")
    assert desk.store.reads == [HEAD]
    desk.publish("green", "red")
    desk.now += REFRESH_S
    desk.store.reads.clear()
    assert sorted(desk.catalog.read("flowers").revision.deployments) == ["green", "red"]
    assert desk.store.reads == [HEAD, "flowers/revisions/2.json"]


def test_the_instance_that_changes_traffic_sees_it_at_once(desk: Desk) -> None:
    desk.catalog.read("flowers")
    desk.changes.set_traffic("flowers", {"green": 100}, Author("bob", NOW))
    assert desk.catalog.read("flowers").head.traffic == {"green": 100}


async def test_online_callers_get_a_fresh_document_without_a_thread(desk: Desk) -> None:
    first = await desk.catalog.read_online("flowers")
    with pytest.raises(StopIteration) as ended:
        desk.catalog.read_online("flowers").send(None)
    assert ended.value.value is first
    desk.another_office().set_traffic("flowers", {"green": 100}, Author("bob", NOW))
    desk.now += REFRESH_S
    assert (await desk.catalog.read_online("flowers")).head.traffic == {"green": 100}


def test_many_threads_look_once(desk: Desk) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len({id(each) for each in pool.map(desk.catalog.read, ["flowers"] * 64)}) == 1
    assert desk.store.reads.count(HEAD) == 1


def test_while_storage_is_away_the_last_known_document_serves_and_is_told_about(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    known = desk.catalog.read("flowers")
    desk.store.down = True
    desk.now += 3600
    with caplog.at_level(logging.WARNING):
        assert desk.catalog.read("flowers") is known
    assert "serving the last known document" in caplog.text
    desk.store.down = False
    desk.another_office().set_traffic("flowers", {"green": 100}, Author("bob", NOW))
    desk.now += REFRESH_S
    assert desk.catalog.read("flowers").head.traffic == {"green": 100}


def test_while_storage_is_away_it_is_asked_once_every_refresh_s_and_not_by_every_caller(desk: Desk) -> None:
    """Each try may take many seconds."""
    desk.catalog.read("flowers")
    desk.store.down = True
    desk.now += REFRESH_S
    desk.store.reads.clear()
    for _ in range(100):
        desk.catalog.read("flowers")
    assert desk.store.reads == [HEAD]
    desk.now += REFRESH_S
    desk.catalog.read("flowers")
    assert desk.store.reads == [HEAD, HEAD]


def test_without_a_known_document_storage_that_is_away_is_told_as_such(desk: Desk) -> None:
    desk.store.down = True
    with pytest.raises(StorageUnavailable):
        desk.catalog.read("flowers")
    desk.store.down = False
    assert desk.catalog.read("flowers").name == "flowers"


def test_an_unknown_endpoint_is_not_found_until_it_is_published() -> None:
    desk = Desk()
    with pytest.raises(EndpointNotFound, match="there is no endpoint 'flowers'"):
        desk.catalog.read("flowers")
    with pytest.raises(EndpointNotFound):
        desk.changes.set_traffic("flowers", {"blue": 100}, Author("bob", NOW))
    desk.publish("blue")
    assert desk.catalog.read("flowers").name == "flowers"


def test_a_deleted_endpoint_is_not_found_and_not_remembered(desk: Desk) -> None:
    desk.catalog.read("flowers")
    desk.store.delete(Container.ENDPOINTS, HEAD)
    desk.now += REFRESH_S
    with pytest.raises(EndpointNotFound):
        desk.catalog.read("flowers")
    desk.store.down = True
    with pytest.raises(StorageUnavailable):
        desk.catalog.read("flowers")


@pytest.mark.parametrize("name", ["", "x/../flowers", "../models", "flowers/", "flowers\n", "a" * 2000, "fl%6Fwers"])
def test_what_cannot_be_a_name_is_not_found_and_never_reaches_storage(desk: Desk, name: str) -> None:
    with pytest.raises(EndpointNotFound):
        desk.catalog.read(name)
    assert desk.store.reads == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"schema_version": 2}', b"\xff"])
@pytest.mark.parametrize("path", [HEAD, REVISION])
def test_a_broken_document_is_told_as_such(desk: Desk, path: str, data: bytes) -> None:
    desk.store.write(Container.ENDPOINTS, path, data)
    with pytest.raises(ConfigurationError, match="a document of endpoint 'flowers' cannot be read"):
        desk.catalog.read("flowers")


def test_a_head_without_its_revision_is_told_as_such(desk: Desk) -> None:
    desk.store.delete(Container.ENDPOINTS, REVISION)
    with pytest.raises(ConfigurationError, match="names revision 1, which is not there"):
        desk.catalog.read("flowers")


def test_names_are_those_of_the_endpoints_with_a_head(desk: Desk) -> None:
    for path in ("half/revisions/1.json", "head.json", "trees/head.json", "trees/old/head.json", "loose"):
        desk.store.write(Container.ENDPOINTS, path, b"{}")
    assert desk.catalog.names() == ["flowers", "trees"]


def test_names_are_listed_once_within_refresh_s_and_anew_after_a_change_here(desk: Desk) -> None:
    assert desk.catalog.names() == ["flowers"]
    desk.store.write(Container.ENDPOINTS, "trees/head.json", b"{}")
    assert desk.catalog.names() == ["flowers"]
    desk.now += REFRESH_S
    assert desk.catalog.names() == ["flowers", "trees"]
    desk.store.delete(Container.ENDPOINTS, "trees/head.json")
    desk.catalog.forget("trees")
    assert desk.catalog.names() == ["flowers"]


async def test_a_known_document_serves_while_storage_is_slow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.endpoints.catalog._PATIENCE_S", 0.01)
    known = await desk.catalog.read_online("flowers")
    desk.another_office().set_traffic("flowers", {"green": 100}, Author("bob", NOW))
    desk.now += REFRESH_S
    desk.store.slow.clear()
    desk.store.reads.clear()
    assert [await desk.catalog.read_online("flowers") for _ in range(3)] == [known] * 3
    desk.store.slow.set()
    while (await desk.catalog.read_online("flowers")).head.traffic != {"green": 100}:
        await asyncio.sleep(0)
    assert desk.store.reads == [HEAD]


async def test_first_readers_wait_for_one_look(desk: Desk) -> None:
    endpoints = await asyncio.gather(*(desk.catalog.read_online("flowers") for _ in range(20)))
    assert {endpoint.name for endpoint in endpoints} == {"flowers"}
    assert desk.store.reads == [HEAD, REVISION]


def test_a_broken_new_document_does_not_hide_the_known_one(desk: Desk) -> None:
    known = desk.catalog.read("flowers")
    desk.store.write(Container.ENDPOINTS, HEAD, b"{")
    desk.now += REFRESH_S
    assert desk.catalog.read("flowers") == known
