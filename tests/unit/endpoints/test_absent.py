"""Asking for endpoints that are not there: strangers may ask for any name, and storage must not feel it."""

import asyncio

import pytest

from shared.endpoints.audit import Author
from shared.errors import EndpointNotFound, Overloaded
from tests.unit.endpoints.desk import REFRESH_S, Desk
from tests.unit.endpoints.documents import NOW


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_an_endpoint_that_is_not_there_is_looked_for_once_every_refresh_s_however_many_ask(desk: Desk) -> None:
    async def ask() -> None:
        with pytest.raises(EndpointNotFound, match="there is no endpoint 'trees'"):
            await desk.catalog.read_online("trees")

    await asyncio.gather(*(ask() for _ in range(20)))
    await ask()
    assert desk.store.reads == ["trees/head.json"]
    desk.now += REFRESH_S
    await ask()
    assert desk.store.reads == ["trees/head.json"] * 2


async def test_a_published_endpoint_is_found_at_once_where_it_was_published(desk: Desk) -> None:
    with pytest.raises(EndpointNotFound):
        await desk.catalog.read_online("trees")
    desk.changes.publish(desk.draft("blue").model_copy(update={"name": "trees"}), Author("ann", NOW))
    assert (await desk.catalog.read_online("trees")).name == "trees"


async def test_the_memory_of_what_is_not_there_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.endpoints.catalog._MAX_ABSENT", 2)
    for name in ("one", "two", "three", "one", "one"):
        with pytest.raises(EndpointNotFound):
            await desk.catalog.read_online(name)
    assert desk.store.reads == [f"{name}/head.json" for name in ("one", "two", "three", "one")]


async def test_many_unknown_names_are_looked_for_a_few_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.endpoints.catalog._MAX_SEARCHES", 2)
    catalog = desk.another()
    desk.store.slow.clear()
    asked = [asyncio.create_task(catalog.read_online(f"name-{number}")) for number in range(10)]
    while len(desk.store.reads) < 2:
        await asyncio.sleep(0)
    for _ in range(1000):
        await asyncio.sleep(0)
    assert len(desk.store.reads) == 2
    desk.store.slow.set()
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in ended} == {EndpointNotFound}
    assert len(desk.store.reads) == 10


async def test_strangers_are_refused_while_others_look_and_nobody_who_is_known_waits_behind_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.endpoints.catalog._MAX_SEARCHES", 1)
    monkeypatch.setattr("shared.endpoints.catalog._MAX_STRANGERS", 2)
    desk.publish()
    catalog = desk.another()
    desk.store.reads.clear()
    desk.store.slow.clear()
    asked = [asyncio.create_task(catalog.read_online(f"name-{number}", stranger=True)) for number in range(100)]
    refused, waiting = await asyncio.wait(asked, timeout=0.2)
    assert (len(refused), len(waiting)) == (98, 2)
    assert {type(each.exception()) for each in refused} == {Overloaded}
    with pytest.raises(Overloaded):
        await catalog.read_online("flowers", stranger=True)
    known = asyncio.create_task(catalog.read_online("flowers"))
    while "flowers/head.json" not in desk.store.reads:
        await asyncio.sleep(0)
    desk.store.slow.set()
    assert (await known).name == "flowers"
    await asyncio.wait(waiting)
    assert len([name for name in desk.store.reads if name.startswith("name-")]) == 2


async def test_a_stranger_learns_of_a_known_endpoint_while_others_look(desk: Desk) -> None:
    desk.publish()
    await desk.catalog.read_online("flowers")
    desk.store.slow.clear()
    asked = [asyncio.create_task(desk.catalog.read_online(f"name-{number}", stranger=True)) for number in range(3)]
    assert (await desk.catalog.read_online("flowers", stranger=True)).name == "flowers"
    desk.store.slow.set()
    await asyncio.wait(asked)
