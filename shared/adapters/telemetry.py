"""Where the app's metrics, traces and logs go: to whoever asks for /metrics, and to Azure Monitor where that is set up.

OpenTelemetry is imported when it is first needed, so that an app without Azure Monitor starts without it.
"""

import atexit
import os
import platform
import threading
from collections.abc import Callable, Mapping
from functools import cached_property

from shared.monitoring.metrics import Metrics
from shared.monitoring.tracing import NoTracer, Tracer
from shared.settings import Settings


class Telemetry:
    """Raises ConfigurationError for settings of Azure Monitor that are wrong."""

    def __init__(self, settings: Settings, metrics: Metrics, environ: Mapping[str, str]) -> None:
        self.tracer: Tracer = NoTracer()
        self._metrics = metrics
        self._source = _source(environ)
        self._scraping = threading.Lock()
        self._closing: list[Callable[[], None]] = []
        if settings.applicationinsights_connection_string:
            self._export(settings)

    def _export(self, settings: Settings) -> None:
        from opentelemetry.sdk.resources import Resource

        from shared.adapters.azure_monitor import AzureMonitor

        azure = AzureMonitor(settings, self._metrics, Resource(self._source))
        self.tracer = azure.tracer
        self._closing.append(azure.close)
        atexit.register(self.close)

    def prometheus(self) -> bytes:
        """All metrics as Prometheus text 0.0.4, UTF-8."""
        with self._scraping:  # the reader serves one at a time
            return self._prometheus()

    @cached_property
    def _prometheus(self) -> Callable[[], bytes]:
        from opentelemetry.sdk.resources import Resource
        from prometheus_client import CollectorRegistry, generate_latest

        from shared.adapters.metric_readers import CumulativeReader, provide

        registry = CollectorRegistry()
        provider = provide(self._metrics, CumulativeReader(self._metrics, registry), Resource(self._source))
        self._closing.append(provider.shutdown)
        return lambda: generate_latest(registry)

    def close(self) -> None:
        """Sends what is left. Runs when the process ends, too; once is enough."""
        atexit.unregister(self.close)
        while self._closing:
            self._closing.pop()()


def _source(environ: Mapping[str, str]) -> dict[str, str]:
    """Who tells: an instance may run several processes of the app, and each counts for itself.

    https://opentelemetry.io/docs/specs/semconv/resource/service
    """
    instance = environ.get("WEBSITE_INSTANCE_ID") or platform.node()
    return {
        "service.name": environ.get("WEBSITE_SITE_NAME") or "slipway",
        "service.instance.id": f"{instance}:{os.getpid()}",
    }
