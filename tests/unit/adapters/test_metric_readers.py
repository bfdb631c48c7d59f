"""Exporters of differences get what is new since they were last given something."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import ObservableCounter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    Sum,
)
from opentelemetry.sdk.resources import Resource

from shared.adapters.metric_readers import DeltaReader, provide
from shared.monitoring.metrics import Metrics

AN_HOUR_S = 3600.0


class Exporter(MetricExporter):
    def __init__(self) -> None:
        super().__init__(preferred_temporality={ObservableCounter: AggregationTemporality.DELTA})
        self.given: list[MetricsData] = []

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: object) -> MetricExportResult:
        self.given.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Keeps what it was given."""

    def last(self, name: str) -> Histogram | Sum | None:
        metrics = self.given[-1].resource_metrics[0].scope_metrics[0].metrics
        found = [metric.data for metric in metrics if metric.name == name and isinstance(metric.data, Histogram | Sum)]
        return found[0] if found else None

    def histogram(self, name: str) -> HistogramDataPoint:
        data = self.last(name)
        assert isinstance(data, Histogram)
        assert data.aggregation_temporality is AggregationTemporality.DELTA
        (point,) = data.data_points
        return point


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def exporter() -> Exporter:
    return Exporter()


@pytest.fixture
def reader(metrics: Metrics, exporter: Exporter) -> Iterator[DeltaReader]:
    made = DeltaReader(metrics, exporter, AN_HOUR_S)
    provider = provide(metrics, made, Resource({}))
    yield made
    provider.shutdown()


def test_a_histogram_tells_what_came_since_the_last_time(
    metrics: Metrics, exporter: Exporter, reader: DeltaReader
) -> None:
    metrics.batch("iris/1", rows=2, requests=1)
    metrics.batch("iris/1", rows=100, requests=1)
    reader.collect()
    first = exporter.histogram("slipway.batch.rows")
    metrics.batch("iris/1", rows=3, requests=1)
    reader.collect()
    second = exporter.histogram("slipway.batch.rows")
    assert (first.count, first.sum, first.min, first.max) == (2, 102, 2, 100)
    assert (second.count, second.sum, second.min, second.max) == (1, 3, 3, 3)
    assert dict(zip((*second.explicit_bounds, None), second.bucket_counts, strict=True))[4] == 1
    assert sum(second.bucket_counts) == 1
    assert first.start_time_unix_nano == metrics.started_ns
    assert second.start_time_unix_nano == first.time_unix_nano


def test_a_histogram_without_news_is_left_out(metrics: Metrics, exporter: Exporter, reader: DeltaReader) -> None:
    metrics.queued("flowers", "blue", 1)
    reader.collect()
    reader.collect()
    assert exporter.last("slipway.queue.duration") is None


def test_a_counter_tells_what_came_since_the_last_time(
    metrics: Metrics, exporter: Exporter, reader: DeltaReader
) -> None:
    for more in (3, 1):
        for _ in range(more):
            metrics.rejected("flowers", "blue", "Overloaded")
        reader.collect()
        data = exporter.last("slipway.rejected")
        assert isinstance(data, Sum)
        assert [point.value for point in data.data_points] == [more]


def test_labels_are_followed_one_by_one(metrics: Metrics, exporter: Exporter, reader: DeltaReader) -> None:
    metrics.queued("flowers", "blue", 1)
    reader.collect()
    metrics.queued("flowers", "green", 2)
    reader.collect()
    point = exporter.histogram("slipway.queue.duration")
    assert (point.attributes, point.count, point.sum) == ({"endpoint": "flowers", "deployment": "green"}, 1, 2)
