"""Nobody may do more than infra/roles.json says, and that says no more than is needed."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from shared.ports import Container
from tests.infra.conftest import Plant
from tests.infra.template import INFRA, Resource, Template, read_all, texts

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
BUILT_IN: Final = {
    "Durable Task Data Contributor": "0ad04412-c4d5-4796-b79c-f76d14c8d402",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0b6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}
# What the roles of the table's own allow in blobs: no name of it reaches a container.
IN_BLOBS: Final = {"read", "write", "add/action", "delete"}
# Parts of the table that no loop runs over by their name.
OTHERS: Final = {"roles", "custom", "people"}
OF_TABLE: Final = re.compile(r"\btable\.roles\[|var publisherRole = guid\(resourceGroup\(\)\.id, table\.people")
BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
READS: Final = "Storage Blob Data Reader"
# Who may write what in the data account, by container; all else is read at most.
WRITES: Final = {("app", container) for container in Container if container != Container.MODELS} | {
    ("publisher", Container.MODELS),
    ("dropper", Container.INBOX),
}
# https://learn.microsoft.com/azure/machine-learning/concept-endpoints-online-auth; the app asks nothing of Azure ML.
OF_AZURE_ML: Final = {("online", READS), ("cluster", "Storage Blob Data Contributor")}


def table(infra: Path = INFRA) -> dict[str, Any]:
    return dict(json.loads((infra / "roles.json").read_text()))


def problems(infra: Path = INFRA) -> list[str]:
    """One line for each role that is broader than it may be, and for each assignment beside the table."""
    rows = table(infra)
    found = [f"{name} is no role of the list" for name, guid in rows["roles"].items() if BUILT_IN.get(name) != guid]
    for who, row in _in_containers(rows):
        if row["role"] != READS and (who, row["on"]) not in WRITES:
            found.append(f"{who} may write {row['on']}")
    for who, row in rows["people"].items():
        if row["role"] != READS and row["role"] not in rows["custom"]:
            found.append(f"{who} may delete the container {row['on']}")
    found += [
        f"{name} may {action}"
        for name, role in rows["custom"].items()
        for action in sorted(set(role["blobs"]) - IN_BLOBS)
    ]
    broad = [row for row in rows["dataAccount"] if "Blob" in row["role"]]
    found += [f"{row['who']} has {row['role']} on all of the data account" for row in broad]
    of_azure_ml = [row for kind in rows if kind.startswith("workspace") for row in rows[kind]]
    found += [
        f"{row['who']} has {row['role']} in Azure ML"
        for row in of_azure_ml
        if (row["who"], row["role"]) not in OF_AZURE_ML
    ]
    kinds = set()
    for template in read_all(infra):
        for resource in template.made:
            if resource.kind != "Microsoft.Authorization/roleAssignments":
                continue
            if not _named_by_its_principal(resource):
                found.append(f"{template.path.name}: {resource.symbol} is not named by its principal")
            kinds |= set(re.findall(rf"resource {resource.symbol} .*?for .*? in table\.(\w+):", template.text))
            if not OF_TABLE.search(_definition(template.text, resource.symbol)):
                found.append(f"{template.path.name}: {resource.symbol} is not of the table")
    return found + [f"nobody assigns {kind}" for kind in sorted(set(rows) - OTHERS - kinds)]


def _named_by_its_principal(assignment: Resource) -> bool:
    """Azure refuses a second assignment of a role to a principal at a scope, whatever its name and condition."""
    named = assignment.body["name"]["function"]["parameters"]["extra_string_1"]
    # An identity that is known only once it is made, like the cluster's, is too late for a name.
    return bool(named == assignment.properties["principalId"] or {"principals", "who"} <= set(texts(named)))


def _in_containers(rows: dict[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    yield from ((row["who"], row) for row in rows["dataContainers"])
    yield from rows["people"].items()


def _definition(text: str, symbol: str) -> str:
    """What the assignment's roleDefinitionId is made of, through a variable of its file."""
    block = text.partition(f"resource {symbol} ")[2].partition("\n}")[0]
    written = block.partition("roleDefinitionId:")[2].partition("\n")[0]
    return text if re.search(r", (role|publisherRole)\)$", written.strip()) else written


def test_roles_are_those_of_the_table() -> None:
    assert problems() == []


def test_every_role_is_used_and_every_row_says_why() -> None:
    rows = table()
    lists = [rows[kind] for kind in rows if kind not in OTHERS] + [list(rows["people"].values())]
    flat = [row for each in lists for row in each]
    assert {row["role"] for row in flat} == set(rows["roles"]) | set(rows["custom"])
    assert all(row["why"] for row in flat)


@pytest.mark.parametrize(
    ("file", "was", "becomes", "problem"),
    [
        (
            "roles.json",
            '"on": "models", "role": "Storage Blob Data Reader"',
            '"on": "models", "role": "Storage Blob Data Contributor"',
            "app may write models",
        ),
        (
            "roles.json",
            '"role": "Slipway Dropper"',
            '"role": "Storage Blob Data Contributor"',
            "dropper may delete the container inbox",
        ),
        ("roles.json", '["read", "write", "add/action"]', '["read", "*"]', "Slipway Dropper may *"),
        ("roles.json", '"2a2b9908', '"8e3af657', "Storage Blob Data Reader is no role of the list"),
        (
            "roles.json",
            '"dataAccount": [\n',
            '"dataAccount": [{"who": "app", "role": "Storage Blob Data Owner", "why": "x"},\n',
            "app has Storage Blob Data Owner on all of the data account",
        ),
        (
            "roles.json",
            '"workspaceAccount": [\n',
            '"workspaceAccount": [{"who": "app", "role": "Storage Blob Data Reader", "why": "x"},\n',
            "app has Storage Blob Data Reader in Azure ML",
        ),
        (
            "roles.json",
            '"online", "role": "Storage Blob Data Reader"',
            '"online", "role": "Storage Blob Data Contributor"',
            "online has Storage Blob Data Contributor in Azure ML",
        ),
        (
            "modules/role-assignments.bicep",
            "subscriptionResourceId(definitions, table.roles[row.role])",
            "subscriptionResourceId(definitions, 'b24988ac-6180-42a0-ab88-20f7382dd24c')",
            "onHostAccount is not of the table",
        ),
        (
            "modules/endpoint-grant.bicep",
            "guid(container.id, split(grant, '=')[0], role)",
            "guid(container.id, grant, role)",
            "assignment is not named by its principal",
        ),
        (
            "modules/role-assignments.bicep",
            "in table.dataQueues: {\n  scope",
            "in []: {\n  scope",
            "nobody assigns dataQueues",
        ),
    ],
)
def test_a_broader_role_is_found(plant: Plant, file: str, was: str, becomes: str, problem: str) -> None:
    assert any(problem in each for each in problems(plant(file, was, becomes)))


@pytest.mark.parametrize("endpoints", ["flights", "flights+delays"])
def test_grants_of_single_endpoints_are_held_to_their_folders(endpoints: str) -> None:
    grants = Template(INFRA / "modules" / "endpoint-grant.bicep")
    (assignment,) = grants.made
    assert assignment.properties["conditionVersion"] == "2.0"
    condition = _filled_in(assignment.properties["condition"], grants.variables, endpoints)
    assert "$" not in condition
    of_blob, of_list = (f"@{each} StringStartsWith" for each in (f"Resource[{BLOBS}:path]", f"Request[{BLOBS}:prefix]"))
    for attribute in (of_blob, of_list):
        folders = " OR ".join(f"{attribute} '{endpoint}/'" for endpoint in endpoints.split("+"))
        assert f" OR ({folders}))" in condition
    for action in ("read", "write", "add/action", "delete", "move/action"):
        assert f"ActionMatches{{'{BLOBS}/{action}'" in condition, action


def _filled_in(text: str, variables: dict[str, Any], endpoints: str) -> str:
    """As Bicep writes it for a grant `{object id}={endpoints}`."""
    text = re.sub(r"split\(grant, '='\)\[1\]", f"'{endpoints}'", text)
    while "${" in text:
        text = re.sub(
            r"\$\{replace\('([^']*)', '\+', (\w+)\)\}", lambda match: match[1].replace("+", variables[match[2]]), text
        )
        text = re.sub(r"\$\{(\w+)\}", lambda match: variables[match[1]], text)
    return text.replace("\\'", "'")


def test_custom_roles_look_at_containers_and_do_nothing_else_to_them() -> None:
    (definition,) = Template(INFRA / "modules" / "custom-roles.bicep").made
    (permissions,) = definition.properties["permissions"]
    assert permissions["actions"] == ["${containers}/read"]
    assert "delete" not in table()["custom"]["Slipway Dropper"]["blobs"]
