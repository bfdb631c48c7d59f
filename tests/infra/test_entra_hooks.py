"""The hooks that write to the directory: the application, and who holds its roles."""

import json
from typing import Any

import pytest

from shared.auth.access import Role
from shared.settings import Settings
from tests.infra.hooks import Hooks
from tests.infra.template import INFRA


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
    assert hooks.asked("az", "rest", "--method", "POST") == []


def test_an_application_that_is_there_is_kept(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", APP="old", SERVICE="service").returncode == 0
    assert hooks.asked("az", "ad", "app", "create") == hooks.asked("az", "ad", "sp", "create") == []
    assert ["azd", "env", "set", "SLIPWAY_CLIENT_ID", "old"] in hooks.asked("azd")


def test_with_a_client_id_the_directory_is_left_alone(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", SLIPWAY_CLIENT_ID="given", SLIPWAY_MONTHLY_BUDGET="0").returncode == 0
    assert hooks.asked() == []


def test_of_several_applications_of_the_name_none_is_taken(hooks: Hooks) -> None:
    done = hooks.run("preprovision.sh", APP="one\ntwo")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "several applications are named slipway-test" in done.stderr
    assert hooks.asked("az", "ad", "app", "update") == []


@pytest.mark.parametrize(
    ("script", "arguments"), [("preprovision.sh", []), ("grant.sh", ["client", "a=Endpoint.Score"])]
)
def test_another_directory_is_left_alone(hooks: Hooks, script: str, arguments: list[str]) -> None:
    done = hooks.run(script, *arguments, TENANT="another", SERVICE="service")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "az account set --subscription s" in done.stderr
    assert hooks.asked("az", "ad") == hooks.asked("az", "rest", "--method", "POST") == []


def test_whoever_sets_it_up_holds_every_role(hooks: Hooks) -> None:
    assert hooks.run("preprovision.sh", APP="old", SERVICE="service", ME="me").returncode == 0
    bodies = [json.loads(call[-1]) for call in hooks.asked("az", "rest", "--method", "POST")]
    assert [body["appRoleId"] for body in bodies] == [role["id"] for role in app_roles()]
    assert {(body["principalId"], body["resourceId"]) for body in bodies} == {("me", "service")}


def test_an_application_is_not_kept_before_its_roles_are_given(hooks: Hooks) -> None:
    done = hooks.run("preprovision.sh", APP="old", SERVICE="service", ME="me", POST_AFTER="1000")
    assert done.returncode == 1
    assert "me could not be given Endpoint.Score: Not Found" in done.stderr
    assert hooks.asked("azd", "env", "set", "SLIPWAY_CLIENT_ID") == []


@pytest.mark.parametrize("late", [{"SERVICE_AFTER": "4"}, {"POST_AFTER": "5"}])
def test_a_directory_that_does_not_know_yet_is_asked_again(hooks: Hooks, late: dict[str, str]) -> None:
    done = hooks.run("grant.sh", "client", "a=Endpoint.Score", SERVICE="service", **late)
    assert done.returncode == 0, done.stderr
    looked, given = hooks.asked("az", "ad", "sp", "list"), hooks.asked("az", "rest", "--method", "POST")
    assert (len(looked) > 1) == ("SERVICE_AFTER" in late)
    assert (len(given) > 1) == ("POST_AFTER" in late)


def test_callers_wait_for_somebody_who_may_give_roles(hooks: Hooks) -> None:
    done = hooks.run(
        "postprovision.sh", SLIPWAY_CALLERS="a=Endpoint.Score", SLIPWAY_CLIENT_ID="c", GITHUB_ACTIONS="true"
    )
    assert (done.returncode, hooks.asked()) == (0, [])
    assert "SLIPWAY_CALLERS have no new roles" in done.stderr


@pytest.mark.parametrize("separator", [",", ", "])
def test_callers_of_the_environment_get_their_roles(hooks: Hooks, separator: str) -> None:
    callers = separator.join(["a=Endpoint.Score", "b=Endpoint.Batch"])
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
