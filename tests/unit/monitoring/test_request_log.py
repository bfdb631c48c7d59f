"""Every log record knows its request."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from shared.monitoring.request_log import request_id, stamp_records


@pytest.fixture(autouse=True)
def _stamped() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    stamp_records()
    yield
    logging.setLogRecordFactory(before)


def logged(name: str = "any.library") -> str:
    record = logging.getLogger(name).makeRecord(name, logging.INFO, "file", 1, "text", (), None)
    return logging.Formatter("%(request_id)s %(message)s").format(record)


def test_a_record_carries_the_request_it_belongs_to() -> None:
    token = request_id.set("one")
    assert logged() == "one text"
    request_id.reset(token)


def test_a_record_outside_of_any_request_carries_none() -> None:
    assert logged() == " text"


async def test_requests_at_once_are_told_apart_and_reach_into_their_threads() -> None:
    async def request(name: str) -> list[str]:
        request_id.set(name)
        before = logged()
        await asyncio.sleep(0)
        return [before, await asyncio.to_thread(logged)]

    assert tuple(await asyncio.gather(request("one"), request("two"))) == (["one text"] * 2, ["two text"] * 2)


def test_stamping_twice_is_stamping_once() -> None:
    factory = logging.getLogRecordFactory()
    stamp_records()
    assert logging.getLogRecordFactory() is factory
