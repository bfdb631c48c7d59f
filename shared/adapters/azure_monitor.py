"""Metrics, traces and logs to Azure Monitor. Imported only where its connection string is set."""

import logging
import os
import re
from typing import Any, Final

from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.identity import ManagedIdentityCredential
from azure.monitor.opentelemetry.exporter import (
    AzureMonitorLogExporter,
    AzureMonitorMetricExporter,
    AzureMonitorTraceExporter,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from shared.adapters.log_export import LogHandler
from shared.adapters.metric_readers import SCOPE, DeltaReader, provide
from shared.adapters.spans import SpanTracer
from shared.errors import ConfigurationError
from shared.monitoring.metrics import Metrics
from shared.settings import Settings, setting_name

_KEY: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_LOGGER: Final = "shared"
_RETRIES: Final = 3  # some six seconds; an exporter's thread does nothing else meanwhile, and a process wants to end
_EXPORTER: Final = "azure.monitor.opentelemetry.exporter"
# What the exporter would tell Microsoft of itself, and fetch from there to be switched by.
_SILENCED: Final = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)


class AzureMonitor:
    """Raises ConfigurationError for a connection or authentication string that is not one."""

    def __init__(self, settings: Settings, metrics: Metrics, resource: Resource) -> None:
        arguments = exporter_arguments(settings)
        for name in _SILENCED:
            os.environ.setdefault(name, "true")
        reader = DeltaReader(metrics, AzureMonitorMetricExporter(**arguments), settings.metrics_interval_s)
        self._meters = provide(metrics, reader, resource)
        sampler = ParentBased(TraceIdRatioBased(settings.trace_ratio))
        self._traces = TracerProvider(sampler, resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(AzureMonitorTraceExporter(**arguments)))
        self._logs = LoggerProvider(resource, shutdown_on_exit=False)
        self._logs.add_log_record_processor(BatchLogRecordProcessor(AzureMonitorLogExporter(**arguments)))
        self.tracer = SpanTracer(self._traces.get_tracer(SCOPE))
        # It tells of every transmission, every few seconds.
        logging.getLogger(_EXPORTER).setLevel(logging.WARNING)
        self._handler = LogHandler(self._logs)
        logging.getLogger(_LOGGER).addHandler(self._handler)

    def close(self) -> None:
        """Sends what is left."""
        logging.getLogger(_LOGGER).removeHandler(self._handler)
        for provider in (self._logs, self._traces, self._meters):
            provider.shutdown()


def exporter_arguments(settings: Settings) -> dict[str, Any]:
    """Raises ConfigurationError. Nothing is kept on disk: what cannot be sent after some tries is lost."""
    connection = settings.applicationinsights_connection_string
    name = setting_name("applicationinsights_connection_string")
    if not _KEY.fullmatch(_pairs(name, connection).get("instrumentationkey", "")):
        raise ConfigurationError(f"the setting {name} has no InstrumentationKey that is a GUID in lower case")
    return {
        "connection_string": connection,
        "credential": _credential(settings.applicationinsights_authentication_string),
        "disable_offline_storage": True,
        "retry_total": _RETRIES,
        "http_logging_policy": SansIOHTTPPolicy(),  # its own would log every request it makes
    }


def _credential(authentication: str) -> ManagedIdentityCredential | None:
    """The Functions host's setting: `Authorization=AAD`, and `ClientId=…` of a user-assigned identity."""
    if not authentication:
        return None
    name = setting_name("applicationinsights_authentication_string")
    pairs = _pairs(name, authentication)
    if pairs.get("authorization") != "AAD":
        raise ConfigurationError(f"the setting {name} must hold Authorization=AAD")
    return ManagedIdentityCredential(client_id=pairs.get("clientid"))


def _pairs(name: str, text: str) -> dict[str, str]:
    """As the exporter itself reads them: no part may be empty."""
    parts = [part.split("=") for part in text.split(";")]
    if any(len(part) != 2 for part in parts):
        raise ConfigurationError(f"the setting {name} must be Name=value pairs with one ';' between two of them")
    return {key.lower(): value for key, value in parts}
