"""What monitoring keeps of requests that went through the handler, and that nobody gets another reply for it."""

from typing import Any

import orjson
import pytest

from shared.errors import StorageUnavailable
from shared.ports import Container
from tests.unit.online.house import GOOD, House

WATCHED: dict[str, Any] = {"traffic": {"blue": 100}, "monitoring": {}}


def kept(house: House) -> list[dict[str, Any]]:
    house.ports.capture.flush()
    blobs = [house.store.read(Container.CAPTURE, item.name) for item in house.store.list(Container.CAPTURE)]
    return [orjson.loads(line) for blob in blobs if blob is not None for line in blob.data.splitlines()]


@pytest.fixture
def house() -> House:
    made = House()
    made.publish(**WATCHED)
    return made


async def test_a_request_is_kept_as_it_was_asked_and_answered(house: House) -> None:
    reply = await house.score()
    (record,) = kept(house)
    assert (record["request_id"], record["model"], record["step"]) == ("request-1", reply.model, 1)
    assert record["inputs"] == {"index": [1, 2]}
    assert [*record["outputs"].values()] == [orjson.loads(reply.rendered.body)]


async def test_without_monitoring_nothing_is_kept() -> None:
    house = House()
    await house.score()
    assert kept(house) == []


async def test_a_request_that_failed_is_not_kept(house: House) -> None:
    await house.refused(b'{"input_data": [[99]]}')
    await house.refused(b"{")
    assert kept(house) == []


@pytest.mark.parametrize("body", [GOOD, b'{"input_data": []}', b'{"input_data": [' + b"[1]," * 4000 + b"[2]]}"])
async def test_replies_are_the_same_whether_it_is_kept_or_not(house: House, body: bytes) -> None:
    expected = await House().answer(body)
    assert await house.answer(body) == expected


async def test_replies_are_the_same_where_keeping_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*named: Any) -> None:
        raise MemoryError

    expected = await house.answer()
    monkeypatch.setattr("shared.monitoring.captured.keep", fail)
    assert await house.answer() == expected


async def test_replies_are_the_same_where_storage_fails(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*named: Any, **more: Any) -> None:
        raise StorageUnavailable("storage does not answer")

    expected = await house.answer()
    monkeypatch.setattr(house.store, "write", fail)
    assert await house.answer() == expected
    house.ports.capture.flush()
    assert await house.answer() == expected


async def test_inputs_that_are_not_named_never_leave_the_request(house: House) -> None:
    house.publish(**{**WATCHED, "monitoring": {"features": ["other"]}})
    await house.answer()
    (record,) = kept(house)
    assert record["inputs"] == {}
    assert record["outputs"]
