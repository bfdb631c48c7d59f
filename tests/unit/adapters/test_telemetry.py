"""The text that Prometheus reads, and that nothing is imported before it is needed."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from shared.adapters.telemetry import Telemetry
from shared.monitoring.instruments import MAX_LABEL_SETS
from shared.monitoring.metrics import REQUEST_DURATION, Metrics
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
SETTINGS = Settings(data="data", tenant_id="tenant", audiences=("api://slipway",))
LABELS = {"endpoint": "flowers", "deployment": "blue", "model": "iris/1", "protocol": "azureml", "status": "200"}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def telemetry(metrics: Metrics) -> Iterator[Telemetry]:
    made = Telemetry(SETTINGS, metrics, {"WEBSITE_SITE_NAME": "app", "WEBSITE_INSTANCE_ID": "i7"})
    yield made
    made.close()


def samples(telemetry: Telemetry, name: str) -> list[Sample]:
    families = text_string_to_metric_families(telemetry.prometheus().decode())
    return [sample for family in families for sample in family.samples if sample.name == name]


def test_requests_are_counted_by_all_their_labels(telemetry: Telemetry, metrics: Metrics) -> None:
    for status in (200, 200, 429):
        metrics.request("flowers", "blue", "iris/1", "azureml", status, 0.003)
    found = samples(telemetry, "slipway_requests_total")
    assert [(sample.labels, sample.value) for sample in found] == [(LABELS, 2), (LABELS | {"status": "429"}, 1)]


def test_durations_are_a_histogram_in_seconds(telemetry: Telemetry, metrics: Metrics) -> None:
    for seconds in (0.003, 0.004, 0.2, 100):
        metrics.request("flowers", "blue", "iris/1", "azureml", 200, seconds)
    buckets = samples(telemetry, "slipway_request_duration_seconds_bucket")
    assert [sample.labels["le"] for sample in buckets] == [*map(str, REQUEST_DURATION.bounds), "+Inf"]
    by_bound = {sample.labels["le"]: sample.value for sample in buckets}
    assert (by_bound["0.0025"], by_bound["0.005"], by_bound["0.25"], by_bound["30"], by_bound["+Inf"]) == (
        0,
        2,
        3,
        3,
        4,
    )
    assert [sample.value for sample in samples(telemetry, "slipway_request_duration_seconds_count")] == [4]
    assert [sample.value for sample in samples(telemetry, "slipway_request_duration_seconds_sum")] == [100.207]


def test_reading_takes_nothing_away(telemetry: Telemetry, metrics: Metrics) -> None:
    metrics.rejected("flowers", "blue", "Overloaded")
    metrics.queued("flowers", "blue", 0.1)
    first = telemetry.prometheus()
    assert telemetry.prometheus() == first
    metrics.rejected("flowers", "blue", "Overloaded")
    assert [sample.value for sample in samples(telemetry, "slipway_rejected_total")] == [2]


def test_loaded_models_are_asked_for_when_somebody_reads(telemetry: Telemetry, metrics: Metrics) -> None:
    assert [sample.value for sample in samples(telemetry, "slipway_models_size_bytes")] == [0]
    metrics.watch_models(lambda: 1234)
    assert [sample.value for sample in samples(telemetry, "slipway_models_size_bytes")] == [1234]


def test_the_process_that_answers_is_named(telemetry: Telemetry) -> None:
    (sample,) = samples(telemetry, "target_info")
    assert sample.labels["service_name"] == "app"
    assert sample.labels["service_instance_id"].startswith("i7:")


def test_what_is_beyond_the_bound_of_label_sets_says_so(telemetry: Telemetry, metrics: Metrics) -> None:
    for number in range(MAX_LABEL_SETS + 5):
        metrics.rejected("flowers", f"d{number}", "Overloaded")
    found = samples(telemetry, "slipway_rejected_total")
    overflowed = [sample for sample in found if sample.labels["otel_metric_overflow"]]
    assert [(sample.labels["deployment"], sample.value) for sample in overflowed] == [("", 5)]


def test_labels_are_escaped(telemetry: Telemetry, metrics: Metrics) -> None:
    metrics.queued('a"b\\c\nd', "ä", 0.1)
    (sample,) = samples(telemetry, "slipway_queue_duration_seconds_count")
    assert sample.labels == {"endpoint": 'a"b\\c\nd', "deployment": "ä"}


def test_readers_at_once_all_get_the_whole(telemetry: Telemetry, metrics: Metrics) -> None:
    metrics.queued("flowers", "blue", 0.1)
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: telemetry.prometheus(), range(40)))
    assert len(texts) == 1


def test_apps_in_one_process_do_not_see_each_other(telemetry: Telemetry, metrics: Metrics) -> None:
    metrics.queued("flowers", "blue", 0.1)
    other = Telemetry(SETTINGS, Metrics(), {})
    assert samples(other, "slipway_queue_duration_seconds_count") == []
    other.close()


def test_closing_twice_is_closing_once(telemetry: Telemetry) -> None:
    telemetry.prometheus()
    telemetry.close()
    telemetry.close()


def test_the_app_is_indexed_and_its_services_are_built_without_opentelemetrys_sdk() -> None:
    """Its interface alone is there: durabletask imports that."""
    program = (
        "import sys, function_app\nfrom shared.services import services\nservices()\n"
        "late = ('opentelemetry.sdk', 'opentelemetry.exporter', 'prometheus_client', 'azure.monitor')\n"
        "print([name for name in sys.modules if name.startswith(late)])"
    )
    environ = {
        "SLIPWAY_DATA": "UseDevelopmentStorage=true",
        "SLIPWAY_TENANT_ID": "11111111-aaaa-4aaa-8aaa-111111111111",
        "SLIPWAY_AUDIENCES": "api://slipway",
    }
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
