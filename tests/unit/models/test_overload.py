"""More than a model can take: what cannot be answered in time is refused, and what is under way is left to end."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator

import numpy as np
import pytest

from shared.errors import ScoringTimeout
from shared.models.batching import Lanes, Limits
from shared.models.flavor import Abort
from shared.models.signature import Inputs, Params
from tests.unit.models.test_batching import FAR, Queue, settle


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    made = Queue()
    yield made
    for gate in made.gates:
        gate.opened.set()
    made.lanes.close()


async def test_a_call_that_cannot_end_in_time_is_not_begun(queue: Queue) -> None:
    gate = queue.gate()
    gate.model.call_s = 8.0
    queue.lanes.limits = Limits(max_concurrent=1, timeout_s=FAR)
    first = await queue.busy(gate)
    late, early = queue.ask(gate.model, 1, timeout_s=9.0), queue.ask(gate.model, 2)
    await settle()
    gate.opened.set()
    with pytest.raises(ScoringTimeout, match="too busy"):
        await late
    assert [await first, await early] == [[0], [4]]
    assert gate.calls == [[0], [2]]


async def test_whoever_finds_the_model_free_is_tried_however_slow_it_was(queue: Queue) -> None:
    gate = queue.gate()
    gate.model.call_s = 100.0
    gate.opened.set()
    assert await queue.ask(gate.model, 1, timeout_s=9.0) == [2]


async def test_rows_are_not_added_to_a_call_that_would_then_end_too_late(queue: Queue) -> None:
    gate = queue.gate()
    gate.model.call_s, gate.model.row_s = 0.0, 4.0
    queue.lanes.limits = Limits(max_concurrent=1, timeout_s=FAR)
    first = await queue.busy(gate)
    others = [queue.ask(gate.model, row, timeout_s=11.0) for row in (1, 2, 3, 4)]
    await settle()
    gate.opened.set()
    assert await asyncio.gather(first, *others) == [[0], [2], [4], [6], [8]]
    assert gate.calls == [[0], [1, 2], [3, 4]]


async def test_the_work_of_a_script_is_measured_and_not_begun_too_late(queue: Queue) -> None:
    gate = queue.gate()
    lanes = queue.lanes = Lanes(Limits(max_concurrent=1, timeout_s=FAR))
    loop = asyncio.get_running_loop()

    def quick(abort: Abort) -> str:
        return "done"

    lanes._work_took(8.0)
    entered, go_on = threading.Event(), threading.Event()

    def slow(abort: Abort) -> str:
        entered.set()
        assert go_on.wait(FAR)
        return "slow"

    first = asyncio.create_task(lanes.run(gate.model, slow, loop.time() + FAR))
    await asyncio.to_thread(entered.wait)
    late = asyncio.create_task(lanes.run(gate.model, quick, loop.time() + 9.0))
    await settle()
    go_on.set()
    assert await first == "slow"
    with pytest.raises(ScoringTimeout, match="too busy"):
        await late


async def test_a_call_may_go_on_for_as_long_as_the_deployment_gives_it(queue: Queue) -> None:
    gate = queue.gate()
    queue.lanes.limits = Limits(timeout_s=7.0)
    gate.opened.set()
    await queue.ask(gate.model, 1)
    assert [abort.grace_s for abort in gate.aborts] == [7.0]


async def test_what_waits_in_a_queue_that_is_closed_is_still_answered(queue: Queue) -> None:
    before = set(threading.enumerate())
    gate = queue.gate()
    first = await queue.busy(gate)
    second = queue.ask(gate.model, 1)
    await settle()
    threads = [each for each in threading.enumerate() if each not in before and each.name.startswith("predict")]
    queue.lanes.close()
    gate.opened.set()
    assert list(await asyncio.gather(first, second)) == [[0], [2]]
    for thread in threads:
        await asyncio.to_thread(thread.join, FAR)
    assert [thread.is_alive() for thread in threads] == [False]
    assert await queue.ask(gate.model, 2) == [4]


async def test_an_answered_request_is_not_kept_for_as_long_as_it_might_have_waited(queue: Queue) -> None:
    gate = queue.gate()
    queue.lanes.limits = Limits(max_concurrent=1, max_queue_wait_s=FAR)
    first = await queue.busy(gate)
    inputs = Inputs({"x": np.array([1.0])}, {})
    kept = weakref.ref(inputs.features["x"])
    second = asyncio.create_task(queue.lanes.predict(gate.model, inputs, asyncio.get_running_loop().time() + FAR))
    await settle()
    gate.opened.set()
    await asyncio.gather(first, second)
    del inputs, second
    gc.collect()
    assert kept() is None


@pytest.mark.parametrize(
    ("params", "gathered"),
    [
        ({"k": [1.5] * 16, "name": "a", "on": True, "no": None}, True),
        ({"k": [1.5] * 17}, False),
        ({"k": "a" * 1001}, False),
        ({"k": [[1.0]]}, False),
        ({"k": np.zeros(3)}, False),
        ({f"k{number}": 1 for number in range(17)}, False),
    ],
)
async def test_only_requests_with_few_params_are_gathered(queue: Queue, params: Params, gathered: bool) -> None:
    """All are compared, and an array's text leaves most of it out."""
    gate = queue.gate()
    first = await queue.busy(gate)
    others = [queue.ask(gate.model, row, params=params) for row in (1, 2)]
    await settle()
    gate.opened.set()
    await asyncio.gather(first, *others)
    assert gate.calls == ([[0], [1, 2]] if gathered else [[0], [1], [2]])
