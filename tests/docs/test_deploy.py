"""docs/deploy.md says what the Bicep files do."""

import json
import re
from itertools import takewhile
from typing import Any

import pytest

from cli.advice.figures import load_measured, load_prices
from cli.advice.sizing import MONTH_H, MONTH_S
from cli.profiles import Profile
from tests.docs.test_reference import ROOT
from tests.infra.template import INFRA, Template
from tests.infra.test_wiring import environment, parameters

PAGE = (ROOT / "docs" / "deploy.md").read_text()
MAIN = Template(INFRA / "main.bicep")
SIZES = ("dev", "staging", "prod")
# A second at least is paid: Flex Consumption plan, Billing.
LEAST_S = 1.0
# As the table says where something is.
PLACES = {
    "hostAccount": "the host account",
    "hostContainers": "the host account's container `{on}`",
    "dataAccount": "the data account",
    "dataContainers": "`{on}`",
    "dataQueues": "the data account's queue `{on}`",
    "insights": "Application Insights",
    "scheduler": "the Durable Task Scheduler",
    "workspaceAccount": "the workspace's account",
}


def table(heading: str) -> list[list[str]]:
    section = re.split(rf"(?m)^##+ {re.escape(heading)}$", PAGE)[1]
    lines = [line for line in re.split(r"(?m)^##+ ", section)[0].splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def parameter_rows() -> list[list[str]]:
    rows = []
    for name, (variable, default) in parameters().items():
        allowed = [each["argument"] for each in MAIN.parameters[name]["decorators"] if each["type"] == "allowed"]
        meaning = MAIN.description(name) + (
            f" One of {', '.join(f'`{each}`' for each in allowed[0])}." if allowed else ""
        )
        required = MAIN.default(name) is None
        rows.append([f"`{variable}`", "required" if required else f"`{default}`" if default else "", meaning])
    return rows


def size_rows() -> list[list[str]]:
    sizes = [environment(name) for name in SIZES]
    return [[f"`{variable}`", *(f"`{size[variable]}`" for size in sizes)] for variable in sizes[0]]


def cost_rows() -> list[list[str]]:
    """By size: the timer before and after the free grants, its storage, and instances that never leave."""
    prices, measured = load_prices(), load_measured()
    rows = []
    for name in SIZES:
        size = environment(name)
        gb = int(size["SLIPWAY_INSTANCE_MEMORY_MB"]) / 1024
        minutes = re.fullmatch(r"0 (?:\*/)?(\d+|\*) \* \* \* \*", size["SLIPWAY_TICK_SCHEDULE"])
        assert minutes
        ticks = MONTH_H * 60 / (1 if minutes[1] == "*" else int(minutes[1]))
        gb_s = ticks * LEAST_S * gb
        over = max(0.0, gb_s - prices.free_gb_s.value)
        operations = ticks * measured.tick_operations.value / 10_000 * prices.blob_writes.value
        ready = int(size["SLIPWAY_ALWAYS_READY_HTTP"]) * MONTH_S * gb * prices.ready_baseline_gb_s.value
        dollars = [gb_s * prices.on_demand_gb_s.value, over * prices.on_demand_gb_s.value, operations, ready]
        rows.append([name, f"{ticks:,.0f}", *(f"{each:.2f}" for each in dollars)])
    return rows


def role_rows() -> list[list[str]]:
    rows: dict[str, Any] = json.loads((INFRA / "roles.json").read_text())
    found = [
        [row["who"], row["role"], place.format(**row), row["why"]]
        for kind, place in PLACES.items()
        for row in rows[kind]
    ]
    return found + [[who, row["role"], f"`{row['on']}`", row["why"]] for who, row in rows["people"].items()]


def alert_rows() -> list[list[str]]:
    alerts = Template(INFRA / "modules" / "alerts.bicep").variables["alerts"]
    return [[f"`{each['name']}`", str(each["severity"]), each["title"]] for each in alerts]


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        ("Parameters", parameter_rows()),
        ("Sizes", size_rows()),
        ("What it costs while nobody calls", cost_rows()),
        ("Who may do what", role_rows()),
        ("Monitoring", alert_rows()),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_table_is_what_the_files_say(heading: str, rows: list[list[str]]) -> None:
    assert table(heading) == rows


def test_private_endpoints_of_a_region_are_as_many_as_told() -> None:
    services = len(MAIN.variables["storageServices"])
    # Of two accounts, and of the app.
    count, price = 2 * services + 1, MONTH_H * load_prices().private_endpoint_hour.value
    assert f"{count} private endpoints a region at {price:.2f} each" in " ".join(PAGE.split())


def test_the_profile_takes_what_azd_gives() -> None:
    (written,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    asked = dict(re.findall(r"(\w+): \$\{(\w+)\}", written))
    assert set(asked) <= set(Profile.model_fields)
    assert set(asked.values()) <= set(MAIN.outputs)


def test_az_has_the_commands_of_the_page() -> None:
    known = [line.split() for line in (ROOT / "tests" / "infra" / "az_commands.txt").read_text().splitlines()]
    blocks = "".join(re.findall(r"(?s)```sh\n(.*?)```", PAGE))
    written = re.findall(r"`az\s([^`]+)`", PAGE) + re.findall(r"(?m)(?:^|\$\()az (.+)$", blocks)
    assert len(written) > 10
    for command in written:
        words = command.split()
        name = list(takewhile(lambda word: not word.startswith("-"), words))
        options = {word for word in words if word.startswith("--")}
        assert [line for line in known if line[: len(name)] == name and options <= set(line)], command


def test_the_alert_of_a_new_environment_is_told_beforehand() -> None:
    (nobody,) = re.findall(r"project app = '(\w+)'", (INFRA / "alerts" / "silent-timer.kql").read_text())
    assert f"nothing ticks, and `silent-timer` says so, of the app `{nobody}`" in PAGE


def test_a_workspace_of_azure_ml_is_taken_down_with_its_name() -> None:
    # Deleted with its group it is kept for 14 days, and azd purges vaults alone.
    (workspace,) = [
        each for each in Template(INFRA / "modules" / "azure-ml.bicep").modules if each.symbol == "workspace"
    ]
    name = workspace.body["params"]["name"].replace("${token}", "…")
    before, _, _ = PAGE.partition("## Taking it down\n")[2].partition("`azd down`")
    assert f"az ml workspace delete --permanently-delete --name {name} " in before


def test_the_page_says_how_each_right_is_taken_back() -> None:
    section = PAGE.partition("### Taking a right back\n")[2].partition("\n## ")[0]
    given = {
        "SLIPWAY_PUBLISHERS",
        "SLIPWAY_DROPPERS",
        "SLIPWAY_READERS",
        "SLIPWAY_CALLERS",
        "SLIPWAY_DEPLOYER_PUBLISHES",
    }
    assert given <= set(re.findall(r"\w+", section))
    people = json.loads((INFRA / "roles.json").read_text())["people"]
    assert all(f"`{row['on']}` ({who}s)" in section for who, row in people.items())


def test_every_variable_of_the_page_is_read_by_somebody() -> None:
    known = (
        {variable for variable, _ in parameters().values()}
        | set(MAIN.outputs)
        | {"SLIPWAY_CALLERS", "SLIPWAY_ACCOUNTS"}
    )
    assert set(re.findall(r"\bSLIPWAY_[A-Z_]+\b", PAGE)) <= known
