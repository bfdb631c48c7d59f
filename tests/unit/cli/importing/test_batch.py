"""What batch endpoints and their deployments become, alone and beside an online endpoint of the same name."""

from pathlib import Path
from typing import Any

import pytest

from shared.endpoints.batch_settings import BatchSettings, RetrySettings
from tests.unit.cli.importing.azure_files import (
    SCRIPT,
    Fields,
    batch_deployment,
    batch_endpoint,
    drafted,
    imported,
    instead,
    online_deployment,
    online_endpoint,
)

_SETTINGS: Fields = {
    "mini_batch_size": 10,
    "max_concurrency_per_instance": 3,
    "error_threshold": 5,
    "retry_settings": {"max_retries": 2, "timeout": 30},
    "output_action": "append_row",
    "output_file_name": "scores.parquet",
}


def settings(folder: Path, deployment: Fields) -> BatchSettings:
    return drafted(folder, imported(folder, batch_endpoint(), deployment)).batch


@pytest.mark.parametrize("schema", ["old", "new"])
def test_settings_are_kept_in_both_schemas(tmp_path: Path, schema: str) -> None:
    written = _SETTINGS if schema == "old" else {"settings": _SETTINGS}
    deployment = batch_deployment(code_configuration=SCRIPT, resources={"instance_count": 2}, **written)
    assert settings(tmp_path, deployment) == BatchSettings(
        deployment="nightly",
        mini_batch_size=10,
        max_concurrency=6,
        error_threshold=5,
        retry_settings=RetrySettings(max_retries=2, timeout=30),
        output_format="parquet",
        output_file_name="scores.parquet",
    )


def test_callers_are_asked_for_tokens(tmp_path: Path) -> None:
    draft = drafted(tmp_path, imported(tmp_path, batch_endpoint(), batch_deployment()))
    assert (draft.auth_mode, draft.traffic) == (("entra",), {})


def test_the_size_of_mini_batches_is_in_files_for_a_script_and_listed_for_other_models(tmp_path: Path) -> None:
    assert settings(tmp_path, batch_deployment(code_configuration=SCRIPT, mini_batch_size=7)).mini_batch_size == 7
    result = imported(tmp_path, batch_endpoint(), batch_deployment(mini_batch_size=7))
    assert "rows here" in instead(result, "mini_batch_size")
    assert drafted(tmp_path, result).batch.mini_batch_size == BatchSettings().mini_batch_size


@pytest.mark.parametrize(
    ("written", "file_name", "output_format"),
    [
        ({}, "predictions.csv", "csv"),
        ({"output_file_name": "out.jsonl"}, "out.jsonl", "jsonl"),
        ({"output_file_name": "out.txt"}, "out.txt", "csv"),
        ({"output_file_name": "../out.csv"}, None, "csv"),
    ],
)
def test_predictions_come_in_the_file_in_which_they_came(
    tmp_path: Path, written: Fields, file_name: str | None, output_format: str
) -> None:
    kept = settings(tmp_path, batch_deployment(**written))
    assert (kept.output_action, kept.output_file_name, kept.output_format) == ("append_row", file_name, output_format)


def test_summary_only_names_no_file(tmp_path: Path) -> None:
    deployment = batch_deployment(settings=_SETTINGS | {"output_action": "Summary_Only"})
    result = imported(tmp_path, batch_endpoint(), deployment)
    kept = drafted(tmp_path, result).batch
    assert (kept.output_action, kept.output_file_name) == ("summary_only", None)
    assert "no file of predictions" in instead(result, "settings.output_file_name")


def test_more_at_once_than_slipway_takes_is_listed(tmp_path: Path) -> None:
    deployment = batch_deployment(max_concurrency_per_instance=8, resources={"instance_count": 9})
    result = imported(tmp_path, batch_endpoint(), deployment)
    assert drafted(tmp_path, result).batch.max_concurrency == BatchSettings().max_concurrency
    assert instead(result, "resources.instance_count") == instead(result, "max_concurrency_per_instance")


def test_settings_of_the_default_deployment_count_and_those_of_others_are_listed(tmp_path: Path) -> None:
    other = batch_deployment("weekly", error_threshold=9)
    result = imported(tmp_path, batch_endpoint(), other, batch_deployment(error_threshold=5))
    assert drafted(tmp_path, result).batch.error_threshold == 5
    assert "those of its default deployment" in instead(result, "error_threshold")


def test_settings_that_two_deployments_share_are_not_listed(tmp_path: Path) -> None:
    other = batch_deployment("weekly", error_threshold=5)
    result = imported(tmp_path, batch_endpoint(), other, batch_deployment(error_threshold=5))
    assert [each.field for each in result.unmapped if each.field == "error_threshold"] == []


def test_without_a_default_deployment_the_first_is_told_to_be_it(tmp_path: Path) -> None:
    endpoint = batch_endpoint(defaults={})
    result = imported(tmp_path, endpoint, batch_deployment("weekly"), batch_deployment())
    assert drafted(tmp_path, result).batch.deployment == "weekly"
    assert "# No default deployment is named" in result.text


def test_variables_of_the_settings_go_before_those_of_the_deployment(tmp_path: Path) -> None:
    own: dict[str, Any] = {"environment_variables": {"A": "deployment", "B": "deployment"}}
    deployment = batch_deployment(**own, settings={"mini_batch_size": 1, "environment_variables": {"A": "settings"}})
    result = imported(tmp_path, batch_endpoint(), deployment)
    kept = drafted(tmp_path, result).deployments["nightly"].environment_variables
    assert kept == {"A": "settings", "B": "deployment"}
    assert "settings.environment_variables says otherwise" in instead(result, "environment_variables.A")


def test_an_online_and_a_batch_endpoint_of_one_name_become_one(tmp_path: Path) -> None:
    online = online_endpoint(auth_mode="key", traffic={"blue": 100})
    draft = drafted(tmp_path, imported(tmp_path, online, online_deployment(), batch_endpoint(), batch_deployment()))
    assert draft.auth_mode == ("entra", "key")
    assert list(draft.deployments) == ["blue", "nightly"]
    assert (draft.traffic, draft.batch.deployment) == ({"blue": 100}, "nightly")


def test_a_deployment_that_is_the_same_in_both_serves_both(tmp_path: Path) -> None:
    online = online_deployment("nightly", request_settings={"request_timeout_ms": 3000})
    draft = drafted(tmp_path, imported(tmp_path, online_endpoint(), online, batch_endpoint(), batch_deployment()))
    assert draft.deployments["nightly"].request_settings.request_timeout_ms == 3000
    assert list(draft.deployments) == ["nightly"]
