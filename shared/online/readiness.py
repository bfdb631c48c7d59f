"""Whether the app can serve: asked by strangers, so answered from memory most of the time."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from shared.errors import SlipwayError
from shared.ports import BlobStore, Container

_log = logging.getLogger(__name__)

_KEPT_S: Final = 2.0
_PATIENCE_S: Final = 2.0


class Readiness:
    """One look at storage at a time, however many ask; storage that takes long counts as away."""

    def __init__(self, store: BlobStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._answer = False
        self._answered_at = float("-inf")
        self._look: asyncio.Task[bool] | None = None

    async def is_ready(self) -> bool:
        if self._clock() - self._answered_at < _KEPT_S:
            return self._answer
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(asyncio.to_thread(self._storage_answers))
        done, _ = await asyncio.wait({self._look}, timeout=_PATIENCE_S)
        self._answer, self._answered_at = bool(done) and self._look.result(), self._clock()
        return self._answer

    def _storage_answers(self) -> bool:
        try:
            self._store.find(Container.ENDPOINTS, "ready")
        except SlipwayError as error:
            # What is missing stands in the log, and in no reply to a stranger.
            _log.warning("not ready: %s: %s", error.code, error.message)
            return False
        return True
