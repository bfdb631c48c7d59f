"""Spans around what a request goes through. Nothing is traced, and nothing is paid, until an exporter is set up."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

type Attributes = Mapping[str, str | int | float | bool]


class Span(Protocol):
    """What is found out while it goes on is added to it; it ends with its `with` block."""

    def set(self, name: str, value: str | float) -> None: ...

    def answered(self, status: int) -> None:
        """The HTTP status of a request's reply; 500 and more count as failed."""
        ...


class Tracer(Protocol):
    def request(
        self, method: str, route: str, traceparent: str | None, attributes: Attributes
    ) -> AbstractContextManager[Span]:
        """The span of a whole request: a part of the caller's trace, or of a new one where its header is not good.

        `route`: with its placeholders, never the path itself. `traceparent`: https://www.w3.org/TR/trace-context/#traceparent-header
        """
        ...

    def step(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        """A part of what the surrounding span does; an error that leaves it marks it as failed."""
        ...


class _NoSpan:
    def set(self, name: str, value: str | float) -> None:
        """Nobody listens."""

    def answered(self, status: int) -> None:
        """Nobody listens."""


_NOTHING: Final = nullcontext(_NoSpan())


class NoTracer:
    def request(
        self, method: str, route: str, traceparent: str | None, attributes: Attributes
    ) -> AbstractContextManager[Span]:
        return _NOTHING

    def step(self, name: str, attributes: Attributes) -> AbstractContextManager[Span]:
        return _NOTHING
