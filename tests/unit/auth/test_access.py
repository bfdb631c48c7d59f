import dataclasses

import pytest

from shared.auth.access import Principal, Role, require
from shared.errors import NotAuthorized

CALLER = Principal("tenant", "object", "client", "app", frozenset({"Endpoint.Score", "Other.Role"}), frozenset())


def test_roles_are_named_as_in_the_registration() -> None:
    assert [str(role) for role in Role] == [
        "Endpoint.Score",
        "Endpoint.Batch",
        "Endpoint.Read",
        "Endpoint.Manage",
    ]


def test_any_one_of_the_roles_is_enough() -> None:
    require(CALLER, Role.SCORE)
    require(CALLER, Role.MANAGE, Role.SCORE)


def test_a_missing_role_is_named() -> None:
    with pytest.raises(NotAuthorized, match=r"lacks the app role Endpoint\.Manage$"):
        require(CALLER, Role.MANAGE)
    with pytest.raises(NotAuthorized, match=r"lacks the app role Endpoint\.Batch or Endpoint\.Read$"):
        require(CALLER, Role.BATCH, Role.READ)


def test_asking_for_no_role_lets_nobody_in() -> None:
    with pytest.raises(NotAuthorized):
        require(CALLER)


def test_an_endpoint_can_be_narrowed_to_listed_objects() -> None:
    require(CALLER, Role.SCORE, allowed_object_ids=["OBJECT", "another"])
    for listed in ([], ["another"]):
        with pytest.raises(NotAuthorized, match="listed callers only"):
            require(CALLER, Role.SCORE, allowed_object_ids=listed)


def test_being_listed_does_not_stand_for_the_role() -> None:
    with pytest.raises(NotAuthorized, match="lacks the app role"):
        require(CALLER, Role.MANAGE, allowed_object_ids=["object"])


def test_a_principal_is_its_tenant_and_object() -> None:
    assert CALLER.id == "tenant/object"
    with pytest.raises(dataclasses.FrozenInstanceError):
        CALLER.object_id = "another"  # type: ignore[misc]
