"""What alerts and the workbook ask for arrives at Azure Monitor once each flow has run, with its labels."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from devhost.stack import Stack
from shared.models.package import ModelRef
from tests.app.client import Client, until
from tests.app.jobs import body, submit
from tests.app.packages import CODE, save_script
from tests.app.past import SETTINGS, fill
from tests.app.test_telemetry import ingestion, watched
from tests.infra.test_alerts import queries
from tests.unit.adapters.ingestion import Ingestion

__all__ = ["ingestion", "watched"]


@pytest.fixture
def meadow(publish: Callable[..., dict[str, Any]]) -> str:
    """An endpoint with a schedule that is far from due, and a caller's quota that the second request is over."""
    schedule = {"name": "yearly", "cron": "0 0 0 1 1 *", "input": "inbox/meadow/yearly/"}
    publish("meadow", quota={"requests_per_minute": 1}, batch={"schedules": [schedule]})
    return "meadow"


@pytest.fixture
def hedge(publish: Callable[..., dict[str, Any]], upload: Callable[..., ModelRef], tmp_path: Path) -> str:
    """An endpoint whose requests take turns, as those of every script do."""
    save_script(tmp_path)
    publish("hedge", deployments={"blue": {"model": upload(tmp_path, "hedge", code=CODE)._asdict()}})
    return "hedge"


@pytest.fixture
def orchard(publish: Callable[..., dict[str, Any]], account: BlobServiceClient) -> str:
    """An endpoint whose last window has moved, and was not right often enough."""
    fill(account, "olives", SETTINGS, shift=2.0, wrong=60)
    publish("olives", monitoring=SETTINGS.model_dump(mode="json"))
    return "olives"


def asked_for() -> dict[str, set[str]]:
    """Labels by metric."""
    found: dict[str, set[str]] = {}
    for query in queries().values():
        for metric in re.findall(r"\bName == '([^']*)'", query):
            found.setdefault(metric, set()).update(re.findall(r"Properties\.(\w+)", query))
    return found


def sent(ingestion: Ingestion) -> dict[str, set[str]]:
    """The same of what came."""
    found: dict[str, set[str]] = {}
    for each in ingestion.of("MetricData"):
        found.setdefault(each["metrics"][0]["name"], set()).update(each.get("properties") or {})
    return found


def test_every_metric_comes_with_its_labels(
    hedge: str, meadow: str, orchard: str, watched: Stack, ingestion: Ingestion
) -> None:
    client = Client(watched)
    assert client.score(orchard).status_code == 200
    assert [client.score(meadow).status_code for _ in range(2)] == [200, 429]
    assert client.score(hedge, b"{}").status_code == 200
    assert client.ask("GET", "/endpoints").status_code == 401
    job_id = submit(client, meadow, body(f"inbox/{meadow}/nothing.csv")).json()["name"]
    assert client.finished(meadow, job_id)["status"] == "Failed"

    def seen() -> bool | None:
        text = client.ask("GET", "/metrics", "Endpoint.Read").text
        return ("slipway_schedule_lateness" in text and f'endpoint="{orchard}",feature=' in text) or None

    until("a look at the schedule, and at what has moved", seen)
    watched.stop_host()
    came = sent(ingestion)
    for metric, labels in asked_for().items():
        assert labels <= came.get(metric, {"nothing"}), metric
    assert meadow in {each["properties"].get("endpoint") for each in ingestion.of("RequestData")}
    assert all(each["properties"]["logger_name"] for each in ingestion.of("MessageData"))
