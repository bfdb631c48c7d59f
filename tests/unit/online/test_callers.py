"""Who is let in to an endpoint: holders of tokens, holders of its keys, and nobody else."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from shared.adapters.memory import MemoryBlobs
from shared.auth import endpoint_keys
from shared.auth.access import Principal, Role
from shared.auth.authenticate import Authenticator
from shared.endpoints.audit import Author
from shared.endpoints.callers import KeyType, StoredKey
from shared.endpoints.catalog import Catalog
from shared.endpoints.changes import Changes
from shared.errors import (
    AuthError,
    CredentialsMalformed,
    EndpointNotFound,
    NotAuthenticated,
    NotAuthorized,
    StorageUnavailable,
    TokenRejected,
)
from shared.models.package import ModelRef, digest_of, package_path
from shared.online.callers import Admitted, admit
from shared.ports import Blob, Container
from tests.support import endpoint as published

REFRESH_S = 2.0
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = "aaaaaaaa-1111-1111-1111-111111111111"
BOTH = ["entra", "key"]


class Watched(MemoryBlobs):
    """Counts reads of endpoint documents; `down`: does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.down = False

    def read(self, container: str, name: str, **parts: Any) -> Blob | None:
        if container is Container.ENDPOINTS:
            self.reads.append(name)
        if self.down:
            raise StorageUnavailable("storage does not answer")
        return super().read(container, name, **parts)


class Door:
    """Lets in whoever sends "Bearer ann": the authenticator's place is taken, because tokens have their own tests."""

    roles: frozenset[str] = frozenset({Role.SCORE})

    async def authenticate(self, authorization: str | None) -> Principal:
        if authorization is None:
            raise NotAuthenticated("send a token")
        if authorization != "Bearer ann":
            raise TokenRejected("the token is not a signed JWT")
        return Principal("tenant", ANN, ANN, "app", self.roles, frozenset())


class House:
    """Endpoints of which `flowers` takes both tokens and keys."""

    def __init__(self) -> None:
        self.store, self.door, self.now = Watched(), Door(), 100.0
        self.ref = ModelRef("iris", "1", digest_of(b"package"))
        self.store.write(Container.MODELS, package_path("iris", "1"), b"package")
        self.catalog = self.another()
        self.publish("flowers", auth_mode=BOTH)
        self.store.reads.clear()

    def another(self) -> Catalog:
        return Catalog(self.store, REFRESH_S, clock=lambda: self.now)

    def publish(self, name: str, **changes: Any) -> None:
        published.publish(self.store, self.ref, name=name, **changes)

    def rotate(self, kind: KeyType = "primary", name: str = "flowers") -> str:
        """As another instance of the app does it."""
        key = endpoint_keys.make()
        stored = StoredKey(sha256=endpoint_keys.digest(key), created_at=NOW, created_by="ann")
        Changes(self.store, self.another()).set_key(name, kind, stored, Author("ann", NOW))
        return f"Bearer {key}"

    async def admit(self, authorization: str | None, name: str = "flowers", *roles: Role) -> Admitted:
        return await admit(authorization, name, roles or (Role.SCORE,), cast(Authenticator, self.door), self.catalog)

    async def refused(self, authorization: str | None, name: str = "flowers", *roles: Role) -> tuple[type, str]:
        with pytest.raises(AuthError) as caught:
            await self.admit(authorization, name, *roles)
        return caught.type, caught.value.message


@pytest.fixture
def house() -> House:
    return House()


async def test_a_token_and_either_key_are_let_in(house: House) -> None:
    first, second = house.rotate("primary"), house.rotate("secondary")
    assert (await house.admit("Bearer ann")).principal.object_id == ANN
    for key in (first, second, first.replace("Bearer", "bearer ")):
        admitted = await house.admit(key)
        assert (admitted.principal.object_id, admitted.endpoint.name) == ("key:flowers", "flowers")


async def test_a_key_is_good_until_refresh_s_after_its_rotation_and_the_other_one_all_the_time(house: House) -> None:
    old, other = house.rotate("primary"), house.rotate("secondary")
    await house.admit(old)
    new = house.rotate("primary")
    house.now += REFRESH_S
    assert (await house.refused(old))[0] is TokenRejected
    for key in (new, other):
        assert (await house.admit(key)).endpoint.name == "flowers"


async def test_one_answer_for_a_wrong_key_a_closed_endpoint_and_no_endpoint(house: House) -> None:
    key = house.rotate()
    house.publish("trees", auth_mode=BOTH)
    house.rotate(name="trees")
    house.publish("closed")
    wrong = f"Bearer {endpoint_keys.make()}"
    answers = {await house.refused(wrong)} | {
        await house.refused(key, name) for name in ("trees", "closed", "none", "")
    }
    assert answers == {(TokenRejected, "the key is not one of this endpoint's keys")}


async def test_keys_of_an_endpoint_that_takes_no_keys_any_more_are_refused(house: House) -> None:
    key = house.rotate()
    house.publish("flowers", auth_mode=["entra"])
    assert (await house.refused(key))[0] is TokenRejected
    house.publish("flowers", auth_mode=BOTH)
    house.now += REFRESH_S
    assert (await house.refused(key))[0] is TokenRejected


async def test_a_key_is_let_in_where_callers_are_listed(house: House) -> None:
    nobody = "00000000-0000-4000-8000-000000000001"
    house.publish("flowers", auth_mode=BOTH, allowed_object_ids=[nobody])
    assert (await house.admit(house.rotate())).principal.kind == "key"
    assert (await house.refused("Bearer ann"))[0] is NotAuthorized


async def test_a_key_opens_nothing_but_scoring(house: House) -> None:
    assert (await house.refused(house.rotate(), "flowers", Role.READ, Role.MANAGE))[0] is NotAuthorized


async def test_an_endpoint_without_entra_mode_refuses_tokens_for_scoring_and_not_for_reading(house: House) -> None:
    house.publish("flowers", auth_mode=["key"])
    kind, message = await house.refused("Bearer ann")
    assert (kind, "takes its own keys" in message) == (NotAuthorized, True)
    assert (await house.refused("Bearer ann", "flowers", Role.SCORE, Role.READ))[0] is NotAuthorized
    house.door.roles = frozenset({Role.READ})
    assert (await house.admit("Bearer ann", "flowers", Role.SCORE, Role.READ)).endpoint.name == "flowers"
    key = house.rotate()
    house.now += REFRESH_S
    assert (await house.admit(key)).principal.kind == "key"


async def test_a_caller_without_credentials_or_role_learns_nothing_of_endpoints(house: House) -> None:
    assert await house.refused(None, "none") == (NotAuthenticated, "send a token")
    assert (await house.refused("Bearer eve", "none"))[0] is TokenRejected
    assert (await house.refused("Bearer slipway_short", "none"))[0] is TokenRejected
    house.door.roles = frozenset({Role.BATCH})
    assert (await house.refused("Bearer ann", "none"))[0] is NotAuthorized
    assert house.store.reads == []


async def test_a_role_is_told_that_there_is_no_such_endpoint(house: House) -> None:
    with pytest.raises(EndpointNotFound):
        await house.admit("Bearer ann", "none")


async def test_a_header_that_cannot_be_read_is_malformed_with_a_key_too(house: House) -> None:
    key = endpoint_keys.make()
    assert (await house.refused(f"Bearer {key} {key}"))[0] is CredentialsMalformed
    assert (await house.refused(f"Basic {key}"))[0] is NotAuthenticated


async def test_fake_keys_for_names_that_are_not_there_reach_storage_once_every_refresh_s(house: House) -> None:
    for _ in range(100):
        await house.refused(f"Bearer {endpoint_keys.make()}", "none")
    assert house.store.reads == ["none/head.json"]


async def test_a_known_endpoints_keys_are_good_while_storage_is_away(house: House) -> None:
    key = house.rotate()
    await house.admit(key)
    house.store.down = True
    house.now += 3600
    assert (await house.admit(key)).principal.kind == "key"
    with pytest.raises(StorageUnavailable):
        await house.admit(key, "trees")
