"""What Azure Monitor is told by a host of its own, on the storage and with the issuer of the others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devhost.stack import Stack
from tests.app.client import Client
from tests.app.conftest import ROOT
from tests.app.jobs import body, submit
from tests.unit.adapters.ingestion import KEY, Ingestion, ingestion_server

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture
def ingestion() -> Iterator[Ingestion]:
    with ingestion_server() as running:
        yield running


@pytest.fixture
def watched(stack: Stack, ingestion: Ingestion, tmp_path: Path) -> Iterator[Stack]:
    own = {
        "AzureWebJobsStorage": stack.connection_string,
        "APPLICATIONINSIGHTS_CONNECTION_STRING": ingestion.connection_string,
        "SLIPWAY_METRICS_INTERVAL_S": "3600",
        "SLIPWAY_TICK_SCHEDULE": "* * * * * *",
    }
    made = Stack(ROOT, tmp_path, {**stack.settings, **own}, issuer_port=stack.issuer_port)
    try:
        made.start_host()
        yield made
    finally:
        made.stop_host()


def counted(ingestion: Ingestion, metric: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each time that a metric was sent."""
    return [
        (each["properties"], each["metrics"][0]["value"])
        for each in ingestion.of("MetricData")
        if each["metrics"][0]["name"] == metric
    ]


def test_a_request_is_told_in_the_callers_trace_and_counted_before_the_host_ends(
    flowers: str, watched: Stack, ingestion: Ingestion
) -> None:
    reply = Client(watched).score(flowers, traceparent=f"00-{TRACE}-{PARENT}-01")
    assert reply.status_code == 200
    watched.stop_host()
    (request,) = ingestion.of("RequestData")
    assert request["key"] == KEY
    assert request["tags"]["ai.operation.id"] == TRACE
    assert request["tags"]["ai.operation.parentId"] == PARENT
    assert (request["responseCode"], request["properties"]["request_id"]) == ("200", reply.headers["x-request-id"])
    assert (request["properties"]["endpoint"], request["properties"]["model"]) == (flowers, "iris/1")
    assert [(labels["status"], value) for labels, value in counted(ingestion, "slipway.requests")] == [("200", 1)]
    assert any(each["message"].startswith("model iris/1") for each in ingestion.of("MessageData"))


def test_jobs_are_counted_before_the_host_ends(flowers: str, watched: Stack, ingestion: Ingestion) -> None:
    client = Client(watched)
    job_id = submit(client, flowers, body(f"inbox/{flowers}/nothing.csv")).json()["name"]
    assert client.finished(flowers, job_id)["status"] == "Failed"
    watched.stop_host()
    ends = [(labels, value) for labels, value in counted(ingestion, "slipway.jobs") if labels["endpoint"] == flowers]
    assert ends == [({"endpoint": flowers, "schedule": "", "status": "Failed"}, 1)]
    assert [labels for labels, _ in counted(ingestion, "slipway.job.duration") if labels["endpoint"] == flowers]
