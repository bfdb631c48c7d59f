"""Azure Monitor's exporters against an ingestion server on loopback."""

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from shared.adapters.azure_monitor import exporter_arguments
from shared.adapters.telemetry import Telemetry
from shared.errors import ConfigurationError
from shared.monitoring.metrics import Metrics
from shared.monitoring.request_log import request_id, stamp_records
from shared.settings import Settings, read_settings
from tests.unit.adapters.ingestion import KEY, PATH, Ingestion, ingestion_server

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ROUTE = "/endpoints/{endpoint}/score"
LABELS = {"endpoint": "flowers", "deployment": "blue", "model": "iris/1", "protocol": "azureml", "status": "200"}
CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
AUTHENTICATION = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"

_log = logging.getLogger("shared.online.handler")


@pytest.fixture(scope="module")
def server() -> Iterator[Ingestion]:
    with ingestion_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _afresh(server: Ingestion, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server.envelopes.clear()
    server.asked.clear()
    # What the adapter sets here goes with the test.
    for name in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):
        monkeypatch.setenv(f"APPLICATIONINSIGHTS_{name}", "true")
    monkeypatch.setenv("APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED", "true")
    before = logging.getLogRecordFactory()
    stamp_records()
    yield
    logging.setLogRecordFactory(before)


def settings(**given: str) -> Settings:
    local = {"SLIPWAY_DATA": "data", "SLIPWAY_TENANT_ID": "tenant", "SLIPWAY_AUDIENCES": "api://slipway"}
    return read_settings(local | given)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def telemetry(server: Ingestion, metrics: Metrics) -> Iterator[Telemetry]:
    made = start(server, metrics)
    yield made
    made.close()


def start(server: Ingestion, metrics: Metrics, **given: str) -> Telemetry:
    environ = {"WEBSITE_SITE_NAME": "app"}
    return Telemetry(settings(**{CONNECTION: server.connection_string, **given}), metrics, environ)


def told(server: Ingestion, name: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """Labels and value of each envelope with this metric."""
    return [
        (each["properties"], {key: value for key, value in each["metrics"][0].items() if key != "name"})
        for each in server.of("MetricData")
        if each["metrics"][0]["name"] == name
    ]


def test_metrics_arrive_with_their_labels(server: Ingestion, telemetry: Telemetry, metrics: Metrics) -> None:
    for seconds in (0.25, 0.5):
        metrics.request("flowers", "blue", "iris/1", "azureml", 200, seconds)
    metrics.rejected("flowers", "blue", "Overloaded")
    telemetry.close()
    assert told(server, "slipway.requests") == [(LABELS, {"value": 2, "count": 1})]
    assert told(server, "slipway.request.duration") == [(LABELS, {"value": 0.75, "count": 2, "min": 0.25, "max": 0.5})]
    assert told(server, "slipway.rejected") == [
        ({"endpoint": "flowers", "deployment": "blue", "reason": "Overloaded"}, {"value": 1, "count": 1})
    ]
    assert set(server.asked) == {PATH}
    assert {each["iKey"] for each in server.envelopes} == {KEY}
    assert {each["tags"]["ai.cloud.role"] for each in server.envelopes} == {"app"}


def test_what_prometheus_read_is_exported_all_the_same(
    server: Ingestion, telemetry: Telemetry, metrics: Metrics
) -> None:
    metrics.queued("flowers", "blue", 2)
    assert b"slipway_queue_duration_seconds_sum" in telemetry.prometheus()
    telemetry.close()
    assert [value["max"] for _, value in told(server, "slipway.queue.duration")] == [2]


def test_a_request_arrives_in_its_callers_trace_with_its_steps_and_its_logs(
    server: Ingestion, telemetry: Telemetry
) -> None:
    token = request_id.set("the-request")
    with telemetry.tracer.request("POST", ROUTE, f"00-{TRACE}-{PARENT}-01", {"endpoint": "flowers"}) as span:
        with telemetry.tracer.step("load model", {"model": "iris/1"}):
            _log.warning("the model is %s", "slow")
        span.answered(200)
    request_id.reset(token)
    telemetry.close()
    (request,), (step,), (message,) = map(server.of, ("RequestData", "RemoteDependencyData", "MessageData"))
    assert {each["tags"]["ai.operation.id"] for each in (request, step, message)} == {TRACE}
    assert request["tags"]["ai.operation.parentId"] == PARENT
    assert step["tags"]["ai.operation.parentId"] == request["id"]
    assert message["tags"]["ai.operation.parentId"] == step["id"]
    assert (request["name"], request["responseCode"], request["success"]) == (f"POST {ROUTE}", "200", True)
    assert (request["properties"], step["properties"]) == ({"endpoint": "flowers"}, {"model": "iris/1"})
    assert (message["message"], message["severityLevel"]) == ("the model is slow", 2)
    assert message["properties"] == {"request_id": "the-request", "logger_name": _log.name}


def test_a_defect_arrives_with_its_stack_and_its_request(server: Ingestion, telemetry: Telemetry) -> None:
    token = request_id.set("the-request")
    with telemetry.tracer.request("POST", ROUTE, f"00-{TRACE}-{PARENT}-01", {}) as span:
        try:
            raise ValueError("why")
        except ValueError:
            _log.exception("request failed")
        span.answered(500)
    request_id.reset(token)
    telemetry.close()
    (defect,), (request,) = server.of("ExceptionData"), server.of("RequestData")
    assert (request["responseCode"], request["success"]) == ("500", False)
    assert (defect["exceptions"][0]["typeName"], defect["exceptions"][0]["message"]) == ("ValueError", "request failed")
    assert "ValueError: why" in defect["exceptions"][0]["stack"]
    assert defect["properties"]["request_id"] == "the-request"
    assert defect["tags"]["ai.operation.id"] == TRACE


def test_only_the_apps_own_log_is_sent(server: Ingestion, telemetry: Telemetry) -> None:
    logging.getLogger("azure.core").warning("of a library")
    _log.debug("of no interest")
    telemetry.close()
    assert server.of("MessageData") == []


@pytest.mark.parametrize(("flag", "requests"), [("00", 0), ("01", 1)])
def test_a_part_of_the_requests_is_traced_and_a_caller_decides_for_its_own(
    server: Ingestion, metrics: Metrics, flag: str, requests: int
) -> None:
    telemetry = start(server, metrics, SLIPWAY_TRACE_RATIO="0")
    for traceparent in (None, f"00-{TRACE}-{PARENT}-{flag}"):
        with telemetry.tracer.request("POST", ROUTE, traceparent, {}):
            pass
    telemetry.close()
    assert len(server.of("RequestData")) == requests


def test_after_closing_the_log_goes_its_old_ways(server: Ingestion, telemetry: Telemetry) -> None:
    handlers = len(logging.getLogger("shared").handlers)
    telemetry.close()
    assert len(logging.getLogger("shared").handlers) == handlers - 1


def test_an_ingestion_that_is_away_harms_nothing(
    server: Ingestion, metrics: Metrics, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("shared.adapters.azure_monitor._RETRIES", 0)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        telemetry = start(server, metrics, **{CONNECTION: f"InstrumentationKey={KEY};IngestionEndpoint={address}"})
        metrics.rejected("flowers", "blue", "Overloaded")
        assert b"slipway_rejected_total" in telemetry.prometheus()
        telemetry.close()
    assert "Connection refused" in caplog.text


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        ("x", "must be Name=value pairs"),
        (f"InstrumentationKey={KEY};", "must be Name=value pairs"),
        ("IngestionEndpoint=http://127.0.0.1", "has no InstrumentationKey"),
        ("InstrumentationKey=abc", "has no InstrumentationKey that is a GUID"),
    ],
)
def test_a_connection_string_that_is_not_one_is_told(connection: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the setting {CONNECTION} {problem}") as caught:
        Telemetry(settings(**{CONNECTION: connection}), Metrics(), {})
    assert connection not in caught.value.message


@pytest.mark.parametrize("authentication", ["AAD", "ClientId=abc", "Authorization=Key"])
def test_an_authentication_string_that_is_not_one_is_told(authentication: str) -> None:
    given = {CONNECTION: f"InstrumentationKey={KEY}", AUTHENTICATION: authentication}
    with pytest.raises(ConfigurationError, match=f"the setting {AUTHENTICATION} must"):
        Telemetry(settings(**given), Metrics(), {})


@pytest.mark.parametrize(
    ("authentication", "kind"),
    [
        ("", "NoneType"),
        ("Authorization=AAD", "ManagedIdentityCredential"),
        ("ClientId=a;Authorization=AAD", "ManagedIdentityCredential"),
    ],
)
def test_a_managed_identity_is_used_where_it_is_asked_for(authentication: str, kind: str) -> None:
    given = {CONNECTION: f"InstrumentationKey={KEY}", AUTHENTICATION: authentication}
    assert type(exporter_arguments(settings(**given))["credential"]).__name__ == kind
