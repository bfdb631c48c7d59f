"""The endpoint file is one: it validates once its model is pinned, and says what the answers ask for."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from cli.advice.advise import advise
from cli.advice.answers import Answers
from cli.publishing.direct import read_endpoint_file
from shared.endpoints.spec import Draft
from shared.models.package import ModelRef
from tests.unit.cli.advice.cases import STORED, answers
from tests.unit.cli.advice.strategies import ANSWERS


def draft(tmp_path: Path, asked: Answers) -> Draft:
    path = tmp_path / "endpoint.yaml"
    path.write_text(advise(asked).endpoint_file)
    return read_endpoint_file(path, {f"models:/{asked.name}/1": ModelRef(asked.name, "1", f"sha256:{'a' * 64}")})


@given(asked=ANSWERS)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_file_validates_once_its_model_is_pinned(tmp_path: Path, asked: Answers) -> None:
    assert draft(tmp_path, asked).name == asked.name


def test_a_real_time_endpoint_gives_up_when_its_caller_does(tmp_path: Path) -> None:
    found = draft(tmp_path, answers(answer_within_s=12))
    assert found.deployments["blue"].request_settings.request_timeout_ms == 12_000
    assert found.traffic == {"blue": 100}
    assert found.batch.schedules == ()


def test_a_batch_endpoint_is_cut_by_its_computing_and_its_deadline(tmp_path: Path) -> None:
    found = draft(tmp_path, answers(**{**STORED, "cpu_s_per_1000_rows": 3}, job_within_s=1000))
    assert (found.batch.deployment, found.batch.mini_batch_size, found.batch.max_concurrency) == ("blue", 10_000, 12)


@pytest.mark.parametrize(
    ("given_", "drops", "crons"),
    [
        ({"start": "schedule", "cron": "0 30 4 * * *"}, False, ["0 30 4 * * *"]),
        ({"start": "drop"}, True, []),
        ({"start": "rest"}, False, []),
    ],
)
def test_what_starts_a_job_is_in_it(given_: dict[str, Any], drops: bool, crons: list[str]) -> None:
    batch = yaml.safe_load(advise(answers(**STORED, **given_)).endpoint_file)["batch"]
    assert ("drop" in batch) == drops
    assert [schedule["cron"] for schedule in batch.get("schedules", [])] == crons


def test_requests_that_became_jobs_are_dropped_as_files() -> None:
    batch = yaml.safe_load(advise(answers(answer_within_s="6 h")).endpoint_file)["batch"]
    assert batch["drop"] == "file"
    assert "schedules" not in batch


def test_what_the_app_needs_beside_the_file_is_a_comment() -> None:
    text = advise(answers(always_warm=True, memory_mb=2000)).endpoint_file
    assert "# The app needs instances of 4096 MB" in text
    assert "instanceCount: 1" in text
    assert "Azure ML is the better place" not in text


def test_where_azure_ml_is_better_the_file_says_so_first() -> None:
    assert advise(answers(gpu=True)).endpoint_file.startswith("# Azure ML is the better place")
