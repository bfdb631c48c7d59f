"""A deployment's queue: nothing waits for company, nothing waits for ever, and one bad request fails alone."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from shared.errors import ModelNotReady, Overloaded, ScoringFailed, ScoringTimeout
from shared.models.batching import Lanes, Limits, Watch
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.signature import Array, Features, Inputs, Params
from tests.support.loading import FunctionModel, loaded_as
from tests.unit.models.graphs import columns

FAR = 30.0


class Gate:
    """A model that doubles `x`, notes every call's rows, and waits inside its calls while it is shut."""

    def __init__(self, lanes: int = 1, *, gathers: bool = True) -> None:
        self.calls: list[list[float]] = []
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)
        self.aborts: list[Abort] = []
        self.refuses: Callable[[list[float]], Exception | None] = lambda rows: None
        self.model = loaded_as(FunctionModel(self._call, lanes), columns("x"), 1.0, gathers=gathers)

    def _call(self, features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        assert abort is not None
        rows = features["x"].tolist()
        self.calls.append(rows)
        self.aborts.append(abort)
        self.entered.release()
        assert self.opened.wait(FAR)
        error = self.refuses(rows)
        if error is not None:
            raise error
        return {"y": features["x"] * 2}


class Queue:
    def __init__(self) -> None:
        self.lanes = Lanes(Limits(max_concurrent=1))
        self.gates: list[Gate] = []

    def gate(self, lanes: int = 1, *, gathers: bool = True) -> Gate:
        self.gates.append(Gate(lanes, gathers=gathers))
        return self.gates[-1]

    def ask(
        self, model: LoadedModel, *rows: float, params: Params | None = None, timeout_s: float = FAR
    ) -> asyncio.Task[list[float]]:
        deadline = asyncio.get_running_loop().time() + timeout_s
        inputs = Inputs({"x": np.array(rows)}, params or {})

        async def answer() -> list[float]:
            outputs = await self.lanes.predict(model, inputs, deadline)
            return list(outputs["y"].tolist())

        return asyncio.create_task(answer())

    async def busy(self, gate: Gate) -> asyncio.Task[list[float]]:
        """A call that is under way, and waits inside the model."""
        first = self.ask(gate.model, 0.0)
        await asyncio.to_thread(gate.entered.acquire)
        return first


@pytest.fixture
async def queue() -> AsyncIterator[Queue]:
    made = Queue()
    yield made
    for gate in made.gates:
        gate.opened.set()
    made.lanes.close()


async def settle() -> None:
    """Lets all tasks that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_request_that_finds_the_model_free_is_called_at_once(queue: Queue) -> None:
    gate = queue.gate()
    gate.opened.set()
    assert await queue.ask(gate.model, 1, 2) == [2, 4]
    assert gate.calls == [[1, 2]]


async def test_what_queued_while_the_model_ran_is_taken_together_and_answered_apart(queue: Queue) -> None:
    gate = queue.gate()
    first = await queue.busy(gate)
    others = [queue.ask(gate.model, 1), queue.ask(gate.model, 2, 3), queue.ask(gate.model, 4)]
    await settle()
    gate.opened.set()
    assert await asyncio.gather(first, *others) == [[0], [2], [4, 6], [8]]
    assert gate.calls == [[0], [1, 2, 3, 4]]


async def test_rows_are_counted_and_not_requests(queue: Queue) -> None:
    gate = queue.gate()
    queue.lanes.limits = Limits(max_concurrent=1, max_batch_rows=3)
    first = await queue.busy(gate)
    others = [queue.ask(gate.model, 1, 2), queue.ask(gate.model, 3, 4), queue.ask(gate.model, 5)]
    await settle()
    gate.opened.set()
    await asyncio.gather(first, *others)
    assert gate.calls == [[0], [1, 2, 5], [3, 4]]


@pytest.mark.parametrize(("gathers", "max_batch_rows"), [(False, 256), (True, 1)])
async def test_nothing_is_gathered_where_it_does_not_pay_or_is_switched_off(
    queue: Queue, gathers: bool, max_batch_rows: int
) -> None:
    gate = queue.gate(gathers=gathers)
    queue.lanes.limits = Limits(max_concurrent=1, max_batch_rows=max_batch_rows)
    first = await queue.busy(gate)
    others = [queue.ask(gate.model, 1), queue.ask(gate.model, 2)]
    await settle()
    gate.opened.set()
    await asyncio.gather(first, *others)
    assert gate.calls == [[0], [1], [2]]


async def test_requests_with_other_params_or_for_other_models_are_not_taken_together(queue: Queue) -> None:
    gate, other = queue.gate(), queue.gate()
    first = await queue.busy(gate)
    asked = [
        queue.ask(gate.model, 1, params={"k": 1}),
        queue.ask(gate.model, 2, params={"k": 2}),
        queue.ask(gate.model, 3, params={"k": 1}),
        queue.ask(other.model, 4),
    ]
    await settle()
    gate.opened.set()
    other.opened.set()
    await asyncio.gather(first, *asked)
    assert gate.calls == [[0], [1, 3], [2]]
    assert other.calls == [[4]]


async def test_when_a_gathered_call_fails_its_requests_are_called_one_by_one(queue: Queue) -> None:
    gate = queue.gate()
    gate.refuses = lambda rows: ScoringFailed("13 is unlucky") if 13 in rows else None
    first = await queue.busy(gate)
    asked = [queue.ask(gate.model, 1), queue.ask(gate.model, 13), queue.ask(gate.model, 2)]
    await settle()
    gate.opened.set()
    answers = await asyncio.gather(first, *asked, return_exceptions=True)
    assert [answers[1], answers[3]] == [[2], [4]]
    assert isinstance(answers[2], ScoringFailed)
    assert gate.calls == [[0], [1, 13, 2], [1], [13], [2]]


async def test_a_model_that_is_gone_fails_all_at_once(queue: Queue) -> None:
    gate = queue.gate()
    gate.refuses = lambda rows: ModelNotReady("gone") if len(rows) > 1 else None
    first = await queue.busy(gate)
    asked = [queue.ask(gate.model, 1), queue.ask(gate.model, 2)]
    await settle()
    gate.opened.set()
    answers = await asyncio.gather(first, *asked, return_exceptions=True)
    assert [type(answer) for answer in answers[1:]] == [ModelNotReady, ModelNotReady]
    assert gate.calls == [[0], [1, 2]]


async def test_beyond_the_queue_requests_are_refused_at_once(queue: Queue) -> None:
    gate = queue.gate()
    queue.lanes.limits = Limits(max_concurrent=1, max_queue=2)
    first = await queue.busy(gate)
    waiting = [queue.ask(gate.model, 1), queue.ask(gate.model, 2)]
    await settle()
    with pytest.raises(Overloaded, match="2 requests wait"):
        await queue.ask(gate.model, 3)
    gate.opened.set()
    await asyncio.gather(first, *waiting)
    assert await queue.ask(gate.model, 4) == [8]


async def test_a_request_waits_no_longer_than_the_deployment_says(queue: Queue) -> None:
    gate = queue.gate()
    queue.lanes.limits = Limits(max_concurrent=1, max_queue_wait_s=0.01)
    first = await queue.busy(gate)
    with pytest.raises(Overloaded, match="max_queue_wait_ms"):
        await queue.ask(gate.model, 1)
    gate.opened.set()
    assert await first == [0]
    assert gate.calls == [[0]]


async def test_work_that_nobody_waits_for_any_more_is_not_started(queue: Queue) -> None:
    gate = queue.gate()
    first = await queue.busy(gate)
    with pytest.raises(ScoringTimeout, match="request_timeout_ms"):
        await queue.ask(gate.model, 1, timeout_s=0.01)
    last = queue.ask(gate.model, 2)
    gate.opened.set()
    assert [await first, await last] == [[0], [4]]
    assert gate.calls == [[0], [2]]


async def test_a_call_is_stopped_when_the_last_one_who_waited_for_it_is_gone(queue: Queue) -> None:
    busy, gate = queue.gate(), queue.gate()
    first = await queue.busy(busy)
    patient, hasty = queue.ask(gate.model, 1), queue.ask(gate.model, 2)
    await settle()
    busy.opened.set()
    await first
    await asyncio.to_thread(gate.entered.acquire)
    hasty.cancel()
    await settle()
    assert not gate.aborts[-1].fired
    patient.cancel()
    await settle()
    assert gate.aborts[-1].fired


async def test_a_model_is_called_at_most_as_often_at_once_as_it_can_take(queue: Queue) -> None:
    queue.lanes.limits = Limits(max_concurrent=8)
    gate = queue.gate(lanes=2, gathers=False)
    asked = [queue.ask(gate.model, row) for row in range(4)]
    for _ in range(2):
        await asyncio.to_thread(gate.entered.acquire)
    await settle()
    assert len(gate.calls) == 2
    gate.opened.set()
    assert sorted(await asyncio.gather(*asked)) == [[0], [2], [4], [6]]


async def test_who_watches_is_told_of_waits_and_of_what_was_gathered(queue: Queue) -> None:
    waited: list[float] = []
    called: list[tuple[int, int]] = []
    queue.lanes = Lanes(
        Limits(max_concurrent=1), Watch(waited.append, lambda model, rows, requests: called.append((rows, requests)))
    )
    gate = queue.gate()
    first = await queue.busy(gate)
    others = [queue.ask(gate.model, 1, 2), queue.ask(gate.model, 3)]
    await settle()
    gate.opened.set()
    await asyncio.gather(first, *others)
    assert called == [(1, 1), (3, 2)]
    assert len(waited) == 3
    assert all(seconds >= 0 for seconds in waited)
