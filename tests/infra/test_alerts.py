"""Alerts and the workbook ask only for what the app tells: its instruments with their labels, its traces, its logs."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from shared.batch.job import JobStatus
from shared.monitoring.metrics import INSTRUMENTS, LOADED_SIZE
from tests.infra.conftest import Plant
from tests.infra.template import INFRA, Template

# https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
TABLES: Final = {"AppMetrics", "AppRequests", "AppTraces", "StorageQueueLogs"}
# What is put on the span of every scoring request, and on every log record: tests/app/test_telemetry.py sees it arrive.
OF_REQUESTS: Final = {"endpoint", "deployment", "model", "request_id"}
OF_LOGS: Final = {"logger_name", "request_id"}


def queries(infra: Path = INFRA) -> dict[str, str]:
    """By the alert's file, or the tile's title."""
    workbook = json.loads((infra / "workbook.json").read_text())
    tiles = {item["content"]["title"]: item["content"]["query"] for item in workbook["items"] if item["type"] == 3}
    return {path.name: path.read_text() for path in sorted((infra / "alerts").glob("*.kql"))} | tiles


def problems(infra: Path = INFRA) -> list[str]:
    """One line for each metric, label, status or table that a query asks for and nobody fills."""
    labels = {instrument.name: set(instrument.labels) for instrument in INSTRUMENTS}
    found = []
    for name, query in queries(infra).items():
        code = re.sub(r"(?m)^\s*//.*$", "", query)
        tables = set(re.findall(r"(?m)^(?:let \w+ = |\s*\(?)([A-Z][A-Za-z]+)$", code))
        asked = set(re.findall(r"Properties\.(\w+)", code))
        metrics = set(re.findall(r"\bName == '([^']*)'", code))
        known = set()
        known |= set().union(*(labels.get(metric, set()) for metric in metrics))
        known |= OF_REQUESTS if "AppRequests" in tables else set()
        known |= OF_LOGS if "AppTraces" in tables else set()
        found += [f"{name}: no table {each}" for each in sorted(tables - TABLES)]
        found += [f"{name}: no metric {each}" for each in sorted(metrics - set(labels))]
        found += [f"{name}: no label {each}" for each in sorted(asked - known)]
        if "slipway.jobs" in metrics:
            found += [
                f"{name}: no status {each}"
                for each in re.findall(r"status == '(\w+)'", code)
                if each not in set(JobStatus)
            ]
        if not tables or ("AppMetrics" in tables and not metrics):
            found.append(f"{name}: asks for nothing")
    return found


def test_everything_that_is_asked_for_is_told() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("file", "was", "becomes", "problem"),
    [
        ("alerts/failed-jobs.kql", "slipway.jobs", "slipway.job", "failed-jobs.kql: no metric slipway.job"),
        ("alerts/failed-jobs.kql", "Properties.schedule", "Properties.plan", "failed-jobs.kql: no label plan"),
        ("alerts/failed-jobs.kql", "'Failed'", "'failed'", "failed-jobs.kql: no status failed"),
        ("alerts/slow-requests.kql", "AppRequests\n|", "requests\n|", "slow-requests.kql: asks for nothing"),
        ("alerts/silent-timer.kql", "AppMetrics", "AppTimers", "silent-timer.kql: no table AppTimers"),
        ("workbook.json", "slipway.rejected", "slipway.declined", "Turned away: no metric slipway.declined"),
    ],
)
def test_what_nobody_tells_is_found(plant: Plant, file: str, was: str, becomes: str, problem: str) -> None:
    assert problem in problems(plant(file, was, becomes))


def _alerts() -> list[dict[str, Any]]:
    return list(Template(INFRA / "modules" / "alerts.bicep").variables["alerts"])


def test_every_query_is_an_alert_of_its_name() -> None:
    text = (INFRA / "modules" / "alerts.bicep").read_text()
    used = re.findall(
        r"name: '([\w-]+)'\n    title: .*\n    query: loadTextContent\('\.\./alerts/([\w-]+)\.kql'\)", text
    )
    assert (
        {name for name, _ in used} == {file for _, file in used} == {path.stem for path in (INFRA / "alerts").iterdir()}
    )
    assert len(used) == len(_alerts())


def test_windows_are_not_shorter_than_the_time_between_looks() -> None:
    for alert in _alerts():
        every, window = (int(re.fullmatch(r"PT(\d+)M", alert[key])[1]) for key in ("every", "window"))  # type: ignore[index]
        assert window >= every, alert["name"]


def test_every_instrument_but_the_finest_is_on_the_page() -> None:
    shown = " ".join(queries().values())
    left_out = {"slipway.batch.rows", "slipway.batch.requests"}
    assert {each.name for each in INSTRUMENTS if f"'{each.name}'" not in shown} == left_out
    assert LOADED_SIZE.name in shown


@pytest.mark.parametrize("name", ["late-schedules", "silent-timer"])
def test_what_one_region_tells_does_not_hide_another(name: str) -> None:
    assert re.search(r"by .*\bAppRoleName\b", queries()[f"{name}.kql"])
    assert ("reach" in next(alert for alert in _alerts() if alert["name"] == name)) == (name == "silent-timer")


def test_drops_that_are_given_up_are_told_by_metrics_and_no_failed_try_is() -> None:
    topic = Template(INFRA / "modules" / "event-topic.bicep")
    assert [each["metric"] for each in topic.variables["ends"]] == ["DeadLetteredCount", "DroppedEventCount"]
    assert "Microsoft.Insights/metricAlerts" in {each.kind for each in topic.made}
    assert not [name for name, query in queries().items() if "AegDeliveryFailureLogs" in query]
