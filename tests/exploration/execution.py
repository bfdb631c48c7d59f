"""One execution: actors that run the real flows, one at a time, and change over only where the search says so."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import NamedTuple, Protocol

from shared.errors import SlipwayError
from tests.exploration.stepping import Mode, Step
from tests.exploration.world import Host, World
from tests.support.batch import Killed

BEGIN = Step("begin")


class Part(NamedTuple):
    """What an actor does. `may_begin`: an actor that would have nothing to do yet is not asked to begin. `after`: one
    that does the same, and so may as well be the first of the two. `turns_clock`: it begins at a later time.
    """

    name: str
    play: Callable[[World, Host], None]
    may_begin: Callable[[World], bool] = lambda world: True
    after: str = ""
    turns_clock: bool = False


class Choice(NamedTuple):
    """Who does its next operation, and how that goes."""

    actor: str
    mode: Mode


class Happened(NamedTuple):
    actor: str
    step: Step
    mode: Mode

    @property
    def choice(self) -> Choice:
        return Choice(self.actor, self.mode)


class Actor:
    """`pending`: what it does when it is next told to go on. `stirred`: whether that may come out differently by what
    others have done since it stopped there.
    """

    def __init__(self, part: Part, execution: "Execution") -> None:
        self.name = part.name
        self.part = part
        self.pending = BEGIN
        self.begun = False
        self.ended = False
        self.seen = 0
        self.stirred = True
        self.awake = threading.Semaphore(0)
        self._execution = execution

    def stop(self, step: Step) -> Mode:
        return self._execution.stop(self, step)

    def saw(self, step: Step, result: object) -> None:
        self.seen = hash((self.seen, step, result, self._execution.world.clock.now))
        self._execution.after(step)

    @property
    def is_runnable(self) -> bool:
        if self.ended or self.begun:
            return not self.ended
        first = self._execution.actors.get(self.part.after)
        return (first is None or first.begun) and self.part.may_begin(self._execution.world)


class Director(Protocol):
    def choose(self, execution: "Execution") -> Choice | None:
        """None: this execution is of no more interest, or nobody is left."""
        ...


class Execution:
    """`happened`: all operations so far. `violation`: what a reader has seen and never should have."""

    def __init__(self, world: World, parts: Sequence[Part], director: Director, pool: ThreadPoolExecutor) -> None:
        self.world = world
        self.actors = {part.name: Actor(part, self) for part in parts}
        self.current: Actor | None = None
        self.happened: list[Happened] = []
        self.violation = ""
        self._director = director
        self._pool = pool
        self._over = threading.Event()
        self._threads: list[Future[None]] = []
        self._mode = Mode.OK

    def run(self) -> None:
        self._go_on()
        self._over.wait()
        for actor in self.actors.values():
            actor.awake.release()
        wait(self._threads)
        for thread in self._threads:
            thread.result()

    def stop(self, actor: Actor, step: Step) -> Mode:
        if self._over.is_set() or actor.ended:
            raise Killed
        actor.pending = step
        if self._go_on() is not actor:
            actor.awake.acquire()
        if self._over.is_set():
            raise Killed
        return self._mode

    def after(self, step: Step) -> None:
        if step.changes and not self.violation:
            self.violation = self.world.reader.look(step)

    def _go_on(self) -> Actor | None:
        """Says who is next and wakes them, unless it is whoever asks; None when it is over."""
        asks = self.current
        while True:
            choice = self._choice()
            if choice is None:
                self._over.set()
                return None
            actor = self.actors[choice.actor]
            self._stir(actor)
            self.happened.append(Happened(actor.name, actor.pending, choice.mode))
            if choice.mode != Mode.DIE:
                break
            actor.ended = True
            if actor is self.current:
                self.current = None
        self._mode = choice.mode
        self.current = actor
        if not actor.begun:
            actor.begun = True
            self._threads.append(self._pool.submit(self._play, actor))
        elif actor is not asks or asks.ended:
            actor.awake.release()
        return actor

    def _choice(self) -> Choice | None:
        try:
            return None if self.violation else self._director.choose(self)
        except Exception as error:
            self.violation = f"nobody knows who is next: {error!r}"
            return None

    def _stir(self, by: Actor) -> None:
        by.stirred = False
        turned = by.pending is BEGIN and by.part.turns_clock
        for other in self.actors.values():
            if other is not by and (turned or by.pending.meets(other.pending)):
                other.stirred = True

    def _play(self, actor: Actor) -> None:
        host = self.world.host(actor.name, actor)
        try:
            actor.part.play(self.world, host)
        except Killed:
            return
        except SlipwayError as error:
            self.world.notes.add(f"{actor.name}: {error.code}")
        except Exception as error:
            self.violation = self.violation or f"{actor.name} ended with {error!r}"
        actor.ended = True
        self.current = None
        self._go_on()
