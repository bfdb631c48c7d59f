"""A deployment's queue: what waits while its models are busy, and how many rows of it are taken at once.

Nothing waits for company: a request that finds a model free is called at once. What came meanwhile is taken together,
where the model was measured to gain by it. Belongs to one event loop.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from shared.errors import ModelNotReady, Overloaded, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.signature import Array, Inputs, count_rows
from shared.models.waiting import Waiting, answers_of, kind_of

# More threads than this never call models at once, whatever the deployment says.
_MOST_AT_ONCE: Final = 64
# Who waited has to have as many times what a call takes on average left: about half of the calls take longer.
_MARGIN: Final = 1.5
# A single call that took much longer than the others counts as this many of them.
_ODD: Final = 4.0


class Limits(NamedTuple):
    """Of a deployment. `max_batch_rows` 1: nothing is gathered. `max_queue_wait_s`: None for as long as the request.

    `timeout_s`: a process that works on a call for so long, and nobody waits for it any more, is ended.
    """

    max_concurrent: int = 2
    max_queue: int = 64
    max_queue_wait_s: float | None = None
    max_batch_rows: int = 256
    timeout_s: float = 5.0


class Watch(NamedTuple):
    """Who is told what happens in the queue."""

    waited: Callable[[float], None] = lambda seconds: None
    called: Callable[[LoadedModel, int, int], None] = lambda model, rows, requests: None


class Lanes:
    """Calls models in threads, `max_concurrent` at a time, and refuses what it cannot take."""

    def __init__(self, limits: Limits, watch: Watch | None = None) -> None:
        self.limits = limits
        self._watch = watch or Watch()
        self._queue: deque[Waiting] = deque()
        self._busy: Counter[int] = Counter()
        self._running = 0
        self._work_s = 0.0
        self._closing = False
        self._executor = _threads()

    @property
    def waiting(self) -> int:
        return sum(not each.answer.done() for each in self._queue)

    async def predict(self, model: LoadedModel, inputs: Inputs, deadline: float) -> dict[str, Array]:
        """`deadline`: the loop's time. Raises Overloaded, ScoringTimeout, and what the model raises."""
        kind = kind_of(model, inputs) if self._may_gather(model) else None
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
        waiting = Waiting(model, work, inputs, rows, kind, now, deadline, loop.create_future())
        if not self._has_room(model) and self.waiting >= self.limits.max_queue:
            raise Overloaded(f"{self.limits.max_queue} requests wait for this deployment already: try again shortly")
        self._queue.append(waiting)
        self._start()
        waiting.queued = waiting in self._queue
        patience = self.limits.max_queue_wait_s
        if patience is not None and waiting.queued:
            handle = loop.call_later(patience, self._give_up, waiting)
            waiting.answer.add_done_callback(lambda _: handle.cancel())  # it holds the inputs
        try:
            async with asyncio.timeout_at(deadline):
                return await waiting.answer
        except TimeoutError:
            raise ScoringTimeout(
                "the model did not answer in time: send fewer rows, or raise request_timeout_ms"
            ) from None

    def _give_up(self, waiting: Waiting) -> None:
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

    def _next_group(self) -> list[Waiting] | None:
        now = asyncio.get_running_loop().time()
        while True:
            while self._queue and self._queue[0].answer.done():
                self._queue.popleft()
            first = next((each for each in self._queue if not each.answer.done() and self._has_room(each.model)), None)
            if first is None:
                return None
            if now + self._needed_s(first, first.rows) <= first.deadline:
                break
            first.answer.set_exception(ScoringTimeout("the model is too busy to answer in time: try again shortly"))
        group = list(self._taken_with(first, now))
        taken = {id(each) for each in group}
        self._queue = deque(each for each in self._queue if id(each) not in taken and not each.answer.done())
        return group

    def _needed_s(self, first: Waiting, rows: int) -> float:
        """The time that has to be left for a call to be worth it.

        Whoever finds the model free is always tried, and whoever has half of the time left: a model that was once
        measured to be slow would not be called, nor measured, any more.
        """
        if not first.queued:
            return 0.0
        cost_s = self._work_s if first.work is not None else first.model.cost_s(rows)
        return min(_MARGIN * cost_s, self.limits.timeout_s / 2)

    def _taken_with(self, first: Waiting, now: float) -> Iterator[Waiting]:
        yield first
        rows, deadline = first.rows, first.deadline
        if first.kind is None or first.alone:
            return
        for other in self._queue:
            fits = other.kind == first.kind and rows + other.rows <= self.limits.max_batch_rows
            if other is first or not fits or other.alone or other.answer.done():
                continue
            if now + self._needed_s(first, rows + other.rows) <= min(deadline, other.deadline):
                rows, deadline = rows + other.rows, min(deadline, other.deadline)
                yield other

    async def _call(self, group: list[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        first, abort, left = group[0], Abort(self.limits.timeout_s), len(group)
        started = loop.time()

        def stopped_waiting(answer: asyncio.Future[Any]) -> None:
            nonlocal left
            left -= 1
            if not left and answer.cancelled():
                abort.fire()

        for each in group:
            self._watch.waited(started - each.since)
            each.answer.add_done_callback(stopped_waiting)
        if first.work is None:
            self._watch.called(first.model, sum(each.rows for each in group), len(group))
        try:
            answers = await loop.run_in_executor(self._executor, answers_of, group, abort)
        except Exception as error:
            self._failed(group, error)
        else:
            if first.work is not None:
                self._work_took(loop.time() - started)
            _tell(group, answers)
        finally:
            self._running -= 1
            self._busy[id(first.model)] -= 1
            if not self._busy[id(first.model)]:
                del self._busy[id(first.model)]
            self._start()
            self._let_go()

    def _work_took(self, seconds: float) -> None:
        """What models measure themselves; a moving average."""
        known = self._work_s or seconds
        self._work_s = 0.8 * known + 0.2 * min(seconds, _ODD * known)

    def _failed(self, group: list[Waiting], error: Exception) -> None:
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
        """Whoever waits is still answered, and so is who comes late; the threads go when nobody is left."""
        self._closing = True
        self._let_go()

    def _let_go(self) -> None:
        if self._closing and not self._running and not self.waiting:
            self._executor.shutdown(wait=False)
            self._executor = _threads()


# The loop itself holds its tasks only weakly.
_CALLS: set[asyncio.Task[None]] = set()
_NOTHING: Final = Inputs({}, {})


def _threads() -> Executor:
    """Started when they are needed."""
    return ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="predict")


def _tell(group: list[Waiting], answers: list[Any]) -> None:
    for each, answer in zip(group, answers, strict=True):
        if not each.answer.done():
            each.answer.set_result(answer)
