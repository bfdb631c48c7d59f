"""How an endpoint's head moves: with a revision, with traffic, with a key."""

import pytest

from shared.endpoints.callers import StoredKey
from shared.endpoints.spec import Head, first_head, with_key, with_revision, with_traffic
from shared.errors import InvalidTransition
from tests.unit.endpoints.documents import LATER, NOW, endpoint, revision

KEY = StoredKey(sha256="1" * 64, created_at=NOW, created_by="ann")
OTHER_KEY = StoredKey(sha256="2" * 64, created_at=LATER, created_by="bob")


def test_the_first_head_has_the_traffic_of_the_file() -> None:
    head = first_head(revision("blue", traffic={"blue": 100}))
    assert head == Head(revision=1, traffic={"blue": 100}, updated_at=NOW, updated_by="ann")


def test_a_revision_never_resets_traffic() -> None:
    before = Head(revision=1, traffic={"blue": 90, "green": 10}, updated_at=NOW, updated_by="ann")
    second = revision("blue", "green", "red", number=2, traffic={"red": 100})
    assert with_revision(before, second, LATER, "bob") == before.model_copy(
        update={"revision": 2, "updated_at": LATER, "updated_by": "bob"}
    )


def test_a_deployment_without_traffic_may_go_and_takes_its_entry_with_it() -> None:
    before = Head(revision=1, traffic={"blue": 100, "green": 0}, updated_at=NOW, updated_by="ann")
    assert with_revision(before, revision("blue", number=2), LATER, "bob").traffic == {"blue": 100}


def test_deployments_with_live_traffic_may_not_go() -> None:
    before = Head(revision=1, traffic={"red": 10, "blue": 80, "green": 10}, updated_at=NOW, updated_by="ann")
    with pytest.raises(InvalidTransition, match="green, red still takes live traffic"):
        with_revision(before, revision("blue", number=2), LATER, "bob")


def test_traffic_is_moved_as_a_whole_and_says_who_and_when() -> None:
    head = with_traffic(endpoint({"blue": 100, "green": 0}), {"green": 100}, LATER, "bob")
    assert head == Head(revision=1, traffic={"green": 100}, updated_at=LATER, updated_by="bob")


def test_a_revision_and_traffic_keep_the_keys_and_a_revision_without_key_mode_forgets_them() -> None:
    taking = endpoint({"blue": 100}, auth_mode=["entra", "key"])
    keyed = taking.model_copy(update={"head": with_key(taking, "primary", KEY)})
    assert keyed.head.keys == {"primary": KEY}
    assert with_traffic(keyed, {"blue": 0}, LATER, "bob").keys == {"primary": KEY}
    assert with_revision(keyed.head, revision(number=2, auth_mode=["key"]), LATER, "bob").keys == {"primary": KEY}
    assert with_revision(keyed.head, revision(number=3), LATER, "bob").keys == {}


def test_a_new_key_leaves_the_other_one_good_and_says_who_and_when() -> None:
    taking = endpoint({"blue": 100}, auth_mode=["key"])
    first = with_key(taking, "primary", KEY)
    second = with_key(taking.model_copy(update={"head": first}), "secondary", OTHER_KEY)
    assert second.keys == {"primary": KEY, "secondary": OTHER_KEY}
    assert (second.updated_at, second.updated_by, second.traffic) == (LATER, "bob", {"blue": 100})


def test_an_endpoint_without_key_mode_refuses_keys() -> None:
    with pytest.raises(InvalidTransition, match=r"auth_mode: \[entra, key\]"):
        with_key(endpoint({"blue": 100}), "primary", KEY)
