"""How much may be in hand at once."""

import pytest

from shared.errors import Overloaded, PayloadTooLarge
from shared.online.admission import BytesInHand, Quotas


def test_bodies_in_hand_stay_within_the_bound_and_are_let_go() -> None:
    in_hand = BytesInHand(10)
    first = in_hand.take(6)
    in_hand.take(4)
    with pytest.raises(Overloaded, match="try again"):
        in_hand.take(1)
    first.release()
    in_hand.take(5)
    with pytest.raises(Overloaded):
        in_hand.take(2)


def test_what_a_body_became_counts_in_its_place() -> None:
    in_hand = BytesInHand(10)
    hold = in_hand.take(2)
    hold.raise_to(1)
    hold.raise_to(8)
    with pytest.raises(Overloaded):
        in_hand.take(3)
    with pytest.raises(PayloadTooLarge):
        hold.raise_to(11)
    hold.release()
    in_hand.take(10)


def test_a_body_that_could_never_be_taken_is_too_large() -> None:
    with pytest.raises(PayloadTooLarge, match="11 bytes of body, and at most 10"):
        BytesInHand(10).take(11)


class Minute:
    def __init__(self) -> None:
        self.now = 0.0
        self.quotas = Quotas(lambda: self.now)

    def taken(self, caller: str, times: int, per_minute: int | None = 60, endpoint: str = "flowers") -> int:
        done = 0
        for _ in range(times):
            try:
                self.quotas.take(endpoint, caller, per_minute)
                done += 1
            except Overloaded:
                pass
        return done


def test_a_caller_may_use_up_its_minute_and_then_gets_more_as_time_goes_on() -> None:
    minute = Minute()
    assert minute.taken("ann", 100) == 60
    minute.now = 10.0
    assert minute.taken("ann", 100) == 10
    minute.now = 1000.0
    assert minute.taken("ann", 100) == 60


def test_callers_and_endpoints_are_counted_apart() -> None:
    minute = Minute()
    assert [minute.taken(who, 70) for who in ("ann", "bob")] == [60, 60]
    assert minute.taken("ann", 70, endpoint="flights") == 60


def test_the_refusal_says_when_to_come_again() -> None:
    minute = Minute()
    minute.taken("ann", 2, per_minute=2)
    with pytest.raises(Overloaded, match="2 requests a minute") as caught:
        minute.quotas.take("flowers", "ann", 2)
    assert caught.value.retry_after_s == pytest.approx(30)


def test_without_a_quota_nothing_is_counted() -> None:
    minute = Minute()
    assert minute.taken("ann", 1000, per_minute=None) == 1000
    assert len(minute.quotas._buckets) == 0


def test_the_number_of_callers_that_are_remembered_is_bounded() -> None:
    minute = Minute()
    for number in range(10_050):
        minute.taken(f"caller-{number}", 1)
    assert len(minute.quotas._buckets) == 10_000
