"""What a good token must hold: app roles for applications; scope and app role for users."""

import pytest

from shared.auth.rules import TokenVersion
from shared.auth.tokens import verify
from shared.errors import NotAuthorized
from tests.unit.auth.issuing import (
    ABSENT,
    API_CLIENT,
    CALLER,
    NOW,
    V1,
    V2,
    app_claims,
    sign,
    signing_keys,
    some_rules,
    user_claims,
)

BOTH = pytest.mark.parametrize("version", [V1, V2])


def granted(claims: dict[str, object], **settings: object) -> frozenset[str]:
    return verify(sign(claims), signing_keys("one"), some_rules(**settings), NOW).principal.roles


@BOTH
@pytest.mark.parametrize("roles", [[], ABSENT])
def test_an_application_without_a_role_may_do_nothing(version: TokenVersion, roles: object) -> None:
    with pytest.raises(NotAuthorized, match="no app role"):
        granted(app_claims(version, roles=roles))


@BOTH
def test_a_user_with_a_role_but_without_the_scope_may_do_nothing(version: TokenVersion) -> None:
    for scopes in ("", "openid profile", "user_impersonation_x"):
        with pytest.raises(NotAuthorized, match="lacks the scope user_impersonation"):
            granted(user_claims(version, scp=scopes))


@BOTH
def test_a_user_with_the_scope_but_without_a_role_may_do_nothing(version: TokenVersion) -> None:
    with pytest.raises(NotAuthorized, match="no app role"):
        granted(user_claims(version, roles=ABSENT))


def test_a_user_with_scope_and_role_may_call() -> None:
    assert granted(user_claims(roles=["Endpoint.Read"])) == {"Endpoint.Read"}


def test_an_applications_token_with_a_scope_is_held_to_the_scope() -> None:
    with pytest.raises(NotAuthorized, match="lacks the scope"):
        granted(app_claims(idtyp="app", scp="openid"))


def test_the_scope_is_a_setting() -> None:
    assert granted(user_claims(scp="Score.All"), required_scope="Score.All") == {"Endpoint.Score"}


@BOTH
def test_the_list_of_clients_holds_for_applications(version: TokenVersion) -> None:
    assert granted(app_claims(version), allowed_clients=(API_CLIENT, CALLER.upper())) == {"Endpoint.Score"}
    with pytest.raises(NotAuthorized, match="calling application is not among"):
        granted(app_claims(version), allowed_clients=(API_CLIENT,))


@BOTH
def test_the_list_of_clients_does_not_hold_for_users(version: TokenVersion) -> None:
    assert granted(user_claims(version), allowed_clients=(API_CLIENT,)) == {"Endpoint.Score"}
