"""The secret that lets its holder look at one job."""

import re
from datetime import timedelta

import pytest

from shared.batch.intake.capability import LENGTH, holds, make
from tests.support.endpoint import NOW

DAY = timedelta(days=1)


def test_a_secret_is_good_until_it_expires() -> None:
    secret, kept = make(NOW, DAY)
    assert kept.expires_at == NOW + DAY
    assert holds(secret, [kept], NOW)
    assert holds(secret, [kept], NOW + DAY - timedelta(microseconds=1))
    assert not holds(secret, [kept], NOW + DAY)


def test_a_secret_opens_no_other_job() -> None:
    secret, _ = make(NOW, DAY)
    assert not holds(secret, [make(NOW, DAY)[1]], NOW)
    assert not holds(secret, [], NOW)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_it_may_be_any_of_those_that_a_job_keeps(position: int) -> None:
    made = [make(NOW, DAY) for _ in range(3)]
    assert holds(made[position][0], [kept for _, kept in made], NOW)


def test_one_that_has_expired_stands_in_nobodys_way() -> None:
    secret, kept = make(NOW, DAY)
    expired = kept.model_copy(update={"expires_at": NOW})
    assert holds(secret, [expired, kept], NOW)
    assert holds(secret, [kept, expired], NOW)


def test_a_secret_fits_into_an_address_and_is_not_kept() -> None:
    secret, kept = make(NOW, DAY)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    assert len(secret) == LENGTH
    assert secret not in kept.model_dump_json()
    assert make(NOW, DAY)[0] != secret


def test_what_cannot_be_a_secret_is_none() -> None:
    secret, kept = make(NOW, DAY)
    wrong = ("", secret[:-1], secret + "A", secret.swapcase(), "é" * LENGTH, "\ud800" * LENGTH, "A" * 1_000_000)
    assert not any(holds(each, [kept], NOW) for each in wrong)
    assert not holds(kept.sha256, [kept], NOW)
