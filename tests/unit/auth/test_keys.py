"""When the issuer is asked for its keys, and what is answered when it is away."""

import asyncio
import logging
import threading
from collections.abc import Mapping

import pytest

from shared.auth.keys import AGAIN_S, REFRESH_S, RETRY_S, KeyId, KeyRing, SigningKey
from shared.auth.rules import TokenVersion
from shared.errors import IdentityProviderUnavailable, TokenRejected
from tests.unit.auth.issuing import V1, V2, signing_keys


class Issuer:
    """A KeySource that publishes what it is told to, or is down; closing the gate holds its answers back."""

    def __init__(self, *kids: str) -> None:
        self.keys = signing_keys(*kids)
        self.down = False
        self.asked: list[TokenVersion] = []
        self.gate = threading.Event()
        self.gate.set()

    def fetch(self, version: TokenVersion) -> Mapping[str, SigningKey]:
        self.asked.append(version)
        assert self.gate.wait(10)
        if self.down:
            raise IdentityProviderUnavailable("the token issuer cannot be reached")
        return dict(self.keys)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def background() -> None:
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})


ONE, TWO = KeyId(V2, "one"), KeyId(V2, "two")


async def test_keys_are_fetched_once_and_held(clock: Clock) -> None:
    issuer = Issuer("one", "two")
    ring = KeyRing(issuer, clock)
    assert issuer.asked == []
    for key_id in (ONE, TWO, ONE):
        assert set(await ring.holding(key_id)) == {"one", "two"}
    assert issuer.asked == [V2]
    assert ring.live == {ONE, TWO}


async def test_each_token_version_has_its_own_keys(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    await ring.holding(KeyId(V1, "one"))
    assert issuer.asked == [V2, V1]
    assert ring.live == {ONE, KeyId(V1, "one")}


@pytest.mark.parametrize("held", [True, False])
async def test_a_storm_of_unknown_kids_is_one_fetch(clock: Clock, held: bool) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    if held:
        await ring.holding(ONE)
        clock.now += AGAIN_S
        issuer.asked.clear()
    storm = [ring.holding(KeyId(V2, f"unknown-{each}")) for each in range(1000)]
    answers = await asyncio.gather(*storm, return_exceptions=True)
    assert {type(answer) for answer in answers} == {TokenRejected}
    assert issuer.asked == [V2]


async def test_an_unknown_kid_asks_at_most_once_in_five_minutes(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    for wait, asked in ((AGAIN_S - 1, 1), (1, 2), (AGAIN_S - 1, 2), (1, 3)):
        clock.now += wait
        with pytest.raises(TokenRejected, match="signing key is not known"):
            await ring.holding(TWO)
        assert len(issuer.asked) == asked


async def test_a_rotated_key_is_found_and_the_old_one_leaves(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    issuer.keys = signing_keys("two")
    clock.now += AGAIN_S
    assert set(await ring.holding(TWO)) == {"two"}
    assert ring.live == {TWO}
    with pytest.raises(TokenRejected):
        await ring.holding(ONE)
    assert issuer.asked == [V2, V2]


async def test_the_hourly_refresh_delays_nobody(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    issuer.gate.clear()
    issuer.keys = signing_keys("one", "two")
    clock.now += REFRESH_S
    for _ in range(3):
        assert set(await ring.holding(ONE)) == {"one"}
    issuer.gate.set()
    await background()
    assert issuer.asked == [V2, V2]
    assert set(await ring.holding(ONE)) == {"one", "two"}


async def test_keys_are_refreshed_after_an_hour_and_no_sooner(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    for down, wait, asked in ((True, REFRESH_S - 1, 1), (True, 1, 2), (False, AGAIN_S - 1, 2), (False, 1, 3)):
        issuer.down = down
        clock.now += wait
        await ring.holding(ONE)
        await background()
        assert len(issuer.asked) == asked


async def test_an_unknown_kid_waits_for_the_fetch_in_flight(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    issuer.gate.clear()
    issuer.keys = signing_keys("one", "two")
    clock.now += REFRESH_S
    await ring.holding(ONE)
    waiting = asyncio.create_task(ring.holding(TWO))
    await asyncio.sleep(0)
    issuer.gate.set()
    assert set(await waiting) == {"one", "two"}
    assert issuer.asked == [V2, V2]


async def test_the_last_good_keys_are_kept_while_the_issuer_is_down(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    issuer.down = True
    for hour in range(1, 4):
        clock.now += REFRESH_S
        assert set(await ring.holding(ONE)) == {"one"}
        await background()
        assert set(await ring.holding(ONE)) == {"one"}
        assert len(issuer.asked) == 1 + hour
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3
    issuer.down = False
    clock.now += AGAIN_S
    await ring.holding(ONE)
    await background()
    assert len(issuer.asked) == 5


async def test_an_unknown_kid_while_the_issuer_is_down_is_not_the_callers_fault(clock: Clock) -> None:
    issuer = Issuer("one")
    ring = KeyRing(issuer, clock)
    await ring.holding(ONE)
    issuer.down = True
    clock.now += AGAIN_S
    for _ in range(2):
        with pytest.raises(IdentityProviderUnavailable, match="cannot be reached"):
            await ring.holding(TWO)
    assert issuer.asked == [V2, V2]
    issuer.down = False
    clock.now += AGAIN_S
    with pytest.raises(TokenRejected):
        await ring.holding(TWO)


async def test_without_keys_a_failing_issuer_is_asked_every_ten_seconds(clock: Clock) -> None:
    issuer = Issuer("one")
    issuer.down = True
    ring = KeyRing(issuer, clock)
    for wait, asked in ((0, 1), (RETRY_S - 1, 1), (1, 2), (1, 2)):
        clock.now += wait
        answers = await asyncio.gather(*(ring.holding(ONE) for _ in range(50)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {IdentityProviderUnavailable}
        assert len(issuer.asked) == asked
    issuer.down = False
    clock.now += RETRY_S
    assert set(await ring.holding(ONE)) == {"one"}


async def test_a_caller_who_goes_away_does_not_end_the_fetch_for_the_others(clock: Clock) -> None:
    issuer = Issuer("one")
    issuer.gate.clear()
    ring = KeyRing(issuer, clock)
    impatient, patient = asyncio.create_task(ring.holding(ONE)), asyncio.create_task(ring.holding(ONE))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    issuer.gate.set()
    assert set(await patient) == {"one"}
    assert impatient.cancelled()
    assert issuer.asked == [V2]


async def test_a_defect_of_the_source_is_told_and_does_not_jam_the_ring(clock: Clock) -> None:
    class Broken(Issuer):
        def fetch(self, version: TokenVersion) -> Mapping[str, SigningKey]:
            if not self.asked:
                self.asked.append(version)
                raise ZeroDivisionError
            return super().fetch(version)

    ring = KeyRing(Broken("one"), clock)
    with pytest.raises(ZeroDivisionError):
        await ring.holding(ONE)
    clock.now += RETRY_S
    assert set(await ring.holding(ONE)) == {"one"}
