"""Without an exporter nothing is traced, and code that is traced runs all the same."""

import pytest

from shared.monitoring.tracing import NoTracer


def test_spans_that_nobody_listens_to_take_everything() -> None:
    tracer = NoTracer()
    with tracer.request("POST", "/x", None, {"a": 1}) as span, tracer.step("load", {}) as inner:
        span.set("endpoint", "flowers")
        inner.set("rows", 2)
        span.answered(500)


def test_an_error_goes_through_a_span_that_nobody_listens_to() -> None:
    with pytest.raises(KeyError), NoTracer().step("load", {}):
        raise KeyError
