"""The hooks that azd runs, against stand-ins of az and azd that write down what they are asked."""

import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shared.auth.access import Role
from shared.settings import Settings
from tests.infra.template import INFRA, Template

STAND_IN = """#!/bin/sh
printf '%s\\t' "$(basename "$0")" "$@" | tr '\\n' ' ' >>"$CALLS"
echo >>"$CALLS"
count=$(wc -l <"$CALLS")
case "$*" in
    "ad app list"*) printf '%s' "${APP:-}" ;;
    "ad app create"*) echo the-client ;;
    "ad app show"*) echo the-object ;;
    "ad sp list"*) printf '%s' "${SERVICE:-}" ;;
    "ad sp create"*) echo the-service ;;
    "ad signed-in-user show"*) if [ -n "${ME:-}" ]; then echo "$ME"; else exit 1; fi ;;
    "functionapp keys list"*) if [ "$count" -gt "${KEY_AFTER:-0}" ]; then echo the-key; fi ;;
    "functionapp show"*) echo app.azurewebsites.net ;;
    "storage account show"*) echo /subscriptions/s/account ;;
esac
"""


class Hooks:
    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self._calls.touch()
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name in ("az", "azd"):
            script = self._bin / name
            script.write_text(STAND_IN)
            script.chmod(0o755)

    def run(self, script: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        path = f"{self._bin}{os.pathsep}{os.environ['PATH']}"
        given = {
            "PATH": path,
            "CALLS": str(self._calls),
            "AZURE_ENV_NAME": "test",
            "SLIPWAY_HOOK_WAIT_S": "0",
            **environ,
        }
        command = ["sh", str(INFRA / "hooks" / script), *arguments]
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False)

    def asked(self, *words: str) -> list[list[str]]:
        """The calls that begin with these words."""
        calls = [line.rstrip("\t").split("\t") for line in self._calls.read_text().splitlines()]
        return [call for call in calls if call[: len(words)] == [*words]]


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    return Hooks(tmp_path)


def app_roles() -> list[dict[str, Any]]:
    return list(json.loads((INFRA / "entra" / "app-roles.json").read_text()))


def test_the_application_has_the_roles_and_the_scope_that_the_app_asks_for() -> None:
    roles = app_roles()
    assert [role["value"] for role in roles] == [role.value for role in Role]
    assert len({role["id"] for role in roles}) == len(roles)
    assert all(role["allowedMemberTypes"] == ["User", "Application"] for role in roles)
    (scope,) = json.loads((INFRA / "entra" / "api.json").read_text())["api"]["oauth2PermissionScopes"]
    assert scope["value"] == Settings.model_fields["required_scope"].default
    (client,) = json.loads((INFRA / "entra" / "clients.json").read_text())["api"]["preAuthorizedApplications"]
    assert client["delegatedPermissionIds"] == [scope["id"]]
    assert f"requiredScope: '{scope['value']}'" in (INFRA / "main.bicep").read_text()


def test_a_new_application_is_made_and_its_service_asks_for_a_role(hooks: Hooks) -> None:
    done = hooks.run("preprovision.sh")
    assert done.returncode == 0, done.stderr
    assert len(hooks.asked("az", "ad", "app", "create")) == 1
    (updated,) = hooks.asked("az", "ad", "app", "update")
    assert "api://the-client" in updated
    patches = [" ".join(call) for call in hooks.asked("az", "rest", "--method", "PATCH")]
    assert ["api.json" in patches[0], "clients.json" in patches[1]] == [True, True]
    assert "servicePrincipals/the-service" in patches[2]
    assert '"appRoleAssignmentRequired": true' in patches[2]
    assert ["azd", "env", "set", "SLIPWAY_CLIENT_ID", "the-client"] in hooks.asked("azd")
    assert [call[3] for call in hooks.asked("azd", "env", "set")] == ["SLIPWAY_BUDGET_START", "SLIPWAY_CLIENT_ID"]
    assert hooks.asked("az", "rest", "--method", "POST") == []


def test_an_application_that_is_there_is_kept(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", APP="old", SERVICE="service").returncode == 0
    assert hooks.asked("az", "ad", "app", "create") == hooks.asked("az", "ad", "sp", "create") == []
    assert ["azd", "env", "set", "SLIPWAY_CLIENT_ID", "old"] in hooks.asked("azd")


def test_with_a_client_id_the_directory_is_left_alone(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", SLIPWAY_CLIENT_ID="given", SLIPWAY_BUDGET_START="2026-11-01").returncode == 0
    assert hooks.asked() == []


def test_whoever_sets_it_up_holds_every_role(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", APP="old", SERVICE="service", ME="me").returncode == 0
    bodies = [json.loads(call[-1]) for call in hooks.asked("az", "rest", "--method", "POST")]
    assert [body["appRoleId"] for body in bodies] == [role["id"] for role in app_roles()]
    assert {(body["principalId"], body["resourceId"]) for body in bodies} == {("me", "service")}


def test_callers_of_the_environment_get_their_roles(hooks: Hooks) -> None:
    callers = "a=Endpoint.Score,b=Endpoint.Batch"
    done = hooks.run("postprovision.sh", SLIPWAY_CALLERS=callers, SLIPWAY_CLIENT_ID="client", SERVICE="service")
    assert done.returncode == 0, done.stderr
    bodies = [json.loads(call[-1]) for call in hooks.asked("az", "rest", "--method", "POST")]
    assert [(body["principalId"], body["appRoleId"]) for body in bodies] == [
        ("a", app_roles()[0]["id"]),
        ("b", app_roles()[1]["id"]),
    ]


@pytest.mark.parametrize(
    ("grant", "service", "problem"),
    [("a=Endpoint.Score", "", "no application client"), ("a=Endpoint.Own", "service", "'Endpoint.Own' is no app role")],
)
def test_a_grant_that_cannot_be_made_is_told_in_one_line(hooks: Hooks, grant: str, service: str, problem: str) -> None:
    done = hooks.run("grant.sh", "client", grant, SERVICE=service)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert problem in done.stderr


DEPLOYED = {
    "AZURE_RESOURCE_GROUP": "rg",
    "SLIPWAY_APPS": '["func-a"]',
    "SLIPWAY_TOPICS": '["topic-a"]',
    "SLIPWAY_HOST_ACCOUNTS": '["host-a"]',
}


def test_event_grid_tells_the_blob_trigger_once_its_key_is_there(hooks: Hooks) -> None:
    done = hooks.run("postdeploy.sh", **DEPLOYED, KEY_AFTER="3")
    assert done.returncode == 0, done.stderr
    assert len(hooks.asked("az", "functionapp", "keys", "list")) == 4
    (made,) = hooks.asked("az", "eventgrid", "system-topic", "event-subscription", "create")
    told = dict(pairwise(made))
    functions = json.loads((INFRA.parent / "tests" / "contract" / "functions.json").read_text())
    (trigger,) = [name for name, bindings in functions.items() if "blobTrigger" in json.dumps(bindings)]
    webhook = f"https://app.azurewebsites.net/runtime/webhooks/blobs?functionName=Host.Functions.{trigger}&code=the-key"
    assert told["--endpoint"] == webhook
    assert told["--system-topic-name"] == "topic-a"
    assert (
        told["--deadletter-identity-endpoint"] == "/subscriptions/s/account/blobServices/default/containers/undelivered"
    )
    (queue,) = [
        each.properties for each in Template(INFRA / "modules" / "inbox-subscription.bicep").made
    ]  # both ways let the same events through
    assert told["--subject-begins-with"] == queue["filter"]["subjectBeginsWith"]
    assert told["--included-event-types"] == queue["filter"]["includedEventTypes"][0]
    assert told["--max-delivery-attempts"] == str(queue["retryPolicy"]["maxDeliveryAttempts"])
    assert told["--event-ttl"] == str(queue["retryPolicy"]["eventTimeToLiveInMinutes"])
    calls = made[made.index("--advanced-filter") + 1 :]
    assert calls[:6] == ["data.api", "StringIn", *queue["filter"]["advancedFilters"][0]["values"]]


def test_a_key_that_never_comes_is_told(hooks: Hooks) -> None:
    done = hooks.run("postdeploy.sh", **DEPLOYED, KEY_AFTER="1000")
    assert done.returncode == 1
    assert "func-a has no key for the blob trigger" in done.stderr


def test_in_a_private_network_nothing_is_pushed(hooks: Hooks) -> None:
    assert hooks.run("postdeploy.sh", **DEPLOYED, SLIPWAY_PRIVATE_NETWORK="true").returncode == 0
    assert hooks.asked() == []


def test_further_regions_get_the_code_and_a_subscription_of_their_own(hooks: Hooks, tmp_path: Path) -> None:
    regions = {
        "SLIPWAY_APPS": '["func-a","func-b"]',
        "SLIPWAY_TOPICS": '["topic-a", "topic-b"]',
        "SLIPWAY_HOST_ACCOUNTS": '["host-a","host-b"]',
    }
    done = hooks.run("postdeploy.sh", **DEPLOYED | regions, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (deployed,) = hooks.asked("az", "functionapp", "deployment", "source", "config-zip")
    assert "func-b" in deployed
    made = hooks.asked("az", "eventgrid", "system-topic", "event-subscription", "create")
    assert [call[call.index("--system-topic-name") + 1] for call in made] == ["topic-a", "topic-b"]
