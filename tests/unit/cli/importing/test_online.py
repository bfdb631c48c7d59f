"""What online endpoints and their deployments become."""

from pathlib import Path

import pytest
import yaml

from shared.endpoints.deployment import RequestSettings
from tests.unit.cli.importing.azure_files import drafted, imported, instead, online_deployment, online_endpoint


@pytest.mark.parametrize(
    ("auth_mode", "mode"),
    [
        ("key", "key"),
        ("Key", "key"),
        ("aml_token", "entra"),
        ("AMLToken", "entra"),
        ("aad_token", "entra"),
        (None, "key"),
    ],
)
def test_callers_prove_who_they_are_as_before(tmp_path: Path, auth_mode: str | None, mode: str) -> None:
    endpoint = online_endpoint(auth_mode=auth_mode)
    if auth_mode is None:
        del endpoint["auth_mode"]
    result = imported(tmp_path, endpoint | {"public_network_access": "enabled"}, online_deployment())
    assert drafted(tmp_path, result).auth_mode == (mode,)


def test_a_human_is_told_to_make_new_keys_and_to_ask_entra_for_tokens(tmp_path: Path) -> None:
    assert (
        "# Azure ML's keys do not come along"
        in imported(tmp_path, online_endpoint(auth_mode="key"), online_deployment()).text
    )
    tokens = imported(tmp_path, online_endpoint(auth_mode="aml_token"), online_deployment()).text
    assert "# Azure ML's own tokens are not known here" in tokens


def test_traffic_is_kept(tmp_path: Path) -> None:
    endpoint = online_endpoint(traffic={"blue": 90, "green": "10"})
    result = imported(tmp_path, endpoint, online_deployment(), online_deployment("green"))
    assert drafted(tmp_path, result).traffic == {"blue": 90, "green": 10}


def test_the_only_deployment_gets_the_traffic_that_no_file_names(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment())
    assert drafted(tmp_path, result).traffic == {"blue": 100}
    assert "# Azure ML's files name no traffic" in result.text


def test_of_several_deployments_a_human_says_which_gets_traffic(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(), online_deployment("green"))
    assert drafted(tmp_path, result).traffic == {}
    assert "# No deployment gets traffic yet" in result.text


def test_a_deployment_without_traffic_whose_file_was_not_given_is_listed(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(traffic={"blue": 100, "old": 0}), online_deployment())
    assert drafted(tmp_path, result).traffic == {"blue": 100}
    assert "it gets no traffic" in instead(result, "traffic.old")


def test_request_settings_are_kept_and_those_that_are_not_written_have_slipways_defaults(tmp_path: Path) -> None:
    requests = {"request_timeout_ms": 3000, "max_queue_wait_ms": "500"}
    result = imported(tmp_path, online_endpoint(), online_deployment(request_settings=requests))
    kept = drafted(tmp_path, result).deployments["blue"].request_settings
    assert kept == RequestSettings(request_timeout_ms=3000, max_queue_wait_ms=500)


@pytest.mark.parametrize(
    ("field", "value"),
    [("request_timeout_ms", 180_001), ("max_concurrent_requests_per_instance", 65), ("max_queue_wait_ms", 0)],
)
def test_a_value_that_slipway_does_not_take_is_listed_with_the_bound(tmp_path: Path, field: str, value: int) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(request_settings={field: value}))
    assert "so its default stands: Input should be" in instead(result, f"request_settings.{field}")
    assert field not in result.text


def test_variables_are_texts(tmp_path: Path) -> None:
    variables = {"A": 1, "B": True, "C": "x", "D": 1.5}
    result = imported(tmp_path, online_endpoint(), online_deployment(environment_variables=variables))
    kept = drafted(tmp_path, result).deployments["blue"].environment_variables
    assert kept == {"A": "1", "B": "true", "C": "x", "D": "1.5"}


def test_the_worker_count_of_azure_mls_server_is_that_of_the_deployment(tmp_path: Path) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(environment_variables={"WORKER_COUNT": "3"}))
    deployment = drafted(tmp_path, result).deployments["blue"]
    assert (deployment.worker_count, deployment.environment_variables) == (3, {})


@pytest.mark.parametrize("value", ["${{azureml://connections/store/credentials/key}}", None, ["a"], {"a": "b"}])
def test_a_variable_that_is_no_text_is_listed(tmp_path: Path, value: object) -> None:
    result = imported(tmp_path, online_endpoint(), online_deployment(environment_variables={"A": value}))
    assert drafted(tmp_path, result).deployments["blue"].environment_variables == {}
    assert [each.field.split(".")[:2] for each in result.unmapped if "variables" in each.field] == [
        ["environment_variables", "A"]
    ]


def test_a_mirror_is_listed(tmp_path: Path) -> None:
    endpoint = online_endpoint(traffic={"blue": 100}, mirror_traffic={"green": 20})
    result = imported(tmp_path, endpoint, online_deployment(), online_deployment("green"))
    (line,) = [each for each in result.unmapped if each.field == "mirror_traffic"]
    assert (line.value, line.instead[:35]) == ({"green": 20}, "Slipway cannot mirror traffic yet: ")


def test_comments_cannot_break_the_file(tmp_path: Path) -> None:
    script = {"code": "code", "scoring_script": "a\nname: other\x85b: c\u2028d.py"}
    result = imported(tmp_path, online_endpoint(), online_deployment(code_configuration=script))
    assert list(yaml.safe_load(result.text)) == ["name", "auth_mode", "deployments", "traffic"]
    assert drafted(tmp_path, result).name == "flowers"


def test_what_azure_ml_shows_of_an_endpoint_can_be_imported(tmp_path: Path) -> None:
    shown = online_endpoint(
        kind="Managed", mirror_traffic={}, tags={}, traffic={"blue": 100}, scoring_uri="https://x/score"
    )
    del shown["$schema"]
    result = imported(tmp_path, shown, online_deployment())
    assert "callers change their base URL" in instead(result, "scoring_uri")
    assert [each.field for each in result.unmapped if each.value == {}] == []
