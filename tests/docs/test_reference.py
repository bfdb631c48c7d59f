"""docs/reference.md, the README and the sample settings say what the code does."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeGuard, get_args, get_origin

import pytest
from pydantic import BaseModel

import function_app
from shared import errors
from shared.adapters.telemetry import Telemetry
from shared.auth.access import Role
from shared.endpoints.deployment import PinnedModel
from shared.endpoints.spec import Draft
from shared.errors import SlipwayError
from shared.monitoring.metrics import INSTRUMENTS, Metrics
from shared.ports import Container
from shared.settings import AZURE_MARKERS, Settings, setting_name
from shared.triggers.http import row_for
from shared.triggers.routes import ROUTES

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "reference.md").read_text()
FUNCTIONS: dict[str, Any] = json.loads((ROOT / "tests" / "contract" / "functions.json").read_text())
# Of the host, not of the app.
HOST_SETTINGS = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME"}


def table(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, cells without their backticks."""
    section = REFERENCE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def test_every_setting_is_told_with_its_default_and_meaning() -> None:
    expected = []
    for field, info in Settings.model_fields.items():
        default = "required" if info.is_required() else _written(info.default)
        expected.append([setting_name(field), default, info.description])
    assert table("Settings") == expected


def test_sample_settings_hold_every_setting_with_its_default() -> None:
    values: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    fields = {setting_name(field): info for field, info in Settings.model_fields.items()}
    # Names with two underscores are not allowed in this file; they are for Azure only.
    assert set(values) - HOST_SETTINGS == {name for name in fields if "__" not in name}
    sampled = {"SLIPWAY_DATA", "SLIPWAY_TENANT_ID", "SLIPWAY_AUDIENCES", "SLIPWAY_LOCAL_ISSUER"}
    for name in set(values) - HOST_SETTINGS - sampled:
        default = fields[name].default
        assert values[name] == _written(default), name


def _written(default: object) -> str:
    return ",".join(default) if isinstance(default, tuple) else str(default)


def test_every_marker_of_azure_is_named() -> None:
    assert all(f"`{marker}`" in REFERENCE for marker in AZURE_MARKERS)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Names of the endpoint file's fields, those of nested documents behind a dot."""
    for name, info in model.model_fields.items():
        nested = [part for part in (info.annotation, *get_args(info.annotation)) if _is_document(part)]
        if not nested or nested[0] is PinnedModel:
            yield prefix + name
            continue
        many = get_origin(info.annotation) in (dict, tuple)
        if name == "deployments":
            yield prefix + name
        yield from _fields(nested[0], f"{prefix}{name}.{'*.' if many else ''}")


def _is_document(part: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(part, type) and issubclass(part, BaseModel)


def test_every_field_of_the_endpoint_file_is_told() -> None:
    # Of the file, and no more of what is published.
    written = {"deployments.*.code_configuration", "monitoring.reference"}
    assert {row[0] for row in table("Endpoint file")} == set(_fields(Draft)) | written


def test_every_role_is_told() -> None:
    assert [row[0] for row in table("Roles")] == [role.value for role in Role]


def test_every_container_is_told() -> None:
    assert [row[0] for row in table("Containers and documents")] == [container.value for container in Container]


def test_every_metric_is_told() -> None:
    expected = [[each.name, each.unit, ", ".join(each.labels), each.description] for each in INSTRUMENTS]
    assert [[name, unit, labels, meaning] for name, _, unit, labels, meaning in table("Metrics")] == expected


def test_metrics_have_the_names_that_prometheus_is_told() -> None:
    metrics = Metrics()
    metrics.request("e", "d", "m/1", "azureml", 200, 1)
    metrics.queued("e", "d", 1)
    metrics.batch("m/1", 1, 1)
    metrics.model_load("m/1", 1, "ok")
    metrics.rejected("e", "d", "Overloaded")
    metrics.job("e", "nightly", "Completed", 1)
    metrics.refused("NotAuthorized")
    metrics.tick()
    metrics.lateness("e", "nightly", 1, 60)
    metrics.captured("e", "d", "Kept")
    metrics.drift("e", "d", "data_drift", "x", False, 0.1)
    metrics.performance("e", "d", "accuracy", False, 0.9)
    settings = Settings(data="data", tenant_id="tenant", audiences=("api://slipway",))
    text = Telemetry(settings, metrics, {}).prometheus().decode()
    families = set(re.findall(r"^# TYPE (slipway\w+)", text, re.MULTILINE))
    assert {row[1] for row in table("Metrics")} == families


def test_every_route_is_told() -> None:
    routes = {(method, f"/{route.path}") for route in ROUTES.values() for method in route.methods or ("any",)}
    assert {(method, route) for method, route, _ in table("Routes")} == routes


def test_every_http_function_is_a_route() -> None:
    assert function_app.app
    indexed = {
        name: binding["settings"]["route"]
        for name, bindings in FUNCTIONS.items()
        for binding in bindings
        if binding["kind"] == "httpTrigger"
    }
    assert {name: route.path for name, route in ROUTES.items()} == indexed


def test_roles_of_routes_are_those_that_the_code_asks_for() -> None:
    asked = set(re.findall(r"Endpoint\.\w+", " ".join(needs for _, _, needs in table("Routes"))))
    assert asked == {role.value for role in Role}


def _raised() -> set[type[SlipwayError]]:
    """The errors that some line of the product raises."""
    names: set[str] = set()
    for path in (ROOT / "shared").rglob("*.py"):
        if path.name != "errors.py":
            names |= {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    return {
        kind for name in names if isinstance(kind := getattr(errors, name, None), type) and kind is not SlipwayError
    }


def test_every_error_that_is_raised_is_told_with_its_status() -> None:
    told = {code: int(status) for code, status, _ in table("Errors")}
    leaves = {kind for kind in _raised() if not kind.__subclasses__() or kind.__name__ in told}
    assert {kind.code for kind in leaves} <= set(told)
    for kind in leaves:
        assert told[kind.code] == row_for(kind("")).status, kind


PAGES = ["README.md", "CHANGELOG.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_commands_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= targets


def test_readme_example_is_an_endpoint_file(tmp_path: Path) -> None:
    from cli.publishing.direct import read_endpoint_file
    from shared.models.package import ModelRef

    written = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(written) == 1
    file = tmp_path / "endpoint.yaml"
    file.write_text(written[0])
    refs = {f"models:/flight-delay/{n}": ModelRef("flight-delay", str(n), "sha256:" + "0" * 64) for n in (1, 2)}
    assert read_endpoint_file(file, refs).batch.schedules[0].name == "nightly"
