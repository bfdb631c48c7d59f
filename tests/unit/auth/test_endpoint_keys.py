"""Keys of endpoints: how they look, and how they are compared."""

import hmac

import pytest

from shared.auth import endpoint_keys
from shared.auth.access import Role, require
from shared.auth.tokens import parse_bearer
from shared.errors import NotAuthorized

PRIMARY, SECONDARY, OTHER = (endpoint_keys.make() for _ in range(3))
STORED = [endpoint_keys.digest(PRIMARY), endpoint_keys.digest(SECONDARY)]


def test_no_two_keys_are_alike_and_all_travel_in_a_bearer_header() -> None:
    keys = {endpoint_keys.make() for _ in range(1000)}
    assert len(keys) == 1000
    for key in keys:
        assert endpoint_keys.is_key(key)
        assert parse_bearer(f"Bearer {key}") == key


@pytest.mark.parametrize(
    "token",
    [
        "",
        "slipway_",
        PRIMARY[:-1],
        PRIMARY + "A",
        PRIMARY + "\n",
        PRIMARY.upper(),
        f"x{PRIMARY}",
        f"{PRIMARY}.e30.AA",
        f"slipway_.{PRIMARY[9:]}",
        "slipway_" + "ä" * 43,
        "eyJhbGciOiJSUzI1NiJ9.e30.AA",
    ],
)
def test_anything_else_is_no_key(token: str) -> None:
    assert not endpoint_keys.is_key(token)


def test_either_key_fits_and_no_other() -> None:
    assert endpoint_keys.matches(PRIMARY, STORED)
    assert endpoint_keys.matches(SECONDARY, STORED)
    assert endpoint_keys.matches(PRIMARY, STORED[:1])
    assert not endpoint_keys.matches(SECONDARY, STORED[:1])
    assert not endpoint_keys.matches(OTHER, STORED)
    assert not endpoint_keys.matches(OTHER, [])


def test_what_is_stored_opens_nothing() -> None:
    assert not endpoint_keys.matches(STORED[0], STORED)
    assert PRIMARY not in STORED


@pytest.mark.parametrize("stored", [[], STORED[:1], STORED])
@pytest.mark.parametrize("key", [PRIMARY, SECONDARY, OTHER])
def test_two_hashes_are_compared_in_constant_time_whatever_fits(
    monkeypatch: pytest.MonkeyPatch, key: str, stored: list[str]
) -> None:
    compared: list[str] = []
    compare = hmac.compare_digest

    def noted(offered: str, each: str) -> bool:
        compared.append(each)
        return compare(offered, each)

    monkeypatch.setattr("hmac.compare_digest", noted)
    endpoint_keys.matches(key, stored)
    assert len(compared) == 2
    assert compared[: len(stored)] == stored
    assert {len(each) for each in compared} == {64}


def test_the_holder_of_a_key_may_score_and_nothing_else_and_is_on_no_list() -> None:
    holder = endpoint_keys.holder("flowers")
    assert (holder.kind, holder.id) == ("key", "/key:flowers")
    require(holder, Role.SCORE, allowed_object_ids=["00000000-0000-4000-8000-000000000001"])
    for role in set(Role) - {Role.SCORE}:
        with pytest.raises(NotAuthorized):
            require(holder, role)
