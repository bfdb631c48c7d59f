"""The files fit together: modules, parameters, outputs, environments, and the names that azd goes by."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.infra.conftest import Plant
from tests.infra.template import INFRA, ROOT, Template, alternatives, read_all, texts

_LONGEST: Final = 64  # of a deployment's name
# Set by azd, or kept by a hook: no size.
_OF_AZD: Final = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID"}


def problems(infra: Path = INFRA) -> list[str]:
    """One line for each place where a file asks another one for what it does not have."""
    found, used = [], set()
    templates = {template.path.resolve(): template for template in read_all(infra)}
    for template in templates.values():
        name = template.path.name
        targets = {module.symbol: templates.get(module.file) for module in template.modules}
        for module in template.modules:
            used.add(module.file)
            target, given = targets[module.symbol], set(module.body.get("params", {}))
            if target is None:
                found.append(f"{name}: {module.symbol}: no such file: {module.file.name}")
                continue
            needed = {each for each in target.parameters if target.default(each) is None}
            found += [f"{name}: {module.symbol}: {each} is missing" for each in sorted(needed - given)]
            found += [f"{name}: {module.symbol}: {each} is unknown" for each in sorted(given - set(target.parameters))]
        for symbol, output in re.findall(r"\b(\w+)(?:\[\w+\])?\.outputs\.(\w+)", template.text):
            asked = targets.get(symbol)
            if asked is None or output not in asked.outputs:
                found.append(f"{name}: {symbol} has no output {output}")
        found += [f"{name}: {each} is not used" for each in _unused(template)]
        # People write a, b in an environment.
        found += [
            f"{name}: {each} is split with its blanks" for each in re.findall(r"split\((\w+), ','\)", template.text)
        ]
    unused = set(templates) - used - {(infra / "main.bicep").resolve()}
    return found + [f"nobody uses {path.name}" for path in sorted(unused)]


def _unused(template: Template) -> Iterator[str]:
    used = set(re.findall(r"\w+", " ".join(template.expressions())))
    yield from (name for name in (*template.parameters, *template.variables) if name not in used)


def test_modules_parameters_and_outputs_fit() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("file", "was", "becomes", "problem"),
    [
        ("main.bicep", "modules/budget.bicep", "modules/budgets.bicep", "no such file: budgets.bicep"),
        ("main.bicep", "    retentionDays: logRetentionDays\n", "", "monitoring: retentionDays is missing"),
        ("main.bicep", "retentionDays:", "retention:", "monitoring: retention is unknown"),
        ("main.bicep", "frontDoor.outputs.hostName", "frontDoor.outputs.host", "frontDoor has no output host"),
        ("main.bicep", "stamps[i].outputs.appHost", "stamps[i].outputs.host", "stamps has no output host"),
        ("main.bicep", "zoneRedundant: zoneRedundant", "zoneRedundant: false", "zoneRedundant is not used"),
        ("main.bicep", "replace(droppers, ' ', '')", "droppers", "main.bicep: droppers is split with its blanks"),
        ("modules/stamp.bicep", "'lifecycle.bicep'", "'budget.bicep'", "nobody uses lifecycle.bicep"),
    ],
)
def test_what_does_not_fit_is_found(plant: Plant, file: str, was: str, becomes: str, problem: str) -> None:
    assert any(problem in each for each in problems(plant(file, was, becomes)))


def parameters(infra: Path = INFRA) -> dict[str, tuple[str, str]]:
    """Of main.parameters.json: the variable of the environment, and its default, by parameter."""
    written = json.loads((infra / "main.parameters.json").read_text())["parameters"]
    found = {}
    for name, each in written.items():
        match = re.fullmatch(r"\$\{(\w+)(?:=(.*))?\}", each["value"])
        assert match, name
        found[name] = (match[1], match[2] or "")
    return found


def test_every_parameter_can_be_set_in_the_environment_and_has_one_default() -> None:
    main = Template(INFRA / "main.bicep")
    found = parameters()
    # The tenant is the one that is deployed to.
    assert set(found) == set(main.parameters) - {"tenantId"}
    for name, (variable, default) in found.items():
        written = main.default(name)
        if name != "budgetStart" and written is not None:
            assert default == _as_text(written), name
        if variable not in _OF_AZD:
            assert variable == "SLIPWAY_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(), name


def test_azd_asks_for_nothing_but_a_name_and_a_region() -> None:
    # It asks for what has neither value nor default before any hook has run.
    main = Template(INFRA / "main.bicep")
    assert {name for name in main.parameters if main.default(name) is None} == {"environmentName", "location"}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def environment(name: str) -> dict[str, str]:
    lines = (INFRA / "environments" / f"{name}.env").read_text().splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {key: value.strip('"') for key, _, value in pairs}


def test_environments_differ_in_size_and_not_in_shape() -> None:
    dev, staging, prod = (environment(name) for name in ("dev", "staging", "prod"))
    assert set(dev) == set(staging) == set(prod)
    assert set(dev) <= {variable for variable, _ in parameters().values()} - _OF_AZD
    assert dev != staging != prod


def test_whoever_deploys_publishes_where_the_environment_says_so() -> None:
    # azd fills the id in, whatever its environment holds.
    deployers = Template(INFRA / "main.bicep").variables["deployers"]
    assert {"deployerPublishes", "principalId"} <= set(texts(deployers))
    says = {name: environment(name)["SLIPWAY_DEPLOYER_PUBLISHES"] for name in ("dev", "staging", "prod")}
    assert says == {"dev": "true", "staging": "false", "prod": "false"}


def test_environments_hold_what_their_parameters_take() -> None:
    main = Template(INFRA / "main.bicep")
    by_variable = {variable: name for name, (variable, _) in parameters().items()}
    for name in ("dev", "staging", "prod"):
        for variable, value in environment(name).items():
            declared = main.parameters[by_variable[variable]]
            bounds = {each["type"]: each["argument"] for each in declared["decorators"]}
            if declared["type"] == "int":
                assert bounds.get("min_value", 0) <= int(value) <= bounds.get("max_value", 10**6), variable
                assert int(value) in bounds.get("allowed", [int(value)]), variable
            elif declared["type"] == "bool":
                assert value in ("true", "false"), variable
            else:
                assert value in bounds.get("allowed", [value]), variable


def azd_problems(infra: Path = INFRA) -> list[str]:
    """azd finds the app by a tag that is the service's key; its hooks have to be there."""
    document = yaml.safe_load((infra.parent / "azure.yaml").read_text())
    (key,) = document["services"]
    found = []
    stamps = next(module for module in Template(infra / "main.bicep").modules if module.symbol == "stamps")
    if key not in texts(stamps.body["params"]["appTags"]) or "'azd-service-name'" not in str(stamps.body["params"]):
        found.append(f"no app has the tag azd-service-name: {key}")
    for hook in document["hooks"].values():
        script = infra.parent / str(hook["run"]).removeprefix("sh ")
        if not script.is_file():
            found.append(f"there is no {script.name}")
    return found


def test_azd_finds_the_app_and_its_hooks() -> None:
    assert azd_problems() == []


def test_a_tag_that_is_not_the_services_key_is_found(plant: Plant) -> None:
    infra = plant("main.bicep", "'azd-service-name': 'slipway'", "'azd-service-name': 'app'")
    assert azd_problems(infra) == ["no app has the tag azd-service-name: slipway"]


def test_a_hook_that_is_not_there_is_found(plant: Plant) -> None:
    infra = plant("main.bicep", "// The app\n", "")
    (infra / "hooks" / "postdeploy.sh").unlink()
    assert azd_problems(infra) == ["there is no postdeploy.sh"]


def test_the_app_runs_the_python_that_the_project_is_written_for() -> None:
    version = Template(INFRA / "modules" / "function-app.bicep")
    (app,) = [each for each in version.made if each.kind == "Microsoft.Web/sites"]
    runtime = app.properties["functionAppConfig"]["runtime"]
    required = re.search(r'requires-python = "==(3\.\d+)\.\*"', (ROOT / "pyproject.toml").read_text())
    assert required
    assert runtime == {"name": "python", "version": required[1]}


def test_names_of_deployments_are_short_enough() -> None:
    token = "x" * 13
    for template in read_all():
        for module in template.modules:
            longest = re.sub(r"\$\{\w+\}", token, re.sub(r"\$\{\w+\.\w+\}", "x" * 32, str(module.body["name"])))
            assert len(longest) <= _LONGEST, module.symbol


def test_names_that_are_unique_in_azure_are_of_the_environment() -> None:
    azure_ml = Template(INFRA / "modules" / "azure-ml.bicep")
    named = [module for module in azure_ml.modules if module.symbol in ("online", "traffic", "batch")]
    assert len(named) == 3
    assert all("${suffix}" in module.body["params"]["name"] for module in named)


def test_a_deleted_vault_can_be_brought_back() -> None:
    (vault, _) = Template(INFRA / "modules" / "key-vault.bicep").made
    assert alternatives(vault.properties["createMode"]) == {"recover", "default"}


def test_a_later_deployment_leaves_no_live_endpoint_without_traffic() -> None:
    (online,) = [each for each in Template(INFRA / "modules" / "online-endpoint.bicep").made if each.symbol == "online"]
    assert {"firstTime", "endpoint", "traffic"} <= set(texts(online.properties["traffic"]))
    assert {"firstTime", "endpoint", "mirror_traffic"} <= set(texts(online.properties["mirrorTraffic"]))
    assert Template(INFRA / "main.bicep").default("azureMlFirstTime") is False
