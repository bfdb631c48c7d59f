"""The whole walk: header, cache, keys, verification, cache."""

import asyncio
import logging
from collections.abc import Mapping

import pytest

from shared.auth.authenticate import Authenticator
from shared.auth.keys import AGAIN_S, KeyRing, SigningKey
from shared.auth.rules import TokenVersion
from shared.auth.verified import MAX_AGE_S, VerifiedTokens
from shared.errors import (
    CredentialsMalformed,
    IdentityProviderUnavailable,
    NotAuthenticated,
    NotAuthorized,
    SlipwayError,
    TokenRejected,
)
from tests.unit.auth.issuing import (
    NOW,
    OBJECT,
    OTHER_TENANT,
    app_claims,
    private_key,
    sign,
    signing_keys,
    some_rules,
)


class Door:
    """An authenticator with the issuer and the clock in hand."""

    def __init__(self, *kids: str) -> None:
        self.keys = signing_keys(*kids)
        self.down = False
        self.now = NOW
        self.asked = 0
        ring = KeyRing(self, lambda: self.now)
        self.verified = VerifiedTokens()
        self._authenticator = Authenticator(some_rules(), ring, self.verified, lambda: self.now)

    def fetch(self, version: TokenVersion) -> Mapping[str, SigningKey]:
        self.asked += 1
        if self.down:
            raise IdentityProviderUnavailable("the token issuer cannot be reached")
        return self.keys

    async def enter(self, token: str) -> str:
        return (await self._authenticator.authenticate(f"Bearer {token}")).object_id

    async def knock(self, header: str | None) -> type[SlipwayError]:
        with pytest.raises(SlipwayError) as caught:
            await self._authenticator.authenticate(header)
        return caught.type


async def test_every_kind_of_credentials_has_its_own_answer() -> None:
    """The table of answers (RFC 6750, section 3.1), as errors."""
    door = Door("one")
    assert await door.enter(sign(app_claims())) == OBJECT
    assert await door.knock(None) is NotAuthenticated
    assert await door.knock("Basic dXNlcjpwYXNz") is NotAuthenticated
    assert await door.knock("Bearer a b") is CredentialsMalformed
    for bad in (
        "not-a-jwt",
        sign(app_claims(), key=private_key("attacker")),
        sign(app_claims(exp=NOW - 61)),
        sign(app_claims(aud="https://graph.microsoft.com")),
        sign(app_claims(tid=OTHER_TENANT)),
    ):
        assert await door.knock(f"Bearer {bad}") is TokenRejected
    assert await door.knock(f"Bearer {sign(app_claims(roles=[]))}") is NotAuthorized


async def test_a_token_seen_a_moment_ago_is_answered_without_waiting() -> None:
    door, token = Door("one"), sign(app_claims())
    await door.enter(token)
    with pytest.raises(StopIteration) as ended:
        door.enter(token).send(None)
    assert ended.value.value == OBJECT


async def test_only_good_tokens_are_remembered() -> None:
    door = Door("one")
    for claims in (app_claims(roles=[]), app_claims(aud="api://other"), app_claims(exp=NOW - 61)):
        await door.knock(f"Bearer {sign(claims)}")
    assert len(door.verified) == 0
    await door.enter(sign(app_claims()))
    assert len(door.verified) == 1


async def test_a_token_changed_behind_its_signature_is_not_the_remembered_one() -> None:
    door, token = Door("one"), sign(app_claims())
    await door.enter(token)
    assert await door.knock(f"Bearer {token[:-4]}AAAA") is TokenRejected


async def test_a_remembered_token_ends_when_it_ends() -> None:
    door, token = Door("one"), sign(app_claims(exp=NOW + 30))
    await door.enter(token)
    door.now = NOW + 89
    assert await door.enter(token) == OBJECT
    door.now = NOW + 90
    assert await door.knock(f"Bearer {token}") is TokenRejected


async def test_key_rotation() -> None:
    door = Door("one")
    old, new = sign(app_claims(), kid="one"), sign(app_claims(), kid="two")
    assert await door.enter(old) == OBJECT
    door.keys = signing_keys("one", "two")
    door.now += AGAIN_S
    assert await door.enter(new) == OBJECT
    assert await door.enter(old) == OBJECT
    door.keys = signing_keys("two")
    door.now += AGAIN_S
    assert await door.knock(f"Bearer {sign(app_claims(), kid='three')}") is TokenRejected
    assert await door.knock(f"Bearer {old}") is TokenRejected
    assert await door.enter(new) == OBJECT


async def test_keys_down_with_and_without_a_known_key() -> None:
    door = Door("one")
    await door.enter(sign(app_claims()))
    door.down = True
    door.now += MAX_AGE_S
    assert await door.enter(sign(app_claims())) == OBJECT
    assert await door.knock(f"Bearer {sign(app_claims(), kid='two')}") is IdentityProviderUnavailable
    fresh = Door("one")
    fresh.down = True
    assert await fresh.knock(f"Bearer {sign(app_claims())}") is IdentityProviderUnavailable


async def test_a_storm_of_unknown_kids_asks_once_and_leaves_good_callers_alone() -> None:
    door, good = Door("one"), sign(app_claims())
    forged = sign(app_claims(), key=private_key("attacker"))
    _, payload, signature = forged.split(".")
    await door.enter(good)
    door.now += AGAIN_S
    storm = []
    for each in range(1000):
        header = sign(b"{}", kid=f"unknown-{each}", key=private_key("attacker")).split(".")[0]
        storm.append(door.enter(f"{header}.{payload}.{signature}"))
    answers = await asyncio.gather(*storm, door.enter(good), return_exceptions=True)
    assert {type(answer) for answer in answers[:-1]} == {TokenRejected}
    assert answers[-1] == OBJECT
    assert door.asked == 2


async def test_tokens_are_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door, token = Door("one"), sign(app_claims())
    await door.enter(token)
    await door.knock(f"Bearer {token}x")
    door.down = True
    door.now += 3600
    await door.enter(sign(app_claims(exp=NOW + 9999)))
    await door.knock(f"Bearer {token}y")
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    assert any("not refreshed" in record.getMessage() for record in caplog.records)
    for part in token.split("."):
        assert part not in caplog.text
