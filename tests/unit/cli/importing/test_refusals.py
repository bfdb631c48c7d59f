"""Input of every bad kind ends in one line that names the file and what to do."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.importing.azureml import import_azureml
from shared.errors import MalformedRequest
from tests.unit.cli.importing.azure_files import (
    SCRIPT,
    Fields,
    batch_deployment,
    batch_endpoint,
    online_deployment,
    online_endpoint,
    refusal,
    write,
)

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/{}.schema.json"
_CONTAINER: Fields = {name: value for name, value in online_deployment().items() if name != "model"}
_BAD: dict[str, tuple[dict[str, Fields | str], str]] = {
    "broken YAML": ({"e.yml": "a: [1"}, "e.yml: is no YAML that can be read: line 1: expected ',' or ']'"),
    "a placeholder": ({"e.yml": "name: {{name}}"}, "e.yml: is no YAML that can be read: line 1: found unhashable key"),
    "a control character": ({"e.yml": "a: \x07"}, "e.yml: is no YAML that can be read: unacceptable character"),
    "no such date": ({"e.yml": "a: 2024-13-45"}, "e.yml: is no YAML that can be read: month must be in 1..12"),
    "no end": (
        {"e.yml": "name: a\ntraffic: {}\ntags: &a [*a]"},
        "e.yml: is no YAML that can be read: line 3: an alias stands in what it is the name of",
    ),
    "a field twice": (
        {"e.yml": "name: a\nname: b"},
        "e.yml: is no YAML that can be read: line 2: 'name' is written twice",
    ),
    "an empty file": ({"e.yml": ""}, "e.yml: is not a file of Azure ML's: it holds no fields"),
    "a list": ({"e.yml": "- a"}, "e.yml: is not a file of Azure ML's: it holds no fields"),
    "something else": ({"e.yml": "dependencies: [python]"}, "e.yml: is none of Azure ML's online or batch endpoints"),
    "another schema": (
        {"e.yml": {"$schema": _SCHEMA.format("commandJob"), "name": "a"}},
        "e.yml: is none of Azure ML's online or batch endpoints",
    ),
    "Kubernetes by schema": (
        {"e.yml": {"$schema": _SCHEMA.format("kubernetesOnlineEndpoint"), "name": "a"}},
        "e.yml: Kubernetes endpoints cannot be imported",
    ),
    "Kubernetes by type": (
        {"b.yml": online_deployment(type="kubernetes")},
        "b.yml: Kubernetes endpoints cannot be imported",
    ),
    "Kubernetes by compute": (
        {"e.yml": online_endpoint(compute="azureml:k")},
        "e.yml: Kubernetes endpoints cannot be imported",
    ),
    "a pipeline by type": ({"b.yml": batch_deployment(type="pipeline")}, "b.yml: a pipeline cannot be imported"),
    "a pipeline by component": (
        {"b.yml": batch_deployment(component="azureml:c:1")},
        "b.yml: a pipeline cannot be imported",
    ),
    "a pipeline by schema": (
        {"b.yml": {"$schema": _SCHEMA.format("pipelineJob")}},
        "b.yml: a pipeline cannot be imported",
    ),
    "a wrong type": (
        {"b.yml": online_deployment(request_settings={"request_timeout_ms": "soon"})},
        "b.yml: Azure ML does not take it: request_settings.request_timeout_ms: Not a valid integer",
    ),
    "an unknown field": (
        {"b.yml": online_deployment(instance_typo=1)},
        "b.yml: Azure ML does not take it: instance_typo: Unknown field",
    ),
    "a missing field": (
        {"b.yml": {"$schema": _SCHEMA.format("managedOnlineDeployment"), "name": "blue"}},
        "b.yml: Azure ML does not take it: endpoint_name: Missing data for required field; instance_type: Missing data",
    ),
    "a bad reference": (
        {"b.yml": online_deployment(model="iris:3")},
        "b.yml: Azure ML does not take it: model: write it as azureml:{name}:{version}, or as a mapping",
    ),
    "a model that is not there": (
        {"b.yml": online_deployment(model={"path": "nowhere"})},
        "b.yml: Azure ML does not take it: model: nowhere is not there",
    ),
    "a conda file that is not there": (
        {"b.yml": online_deployment(environment={"image": "a", "conda_file": "no.yml"})},
        "b.yml: Azure ML does not take it: environment: no.yml is not there",
    ),
    "a form of a field that does not exist": (
        {"b.yml": online_deployment(scale_settings={"type": "manual"})},
        "b.yml: Azure ML does not take it: scale_settings.type: Value 'manual' passed is not in set",
    ),
    "many things": (
        {"b.yml": online_deployment(a=1, b=2, c=3, d=4, e=5)},
        "b.yml: Azure ML does not take it: a: Unknown field; b: Unknown field; c: Unknown field; and 2 more",
    ),
    "settings that Azure ML's library cannot read": (
        {"b.yml": batch_deployment(settings={"error_threshold": 1})},
        "b.yml: Azure ML's own library fails at it",
    ),
    "no endpoint": ({"b.yml": online_deployment()}, "b.yml: no endpoint is among them"),
    "no deployment": ({"e.yml": online_endpoint(traffic={})}, "e.yml: has no deployments: give their files too"),
    "two endpoints": (
        {"e.yml": online_endpoint(), "f.yml": online_endpoint(name="other")},
        "f.yml: is the endpoint 'other', and e.yml is 'flowers': import each on its own",
    ),
    "one endpoint twice": (
        {"e.yml": online_endpoint(), "f.yml": online_endpoint()},
        "f.yml: is the same endpoint as e.yml: give one of the two",
    ),
    "one deployment twice": (
        {"e.yml": online_endpoint(), "a.yml": online_deployment(), "b.yml": online_deployment()},
        "b.yml: is the deployment 'blue', as is a.yml: give one of the two",
    ),
    "a deployment of another endpoint": (
        {"e.yml": online_endpoint(), "b.yml": online_deployment(endpoint_name="other")},
        "b.yml: is a deployment of the endpoint 'other', not of 'flowers': leave it out",
    ),
    "a batch deployment of an online endpoint": (
        {"e.yml": online_endpoint(), "b.yml": batch_deployment()},
        "b.yml: is a batch deployment: give the file of its endpoint 'flowers' too",
    ),
    "one name for two deployments": (
        {
            "e.yml": online_endpoint(),
            "b.yml": online_deployment("nightly"),
            "f.yml": batch_endpoint(),
            "n.yml": batch_deployment(model="azureml:iris:4"),
        },
        "n.yml: the online deployment 'nightly' in b.yml differs from this one",
    ),
    "traffic for nobody": (
        {"e.yml": online_endpoint(traffic={"green": 100}), "b.yml": online_deployment()},
        "e.yml: traffic names 'green': give the file of that deployment too",
    ),
    "traffic that is no whole": (
        {"e.yml": online_endpoint(traffic={"blue": 90}), "b.yml": online_deployment()},
        "e.yml: traffic adds up to 90, but it must be 0 or 100",
    ),
    "a default deployment that is not given": (
        {"e.yml": batch_endpoint(), "b.yml": batch_deployment("weekly")},
        "e.yml: the default deployment is 'nightly': give the file of that one too",
    ),
    "a container": (
        {"e.yml": online_endpoint(), "b.yml": _CONTAINER | {"environment": {"image": "a"}}},
        "b.yml: names neither a model nor a scoring_script: Slipway runs models, not containers",
    ),
    "a name that is too long": (
        {"e.yml": online_endpoint(name="e" * 33), "b.yml": online_deployment(endpoint_name="e" * 33)},
        "e.yml, b.yml: cannot be imported: name: String should have at most 32 characters",
    ),
    "a name with an underscore": (
        {"e.yml": online_endpoint(), "b.yml": online_deployment("my_blue")},
        "e.yml, b.yml: cannot be imported: deployments.my_blue: String should match pattern",
    ),
}


@pytest.mark.parametrize("name", _BAD)
def test_bad_input_is_told_in_one_line_that_names_the_file(tmp_path: Path, name: str) -> None:
    files, expected = _BAD[name]
    told = refusal(tmp_path, files)
    assert told[: len(expected)] == expected
    assert "\n" not in told
    assert len(told) < 400


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest, match=r"/no\.yml: cannot be read \(No such file or directory\)"):
        import_azureml([tmp_path / "no.yml"])


def test_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(MalformedRequest, match=r"cannot be read \(Is a directory\)"):
        import_azureml([tmp_path])


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "e.yml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(MalformedRequest, match=r"e\.yml: is no YAML that can be read: it is not text in UTF-8"):
        import_azureml([tmp_path / "e.yml"])


def test_no_files_are_told() -> None:
    with pytest.raises(MalformedRequest, match="no files: no endpoint is among them"):
        import_azureml([])


_WRONG = st.none() | st.booleans() | st.integers(-5, 200) | st.text(max_size=5)
_SHAPES = _WRONG | st.lists(_WRONG, max_size=2) | st.dictionaries(st.text(max_size=5), _WRONG, max_size=2)
_FIELDS = [
    *(
        "name",
        "endpoint_name",
        "type",
        "model",
        "environment",
        "environment_variables",
        "code_configuration",
        "traffic",
    ),
    *("auth_mode", "defaults", "settings", "resources", "retry_settings", "request_settings", "scale_settings", "tags"),
    *("mini_batch_size", "output_action", "output_file_name", "$schema", "compute", "instance_type", "identity"),
]
_GOOD = [
    {"e.yml": online_endpoint(), "b.yml": online_deployment(code_configuration=SCRIPT)},
    {"e.yml": batch_endpoint(), "b.yml": batch_deployment(settings={"mini_batch_size": 1})},
    {"e.yml": batch_endpoint(), "b.yml": batch_deployment(mini_batch_size=1)},
]


def outcome(paths: list[Path]) -> str | None:
    """None: it was imported."""
    try:
        import_azureml(paths)
    except MalformedRequest as error:
        return error.message
    return None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    good=st.sampled_from(_GOOD),
    file=st.sampled_from(["e.yml", "b.yml"]),
    changes=st.dictionaries(st.sampled_from(_FIELDS), _SHAPES, min_size=1, max_size=2),
)
def test_whatever_shape_a_field_has_it_is_imported_or_told_in_one_line(
    tmp_path: Path, good: dict[str, Fields], file: str, changes: Fields
) -> None:
    paths = write(tmp_path, {name: fields | (changes if name == file else {}) for name, fields in good.items()})
    told = outcome(paths)
    assert told is None or (told.startswith(str(tmp_path)) and "\n" not in told)
