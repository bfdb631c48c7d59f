"""An HTTP request on its way in."""

import asyncio
from collections.abc import Callable
from typing import Final

BODY_LIMIT_BYTES: Final = 100 * 1024 * 1024
# A body that nobody asks for yet, because its request waits for its turn, is taken in this far.
_READ_AHEAD_BYTES: Final = 64 * 1024


class BodyTooLargeError(Exception):
    """The body is over the platform's 100 MB."""


class DisconnectedError(Exception):
    """The client went before it had sent all of its request."""


class Request:
    """Its head has come, its body may still be coming. `wanted` is called once the body is asked for.

    `path` is still percent-encoded; the names in `headers` are in lower case, in the order in which they came.
    """

    def __init__(
        self,
        method: str,
        path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        wanted: Callable[[], None] | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.is_complete = wanted is None
        self._wanted = wanted
        self._size = 0
        self._chunks: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._is_dropped = False

    async def body(self) -> bytes:
        """Raises BodyTooLargeError as soon as that is known, and DisconnectedError."""
        if not self.is_complete:
            await self._arrival()
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    async def _arrival(self) -> None:
        declared = next((value for name, value in self.headers if name == b"content-length"), b"0")
        if int(declared) <= BODY_LIMIT_BYTES and self._wanted is not None:
            self._waiter = asyncio.get_running_loop().create_future()
            self._wanted()
            await self._waiter
        if not self.is_complete:
            raise BodyTooLargeError

    @property
    def expects_continue(self) -> bool:
        """The client waits for a sign before it sends the body (RFC 9110, section 10.1.1), and has sent none of it."""
        return self._size == 0 and any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in self.headers
        )

    @property
    def is_far_ahead(self) -> bool:
        """More has come than is taken in before somebody asks for it."""
        return self._waiter is None and not self._is_dropped and self._size > _READ_AHEAD_BYTES

    def take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > BODY_LIMIT_BYTES:
            self.drop()
        if not self._is_dropped:
            self._chunks.append(chunk)

    def complete(self) -> None:
        self.is_complete = not self._is_dropped
        self._end()

    def drop(self) -> None:
        """Nobody wants the body any more. What still comes of it is let go."""
        self._is_dropped = True
        self._chunks.clear()
        self._end()

    def lose(self) -> None:
        """The client has gone."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(DisconnectedError)

    def _end(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
