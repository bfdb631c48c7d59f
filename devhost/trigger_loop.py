"""The loop that every polling trigger runs in."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any

from azure.core.exceptions import AzureError

_log = logging.getLogger("devhost.triggers")


class TriggerLoop(ABC):
    """Polls until it is stopped; storage that fails for a while only delays it."""

    def __init__(self, name: str, poll_s: float) -> None:
        self._name = name
        self._poll_s = poll_s
        self._stop = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[None]] = set()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @abstractmethod
    async def poll(self) -> bool:
        """Look once for something to do; True asks to be called again at once."""

    def start(self) -> None:
        self._polling = asyncio.create_task(self._loop())

    def spawn(self, run: Coroutine[Any, Any, None]) -> None:
        """Let one run of the function go on beside the polling."""
        task = asyncio.create_task(run)
        self._runs.add(task)
        task.add_done_callback(self._ended)

    async def stop(self, grace_s: float) -> None:
        """Look for nothing more; give what runs a moment."""
        self._stop.set()
        tasks = {*self._runs, *([self._polling] if self._polling else [])}
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace_s)
            for task in late:
                task.cancel()

    async def pause(self, delay_s: float) -> None:
        """Sleep, but wake when the host stops."""
        try:
            await asyncio.wait_for(self._stop.wait(), delay_s)
        except TimeoutError:
            return

    async def _loop(self) -> None:
        while not self.stopping:
            again = False
            try:
                again = await self.poll()
            except AzureError as exc:
                _log.warning("function '%s': storage: %s", self._name, str(exc).splitlines()[0])
            except Exception:
                _log.exception("function '%s': the trigger failed", self._name)
            if not again:
                await self.pause(self._poll_s)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._runs.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("function '%s': a run was lost", self._name, exc_info=task.exception())
