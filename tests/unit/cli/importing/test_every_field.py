"""Nothing is silently dropped: every field of Azure ML's schemas is in the endpoint file, or listed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.importing.advice import ADVICE
from cli.importing.azureml import Imported, import_azureml
from tests.unit.cli.importing.azure_files import (
    CONDA,
    SCRIPT,
    Fields,
    batch_deployment,
    batch_endpoint,
    drafted,
    online_deployment,
    online_endpoint,
    write,
)

_ROUTE = {"path": "/", "port": 5001}
_PROBE = {"period": 10, "initial_delay": 10, "timeout": 2, "success_threshold": 1, "failure_threshold": 30}
_NOTES: Fields = {"description": "Two\nlines", "tags": {"team": "a", "a.b": 1}, "properties": {"p": "q"}}
_TOLD: Fields = {"id": "/subscriptions/s", "provisioning_state": "Succeeded"}
_ENDPOINT: Fields = {
    **_NOTES,
    **_TOLD,
    "scoring_uri": "https://flowers.westeurope.inference.ml.azure.com/score",
    "openapi_uri": "https://flowers.westeurope.inference.ml.azure.com/swagger.json",
    "location": "westeurope",
    "identity": {
        "type": "user_assigned",
        "principal_id": "p",
        "tenant_id": "t",
        "user_assigned_identities": [{"resource_id": "/subscriptions/s/u"}],
    },
}
_MODEL: Fields = {
    **_NOTES,
    "name": "iris",
    "version": 3,
    "path": "model/model.pkl",
    "type": "custom_model",
    "stage": "Production",
    "flavors": {"sklearn": {"v": "1"}},
    "datastore": "azureml:d",
    "system_metadata": {"a": "b"},
    "default_deployment_template": {"asset_id": "azureml://registries/r/deploymentTemplates/t/versions/1"},
    "allowed_deployment_templates": [{"asset_id": "azureml://registries/r/deploymentTemplates/t/versions/1"}],
}
_ENVIRONMENT: Fields = {
    "name": "sklearn",
    "version": 2,
    "description": "packages",
    "tags": {"a": "b"},
    "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04",
    "conda_file": "conda.yml",
    "os_type": "linux",
    "datastore": "azureml:d",
    "inference_config": {"liveness_route": _ROUTE, "readiness_route": _ROUTE, "scoring_route": _ROUTE},
}
_BUILT: Fields = {
    "id": "azureml:/subscriptions/s",
    "build": {"path": "code", "dockerfile_path": "Dockerfile"},
    "conda_file": CONDA,
    "auto_delete_setting": {"condition": "created_greater_than", "value": "3d"},
}
_DEPLOYMENT: Fields = {
    **_NOTES,
    "id": "/subscriptions/s",
    "model": _MODEL,
    "code_configuration": SCRIPT,
    "environment": _ENVIRONMENT,
    "environment_variables": {"A": 1, "B": None, "WORKER_COUNT": "2", "SECRET": "${{azureml://connections/c}}"},
}
_BATCH_SETTINGS: Fields = {
    "mini_batch_size": 10,
    "max_concurrency_per_instance": 2,
    "error_threshold": 5,
    "retry_settings": {"max_retries": 3, "timeout": 9999},
    "output_action": "append_row",
    "output_file_name": "out.jsonl",
    "logging_level": "info",
}
_RESOURCES: Fields = {
    "instance_count": 2,
    "instance_type": "Standard_F2s_v2",
    "properties": {"a": "b"},
    "locations": ["westeurope"],
    "shm_size": "2g",
    "max_instance_count": 4,
    "docker_args": "--rm",
}
ENDPOINT = online_endpoint(
    **_ENDPOINT, traffic={"blue": 100}, mirror_traffic={"green": 10}, public_network_access="disabled", kind="Managed"
)
BLUE = online_deployment(
    "blue",
    **_DEPLOYMENT,
    type="managed",
    provisioning_state="Succeeded",
    app_insights_enabled=True,
    scale_settings={
        "type": "target_utilization",
        "polling_interval": 1,
        "target_utilization_percentage": 70,
        "min_instances": 1,
        "max_instances": 3,
    },
    request_settings={
        "request_timeout_ms": 3000,
        "max_concurrent_requests_per_instance": 500,
        "max_queue_wait_ms": 500,
    },
    liveness_probe=_PROBE,
    readiness_probe=_PROBE,
    instance_count=2,
    model_mount_path="/models",
    egress_public_network_access="disabled",
    private_network_connection=True,
    data_collector={
        "collections": {
            "model_inputs": {
                "enabled": "True",
                "client_id": "c",
                "data": {"name": "n", "path": "azureml://datastores/d/paths/p", "version": "1", "data_id": "i"},
            }
        },
        "rolling_rate": "hour",
        "sampling_rate": 0.5,
        "request_logging": {"capture_headers": ["x-a"]},
    },
)
GREEN = online_deployment(
    "green",
    model="azureml:iris@latest",
    environment=_BUILT,
    scale_settings={"type": "default"},
)
# Its schema knows an identity, at which its library fails.
BATCH = batch_endpoint(
    **{name: value for name, value in _ENDPOINT.items() if name != "identity"}, auth_mode="aad_token"
)
NEW = batch_deployment(
    "nightly",
    **_DEPLOYMENT,
    type="model",
    error_threshold=7,
    resources=_RESOURCES,
    settings={**_BATCH_SETTINGS, "environment_variables": {"A": 2, "C": "x"}},
)
FLAT = batch_deployment("weekly", **_DEPLOYMENT, type="model", resources=_RESOURCES, **_BATCH_SETTINGS)
BUILT = batch_deployment("hourly", environment=_BUILT, settings={"mini_batch_size": 10, "instance_count": 100})
SETS = {
    "online": {"e.yml": ENDPOINT, "b.yml": BLUE, "g.yml": GREEN},
    "batch, new schema first": {"e.yml": BATCH, "n.yml": NEW, "w.yml": FLAT, "h.yml": BUILT},
    "batch, old schema first": {
        "e.yml": BATCH | {"defaults": {"deployment_name": "weekly"}},
        "n.yml": NEW,
        "w.yml": FLAT,
    },
    "both": {
        "e.yml": ENDPOINT,
        "b.yml": BLUE,
        "g.yml": GREEN,
        "be.yml": BATCH,
        "n.yml": NEW,
        "w.yml": FLAT,
        "h.yml": BUILT,
    },
}


def leaf_fields(written: Any, above: str = "") -> Iterator[str]:
    pairs = written.items() if isinstance(written, dict) else enumerate(written) if isinstance(written, list) else ()
    for key, value in pairs:
        yield from leaf_fields(value, f"{above}.{key}".lstrip("."))
    if not isinstance(written, dict | list):
        yield above


def dropped(paths: list[Path], result: Imported) -> list[str]:
    """Fields of the files that stand in neither list."""
    told = {(each.file, each.field) for each in (*result.mapped, *result.unmapped)}
    return [
        f"{path.name}: {field}"
        for path in paths
        for field in leaf_fields(yaml.safe_load(path.read_text()))
        if not any(file == str(path) and f"{field}.".startswith(f"{above}.") for file, above in told)
    ]


@pytest.mark.parametrize("name", SETS)
def test_every_field_is_in_the_endpoint_file_or_listed(tmp_path: Path, name: str) -> None:
    paths = write(tmp_path, dict(SETS[name]))
    result = import_azureml(paths)
    assert dropped(paths, result) == []
    assert {each.file for each in result.unmapped} == {str(path) for path in paths}


@pytest.mark.parametrize("name", SETS)
def test_what_counts_as_mapped_is_really_in_the_endpoint_file(tmp_path: Path, name: str) -> None:
    result = import_azureml(write(tmp_path, dict(SETS[name])))
    for mapped in result.mapped:
        value = yaml.safe_load(result.text)
        for step in filter(None, mapped.became.split(".")):
            assert step in value, mapped
            value = value[step]


@pytest.mark.parametrize("name", SETS)
def test_the_endpoint_file_can_be_published(tmp_path: Path, name: str) -> None:
    draft = drafted(tmp_path, import_azureml(write(tmp_path, dict(SETS[name]))))
    assert draft.name == "flowers"


@pytest.mark.parametrize("name", SETS)
def test_every_field_that_is_listed_has_an_advice_of_its_own(tmp_path: Path, name: str) -> None:
    result = import_azureml(write(tmp_path, dict(SETS[name])))
    assert [each.field for each in result.unmapped if each.instead == ADVICE[()]] == []


_TEXTS = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t\x85\u2028\x07'\"#:{}-"), max_size=20
)
_VALUES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.dates() | _TEXTS
_TREES = st.recursive(_VALUES, lambda below: st.lists(below, max_size=3) | st.dictionaries(_TEXTS, below, max_size=3))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tags=st.dictionaries(_TEXTS, _TREES, max_size=4),
    variables=st.dictionaries(st.from_regex(r"\A[A-Z_]{1,4}\Z") | _TEXTS, _TREES, max_size=4),
    description=_TEXTS,
    script=_TEXTS.filter(str.strip),
)
def test_whatever_the_free_fields_hold_nothing_is_dropped_and_the_file_can_be_published(
    tmp_path: Path, tags: Fields, variables: Fields, description: str, script: str
) -> None:
    code = {"code": "code", "scoring_script": script}
    blue = online_deployment(
        environment_variables=variables, code_configuration=code, tags=tags, description=description
    )
    paths = write(tmp_path, {"e.yml": online_endpoint(tags=tags), "b.yml": blue})
    result = import_azureml(paths)
    assert dropped(paths, result) == []
    kept = drafted(tmp_path, result).deployments["blue"].environment_variables
    as_written = yaml.safe_load(paths[1].read_text())["environment_variables"]
    texts = {name: value for name, value in as_written.items() if isinstance(value, str)}
    assert {name: value for name, value in kept.items() if name in texts} == {
        name: value for name, value in texts.items() if name in kept
    }
