"""Spans by OpenTelemetry, of a tracer that is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.errors import SlipwayError
from shared.monitoring.tracing import Attributes

_PROPAGATOR: Final = TraceContextTextMapPropagator()


class _Spanned:
    def __init__(self, span: Span) -> None:
        self._span = span

    def set(self, name: str, value: str | float) -> None:
        self._span.set_attribute(name, value)

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)


class SpanTracer:
    """Errors leave their kind in a span and never their message, which may hold what a caller sent."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def request(self, method: str, route: str, traceparent: str | None, attributes: Attributes) -> Iterator[_Spanned]:
        attributes = {"http.request.method": method, "http.route": route, **attributes}
        # An empty context, so that only the header decides whose child this is.
        parent = _PROPAGATOR.extract({"traceparent": traceparent or ""}, Context())
        with self._span(f"{method} {route}", attributes, SpanKind.SERVER, parent) as span:
            yield span

    @contextmanager
    def step(self, name: str, attributes: Attributes) -> Iterator[_Spanned]:
        with self._span(name, attributes, SpanKind.INTERNAL, None) as span:
            yield span

    @contextmanager
    def _span(self, name: str, attributes: Attributes, kind: SpanKind, parent: Context | None) -> Iterator[_Spanned]:
        with self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Spanned(span)
            except Exception as error:
                span.set_attribute(
                    "error.type", error.code if isinstance(error, SlipwayError) else type(error).__name__
                )
                span.set_status(StatusCode.ERROR)
                raise
