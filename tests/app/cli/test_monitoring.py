"""What monitoring has found, as the command line shows it, and ground truth that it sends."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from shared.adapters.blobs import BlobStorage
from shared.monitoring import results
from shared.monitoring.results import FeatureDrift, Performance, Result
from shared.monitoring.windows import Window
from tests.app.cli.running import Slipway
from tests.support import iris

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
NOTHING = (
    "No window was looked at yet: each is, minutes after it is over, where the endpoint file has a part `monitoring`.\n"
)


def drift(feature: str, index: float, is_violated: bool = False, **changes: Any) -> FeatureDrift:
    fields = {"feature": feature, "population_stability_index": index, "jensen_shannon_distance": index / 2}
    return FeatureDrift(**{**fields, "is_violated": is_violated, "compared_with": "baseline", **changes})


VIOLATED = {
    "status": "Violated",
    "data_drift": (drift("calm", 0.01), drift("moved", 0.3, True, compared_with="reference"), drift("near", 0.19)),
    "prediction_drift": (drift("label", 0.5, True),),
    "model_performance": (
        Performance(metric="accuracy", value=0.75, rows=1200, is_violated=True),
        Performance(metric="mean_absolute_error", value=0.25, rows=1200, is_violated=False),
    ),
}


def keep(account: BlobServiceClient, endpoint: str, hour: int, **found: Any) -> Result:
    """What a look at a window of an hour has found. The endpoint is not watched, so that nobody else looks."""
    window = Window(FIRST + timedelta(hours=hour), FIRST + timedelta(hours=hour + 1))
    fields = {"endpoint": endpoint, "deployment": "blue", "model": "iris/1", "status": "Ok", "rows": 1234, **found}
    times = {"window_start": window.start, "window_end": window.end, "checked_at": window.end}
    return results.create(BlobStorage(account), window, Result(**fields, **times))


def test_the_newest_window_of_each_deployment_is_shown_the_worst_first(
    slipway: Slipway, published: str, account: BlobServiceClient
) -> None:
    assert slipway("monitor", published).out == NOTHING
    keep(account, published, 0, status="Baseline")
    newest = keep(account, published, 1, **VIOLATED)
    ended = slipway("monitor", published)
    about, rows, *tables = ended.out.splitlines()
    assert (ended.code, about) == (0, "blue, iris/1: Violated")
    assert rows == "1,234 rows from 2026-03-02T01:00:00Z to 2026-03-02T02:00:00Z"
    assert [line.split() for line in tables] == [
        ["feature", "signal", "index", "distance", "compared", "with"],
        ["label", "prediction_drift", "0.500", "0.250", "baseline", "violated"],
        ["moved", "data_drift", "0.300", "0.150", "reference", "violated"],
        ["near", "data_drift", "0.190", "0.095", "baseline"],
        ["calm", "data_drift", "0.010", "0.005", "baseline"],
        ["metric", "value", "rows"],
        ["accuracy", "0.75", "1,200", "violated"],
        ["mean_absolute_error", "0.25", "1,200"],
    ]
    assert slipway("monitor", published, "--json").document == [newest.model_dump(mode="json")]


def test_the_history_of_a_deployment_is_a_line_a_window_newest_first(
    slipway: Slipway, published: str, account: BlobServiceClient
) -> None:
    history = ("monitor", published, "--deployment", "blue")
    assert slipway(*history).out == NOTHING
    kept = [keep(account, published, hour, rows=hour) for hour in range(3)]
    kept.append(keep(account, published, 3, **VIOLATED))
    told = [line.split() for line in slipway(*history).out.splitlines()]
    assert told[:3] == [
        ["from", "hours", "status", "rows", "violated", "model"],
        ["2026-03-02T03:00:00Z", "1", "Violated", "1,234", "label,", "moved,", "accuracy", "iris/1"],
        ["2026-03-02T02:00:00Z", "1", "Ok", "2", "iris/1"],
    ]
    assert len(told) == 5
    found = slipway(*history, "--most", "2", "--json").document
    assert found == [each.model_dump(mode="json") for each in kept[:1:-1]]


MONITORING = "monitoring: {window_hours: 1, sampling_rate: %s, model_performance: {output: label, accuracy: 0.8}}\n"


@pytest.fixture
def watched(slipway: Slipway, folder: Path, published: str) -> Iterator[str]:
    """An endpoint that keeps all requests and takes ground truth."""
    monitor(slipway, folder, MONITORING % 1.0)
    yield published
    assert slipway("traffic", "set", published, "blue=0").code == 0
    assert slipway("delete", published, "--yes").code == 0


def monitor(slipway: Slipway, folder: Path, text: str) -> None:
    file = folder / "endpoint.yaml"
    file.write_text(file.read_text().partition("\nmonitoring:")[0] + "\n" + text)
    ended = slipway("publish")
    assert ended.code == 0, ended.err


def kept(account: BlobServiceClient, endpoint: str) -> list[Any]:
    """Ground truth in storage, in the order in which it came."""
    container = account.get_container_client("capture")
    names = sorted(container.list_blob_names(name_starts_with=f"{endpoint}/_feedback/"))
    return [json.loads(line) for name in names for line in container.download_blob(name).readall().splitlines()]


def test_what_turned_out_to_be_right_is_told_by_the_request_s_id(
    slipway: Slipway, folder: Path, watched: str, account: BlobServiceClient
) -> None:
    (folder / "request.json").write_bytes(iris.request(2))
    request_id = slipway("score", watched, "request.json", "--json").document["answered"]["x-request-id"]
    (folder / "truth.csv").write_text(f"request_id,row,ground_truth\n{request_id},0,0\n{request_id},1,2\n")
    assert slipway("feedback", watched, "truth.csv").out == f"{watched}: 2 rows accepted, 2 of them kept\n"
    assert kept(account, watched) == [
        {"request_id": request_id, "row": 0, "ground_truth": 0},
        {"request_id": request_id, "row": 1, "ground_truth": 2},
    ]


def test_a_large_table_goes_in_parts_that_the_app_takes(
    slipway: Slipway, folder: Path, watched: str, account: BlobServiceClient
) -> None:
    monitor(slipway, folder, MONITORING % 0.5)
    ids = [f"r{number}" for number in range(12_000)]
    (folder / "truth.jsonl").write_text("".join(f'{{"request_id": "{each}", "ground_truth": true}}\n' for each in ids))
    told = slipway("feedback", watched, "truth.jsonl", "--json").document
    found = [each["request_id"] for each in kept(account, watched)]
    assert told == {"accepted": 12_000, "kept": len(found)}
    assert 5_000 < len(found) < 7_000
    assert found == [each for each in ids if each in set(found)]
    more = slipway("feedback", watched, "truth.jsonl").out
    assert more.endswith(f"{len(found):,} of them kept; the requests of the others were not sampled\n")


def test_what_breaks_off_says_how_far_it_came(slipway: Slipway, folder: Path, watched: str) -> None:
    """Bodies of 10,000 and of 5,000 rows are too large, two of 2,500 come through, and the next is one too many."""
    monitor(slipway, folder, f"{MONITORING % 1.0}quota: {{requests_per_minute: 4}}\n")
    lines = "".join(f"r{number},1\n" for number in range(12_000))
    (folder / "truth.csv").write_text(f"request_id,ground_truth\n{lines}")
    ended = slipway("feedback", watched, "truth.csv")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert "(5,000 of 12,000 rows were sent: send all again, what is told twice counts once)" in ended.err
