"""What the data collectors of online deployments become."""

from pathlib import Path
from typing import Any

import pytest

from cli.importing.azureml import Imported
from tests.unit.cli.importing.azure_files import (
    SCRIPT,
    Fields,
    drafted,
    imported,
    instead,
    online_deployment,
    online_endpoint,
)


def collecting(name: str = "blue", **changes: Any) -> Fields:
    on = {"enabled": "true"}
    collector = {"collections": {"model_inputs": on, "model_outputs": on}, **changes}
    return online_deployment(name, data_collector=collector)


def rate(folder: Path, result: Imported) -> float | None:
    """None where nothing is kept."""
    monitoring = drafted(folder, result).monitoring
    return monitoring.sampling_rate if monitoring else None


@pytest.mark.parametrize(
    ("written", "kept"), [({"sampling_rate": 0.5}, 0.5), ({"sampling_rate": "0.25"}, 0.25), ({}, 1)]
)
def test_a_collector_of_inputs_and_outputs_is_the_monitoring_part(
    tmp_path: Path, written: dict[str, Any], kept: float
) -> None:
    result = imported(tmp_path, online_endpoint(), collecting(**written))
    assert rate(tmp_path, result) == kept
    assert f"\nmonitoring: {{sampling_rate: {float(kept)}}}\n" in result.text
    assert [each for each in result.unmapped if each.field.startswith("data_collector")] == []


@pytest.mark.parametrize("enabled", ["True", "TRUE", "true"])
def test_one_of_the_two_is_enough(tmp_path: Path, enabled: str) -> None:
    collections = {"model_outputs": {"enabled": enabled}, "model_inputs": {"enabled": "false"}}
    result = imported(tmp_path, online_endpoint(), collecting(collections=collections, sampling_rate=0.5))
    assert rate(tmp_path, result) == 0.5
    assert "and nothing else" in instead(result, "data_collector.collections.model_inputs.enabled")


@pytest.mark.parametrize(
    "written",
    [
        {"collections": {"model_inputs": {"enabled": "false"}}, "sampling_rate": 0.5},
        {"collections": {"mine": {"enabled": "true"}}, "sampling_rate": 0.5},
        {"sampling_rate": 0},
    ],
)
def test_a_collector_that_is_off_or_of_other_things_is_listed(tmp_path: Path, written: dict[str, Any]) -> None:
    result = imported(tmp_path, online_endpoint(), collecting(**written))
    assert rate(tmp_path, result) is None
    assert "and nothing else" in instead(result, "data_collector")


def test_what_is_told_of_files_and_headers_is_listed(tmp_path: Path) -> None:
    more: Fields = {"rolling_rate": "hour", "request_logging": {"capture_headers": ["x-a"]}}
    result = imported(tmp_path, online_endpoint(), collecting(**more))
    assert "folders by the hour" in instead(result, "data_collector.rolling_rate")
    assert "no headers are kept" in instead(result, "data_collector.request_logging")


def test_of_two_rates_the_larger_one_counts_and_the_file_says_so(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        online_endpoint(),
        collecting("blue", sampling_rate=0.1),
        collecting("green", sampling_rate=0.5),
        online_deployment("red"),
    )
    assert rate(tmp_path, result) == 0.5
    assert " the largest counts for all deployments: blue 0.1, green 0.5, red 0.\nmonitoring: {" in result.text
    (line,) = [each for each in result.unmapped if each.field.startswith("data_collector")]
    assert (line.file, line.field, line.value) == (f"{tmp_path}/blue.yml", "data_collector.sampling_rate", 0.1)
    assert line.instead.endswith("the largest one counts")


def test_equal_rates_need_no_comment(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), collecting("blue"), collecting("green", sampling_rate=1.0))
    assert rate(tmp_path, result) == 1
    assert "shares of requests" not in result.text


def test_of_a_script_nothing_is_kept(tmp_path: Path) -> None:
    script = collecting(sampling_rate=0.9) | {"code_configuration": SCRIPT}
    alone = imported(tmp_path, online_endpoint(), script)
    assert rate(tmp_path, alone) is None
    assert instead(alone, "data_collector").startswith("of a score.py nothing is kept: ")
    beside = imported(tmp_path, online_endpoint(), script, collecting("green", sampling_rate=0.2))
    assert rate(tmp_path, beside) == 0.2
    assert "shares of requests" not in beside.text
