"""Things that take long to make and that many mini-batches need: each is made once, and kept while there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class Kept[T]:
    """The last of them, of at most so many bytes together, though always the newest. Safe with threads."""

    def __init__(self, max_bytes: int, size_of: Callable[[T], int]) -> None:
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._lock = threading.Lock()
        self._made: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._held_bytes = 0
        self._making: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Raises what `make` raises; others who wait for the same thing then try for themselves."""
        while True:
            with self._lock:
                if key in self._made:
                    self._made.move_to_end(key)
                    return self._made[key][0]
                others = self._making.get(key)
                if others is None:
                    mine = self._making[key] = Future[Any]()
            if others is None:
                return self._make(key, make, mine)
            others.exception()

    def _make(self, key: Hashable, make: Callable[[], T], mine: Future[Any]) -> T:
        try:
            made = make()
            size = self._size_of(made)
            with self._lock:
                self._made[key] = made, size
                self._held_bytes += size
                self._make_room()
            return made
        finally:
            with self._lock:
                del self._making[key]
            mine.set_result(None)

    def _make_room(self) -> None:
        while self._held_bytes > self._max_bytes and len(self._made) > 1:
            _, (_, size) = self._made.popitem(last=False)
            self._held_bytes -= size
