"""Spans by OpenTelemetry: whose child a request is, and what is told of it."""

from collections.abc import Callable

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from shared.adapters.spans import SpanTracer
from shared.errors import SchemaMismatch

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ROUTE = "/endpoints/{endpoint}/score"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> SpanTracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return SpanTracer(provider.get_tracer("test"))


@pytest.fixture
def traced(tracer: SpanTracer, exporter: InMemorySpanExporter) -> Callable[..., ReadableSpan]:
    def request(traceparent: str | None = None, status: int = 200) -> ReadableSpan:
        with tracer.request("POST", ROUTE, traceparent, {"request_id": "r"}) as span:
            span.set("endpoint", "flowers")
            span.answered(status)
        return exporter.get_finished_spans()[-1]

    return request


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"{span.context.trace_id:032x}"


def test_a_request_joins_its_callers_trace(traced: Callable[..., ReadableSpan]) -> None:
    span = traced(f"00-{TRACE}-{PARENT}-01")
    assert trace_of(span) == TRACE
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == PARENT


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "x",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\r\nx: y",
        "00-" * 10_000,
    ],
)
def test_a_header_that_is_not_good_begins_a_new_trace(
    traced: Callable[..., ReadableSpan], traceparent: str | None
) -> None:
    span = traced(traceparent)
    assert span.parent is None
    assert trace_of(span) != TRACE


def test_a_caller_who_does_not_record_is_not_recorded(tracer: SpanTracer, exporter: InMemorySpanExporter) -> None:
    with tracer.request("POST", ROUTE, f"00-{TRACE}-{PARENT}-00", {}):
        pass
    assert exporter.get_finished_spans() == ()


def test_a_request_is_told_by_its_route_and_what_was_found_out(traced: Callable[..., ReadableSpan]) -> None:
    span = traced()
    assert (span.name, span.kind) == (f"POST {ROUTE}", SpanKind.SERVER)
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "request_id": "r",
        "endpoint": "flowers",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, StatusCode.UNSET), (429, StatusCode.UNSET), (500, StatusCode.ERROR), (503, StatusCode.ERROR)],
)
def test_only_what_this_side_did_wrong_is_a_failure(
    traced: Callable[..., ReadableSpan], status: int, code: StatusCode
) -> None:
    assert traced(status=status).status.status_code is code


def test_a_step_is_a_child_of_what_surrounds_it(tracer: SpanTracer, exporter: InMemorySpanExporter) -> None:
    with tracer.request("POST", ROUTE, None, {}), tracer.step("load model", {"model": "iris/1"}):
        pass
    step, request = exporter.get_finished_spans()
    assert (step.name, step.kind) == ("load model", SpanKind.INTERNAL)
    assert step.parent == request.context


@pytest.mark.parametrize(
    ("error", "kind"), [(SchemaMismatch("row 3: secret"), "SchemaMismatch"), (ValueError("secret"), "ValueError")]
)
def test_an_error_leaves_its_kind_and_not_its_message(
    tracer: SpanTracer, exporter: InMemorySpanExporter, error: Exception, kind: str
) -> None:
    with pytest.raises(type(error)), tracer.step("load model", {}):
        raise error
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {})["error.type"] == kind
    assert span.status.status_code is StatusCode.ERROR
    assert "secret" not in span.to_json()
