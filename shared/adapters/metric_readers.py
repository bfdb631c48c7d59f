"""OpenTelemetry's readers, given the histograms that `shared/monitoring` has added up already.

Counters and gauges go through OpenTelemetry's observable instruments; for histograms it has none, so their points are
joined to what a reader collects, in the method that OpenTelemetry means to be overridden.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry

from shared.monitoring.instruments import Instrument, Point, Recorder
from shared.monitoring.metrics import LOADED_SIZE, Metrics

SCOPE = "slipway"


def provide(metrics: Metrics, reader: MetricReader, resource: Resource) -> MeterProvider:
    """A provider of its own: nothing global is set. Whoever made it shuts it down."""
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    meter = provider.get_meter(SCOPE)
    for instrument, recorder in metrics.counters:
        meter.create_observable_counter(instrument.name, [_counting(recorder)], instrument.unit, instrument.description)

    def loaded(options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(metrics.loaded_bytes())

    meter.create_observable_gauge(LOADED_SIZE.name, [loaded], LOADED_SIZE.unit, LOADED_SIZE.description)
    return provider


def _counting(recorder: Recorder) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def counted(options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(sum(point.counts), point.attributes) for point in recorder.points()]

    return counted


class CumulativeReader(PrometheusMetricReader):
    """For Prometheus: all since the process began."""

    def __init__(self, metrics: Metrics, registry: CollectorRegistry) -> None:
        self._metrics_of_app = metrics
        super().__init__(scope_info_enabled=False, registry=registry)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **named: Any) -> None:
        now, began = time.time_ns(), self._metrics_of_app.started_ns
        found = [
            _metric(
                recorder.instrument,
                [_point(recorder.instrument, point, began, now) for point in recorder.points()],
                AggregationTemporality.CUMULATIVE,
            )
            for recorder in self._metrics_of_app.histograms
        ]
        super()._receive_metrics(_joined(metrics_data, found), timeout_millis, **named)


class DeltaReader(PeriodicExportingMetricReader):
    """For exporters that want what came since the last time."""

    def __init__(self, metrics: Metrics, exporter: MetricExporter, interval_s: float) -> None:
        self._metrics_of_app = metrics
        self._told: dict[tuple[str, tuple[str | bool, ...]], Point] = {}
        self._told_ns = metrics.started_ns
        super().__init__(exporter, export_interval_millis=interval_s * 1000)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **named: Any) -> None:
        now, before = time.time_ns(), self._told_ns
        found = [
            _metric(
                recorder.instrument,
                [_point(recorder.instrument, point, before, now) for point in self._news(recorder)],
                AggregationTemporality.DELTA,
            )
            for recorder in self._metrics_of_app.histograms
        ]
        self._told_ns = now
        super()._receive_metrics(_joined(metrics_data, found), timeout_millis, **named)

    def _news(self, recorder: Recorder) -> Iterable[Point]:
        for point in recorder.points(new_window=True):
            key = (recorder.instrument.name, tuple(point.attributes.values()))
            before = self._told.get(key)
            self._told[key] = point
            if before is None:
                yield point
            elif point.counts != before.counts:
                counts = tuple(now - then for now, then in zip(point.counts, before.counts, strict=True))
                yield point._replace(counts=counts, total=point.total - before.total)


def _point(instrument: Instrument, point: Point, began: int, now: int) -> HistogramDataPoint:
    return HistogramDataPoint(
        attributes=point.attributes,
        start_time_unix_nano=began,
        time_unix_nano=now,
        count=sum(point.counts),
        sum=point.total,
        bucket_counts=point.counts,
        explicit_bounds=instrument.bounds,
        min=point.least,
        max=point.most,
    )


def _metric(
    instrument: Instrument, points: list[HistogramDataPoint], temporality: AggregationTemporality
) -> Metric | None:
    if not points:
        return None
    return Metric(instrument.name, instrument.description, instrument.unit, Histogram(points, temporality))


def _joined(collected: MetricsData, found: list[Metric | None]) -> MetricsData:
    """The gauge is always collected, so there is a scope to join them to."""
    resource = collected.resource_metrics[0]
    scope = resource.scope_metrics[0]
    scope = replace(scope, metrics=[*scope.metrics, *(metric for metric in found if metric is not None)])
    return MetricsData([replace(resource, scope_metrics=[scope])])
