"""A deployment's queue: what waits while its models are busy, and how many rows of it are taken at once.

Nothing waits for company: a request that finds a model free is called at once. What came meanwhile is taken together,
where the model was measured to gain by it. Belongs to one event loop.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from shared.errors import ModelNotReady, Overloaded, ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.matrix import joined
from shared.models.signature import Array, Inputs, count_rows

# More threads than this never call models at once, whatever the deployment says.
_MOST_AT_ONCE: Final = 64


class Limits(NamedTuple):
    """Of a deployment. `max_batch_rows` 1: nothing is gathered. `max_queue_wait_s`: None for as long as the request."""

    max_concurrent: int = 2
    max_queue: int = 64
    max_queue_wait_s: float | None = None
    max_batch_rows: int = 256


class Watch(NamedTuple):
    """Who is told what happens in the queue."""

    waited: Callable[[float], None] = lambda seconds: None
    called: Callable[[LoadedModel, int, int], None] = lambda model, rows, requests: None


@dataclass(eq=False, slots=True)
class _Waiting:
    """`alone`: not to be taken together with others any more."""

    model: Any
    work: Callable[[Abort], Any] | None
    inputs: Inputs
    rows: int
    kind: object
    since: float
    answer: asyncio.Future[Any]
    alone: bool = False


class Lanes:
    """Calls models in threads, `max_concurrent` at a time, and refuses what it cannot take."""

    def __init__(self, limits: Limits, watch: Watch | None = None) -> None:
        self.limits = limits
        self._watch = watch or Watch()
        self._queue: deque[_Waiting] = deque()
        self._busy: Counter[int] = Counter()
        self._running = 0
        self._executor: Executor = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="predict")

    @property
    def waiting(self) -> int:
        return sum(not each.answer.done() for each in self._queue)

    async def predict(self, model: LoadedModel, inputs: Inputs, deadline: float) -> dict[str, Array]:
        """`deadline`: the loop's time. Raises Overloaded, ScoringTimeout, and what the model raises."""
        kind = _kind(model, inputs) if self._may_gather(model) else None
        outputs: dict[str, Array] = await self._answered(
            model, None, inputs, count_rows(inputs.features), kind, deadline
        )
        return outputs

    async def run[T](self, model: Any, work: Callable[[Abort], T], deadline: float) -> T:
        """As `predict`, for work of any kind, which is never gathered."""
        answer: T = await self._answered(model, work, _NOTHING, 1, None, deadline)
        return answer

    def _may_gather(self, model: LoadedModel) -> bool:
        return model.gathers and self.limits.max_batch_rows > 1

    async def _answered(
        self, model: Any, work: Callable[[Abort], Any] | None, inputs: Inputs, rows: int, kind: object, deadline: float
    ) -> Any:
        loop = asyncio.get_running_loop()
        now = loop.time()
        waiting = _Waiting(model, work, inputs, rows, kind, now, loop.create_future())
        if not self._has_room(model) and self.waiting >= self.limits.max_queue:
            raise Overloaded(f"{self.limits.max_queue} requests wait for this deployment already: try again shortly")
        self._queue.append(waiting)
        self._start()
        patience = self.limits.max_queue_wait_s
        if patience is not None and waiting in self._queue:
            loop.call_later(patience, self._give_up, waiting)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting.answer
        except TimeoutError:
            raise ScoringTimeout(
                "the model did not answer in time: send fewer rows, or raise request_timeout_ms"
            ) from None

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting in self._queue and not waiting.answer.done():
            self._queue.remove(waiting)
            waiting.answer.set_exception(Overloaded("the request waited for longer than max_queue_wait_ms: try again"))

    def _has_room(self, model: Any) -> bool:
        return self._running < self.limits.max_concurrent and self._busy[id(model)] < model.lanes

    def _start(self) -> None:
        """Starts what can be started. Whoever has stopped waiting is left out."""
        while (group := self._next_group()) is not None:
            self._running += 1
            self._busy[id(group[0].model)] += 1
            task = asyncio.get_running_loop().create_task(self._call(group))
            _CALLS.add(task)
            task.add_done_callback(_CALLS.discard)

    def _next_group(self) -> list[_Waiting] | None:
        while self._queue and self._queue[0].answer.done():
            self._queue.popleft()
        first = next((each for each in self._queue if not each.answer.done() and self._has_room(each.model)), None)
        if first is None:
            return None
        group = list(self._taken_with(first))
        taken = {id(each) for each in group}
        self._queue = deque(each for each in self._queue if id(each) not in taken and not each.answer.done())
        return group

    def _taken_with(self, first: _Waiting) -> Iterator[_Waiting]:
        yield first
        rows = first.rows
        if first.kind is None or first.alone:
            return
        for other in self._queue:
            fits = other.kind == first.kind and rows + other.rows <= self.limits.max_batch_rows
            if other is not first and fits and not other.alone and not other.answer.done():
                rows += other.rows
                yield other

    async def _call(self, group: list[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        first, abort, left = group[0], Abort(), len(group)

        def stopped_waiting(answer: asyncio.Future[Any]) -> None:
            nonlocal left
            left -= 1
            if not left and answer.cancelled():
                abort.fire()

        for each in group:
            self._watch.waited(loop.time() - each.since)
            each.answer.add_done_callback(stopped_waiting)
        if first.work is None:
            self._watch.called(first.model, sum(each.rows for each in group), len(group))
        try:
            answers = await loop.run_in_executor(self._executor, _work, group, abort)
        except Exception as error:
            self._failed(group, error)
        else:
            for each, answer in zip(group, answers, strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)
        finally:
            self._running -= 1
            self._busy[id(first.model)] -= 1
            if not self._busy[id(first.model)]:
                del self._busy[id(first.model)]
            self._start()

    def _failed(self, group: list[_Waiting], error: Exception) -> None:
        """One bad request must not fail the others: they are called again, one by one."""
        waiting = [each for each in group if not each.answer.done()]
        if len(group) == 1 or isinstance(error, ModelNotReady):
            for each in waiting:
                each.answer.set_exception(error)
            return
        for each in reversed(waiting):
            each.alone = True
            self._queue.appendleft(each)

    def close(self) -> None:
        self._executor.shutdown(wait=False)


# The loop itself holds its tasks only weakly.
_CALLS: set[asyncio.Task[None]] = set()
_NOTHING: Final = Inputs({}, {})


def _kind(model: LoadedModel, inputs: Inputs) -> object:
    """What may be taken together: one model, the same params, and arrays that differ in their rows only."""
    shapes = tuple((name, array.dtype.str, array.shape[1:]) for name, array in inputs.features.items())
    return (id(model), repr(sorted(inputs.params.items())), shapes)


def _work(group: list[_Waiting], abort: Abort) -> list[Any]:
    """In a thread. One answer for each request of the group."""
    first = group[0]
    if abort.fired:
        raise ScoringTimeout("nobody waits for this any more")
    if first.work is not None:
        return [first.work(abort)]
    if len(group) == 1:
        return [first.model.predict(first.inputs.features, first.inputs.params, abort)]
    features = joined([each.inputs.features for each in group])
    outputs = first.model.predict(features, first.inputs.params, abort)
    total = sum(each.rows for each in group)
    if any(array.ndim == 0 or len(array) != total for array in outputs.values()):
        raise ScoringFailed("the outputs do not have one entry for each row")
    ends = np.cumsum([each.rows for each in group])[:-1]
    parts = {name: np.split(array, ends) for name, array in outputs.items()}
    return [{name: arrays[at] for name, arrays in parts.items()} for at in range(len(group))]
