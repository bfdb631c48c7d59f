"""What is long in the making is made once, also for those who ask at the same time."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.batch.reading.kept import Kept


def test_each_is_made_once_for_all_who_ask_at_the_same_time() -> None:
    kept = Kept[str](100, len)
    asked = threading.Barrier(4)
    made: list[int] = []

    def make() -> str:
        made.append(1)
        asked.wait(10)
        return "made"

    def ask(number: int) -> str:
        if number:
            asked.wait(10)
        return kept.get("key", make)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == ["made"] * 4
    assert len(made) == 1


def test_who_waited_for_what_failed_tries_for_himself() -> None:
    kept = Kept[str](100, len)
    started, go_on = threading.Event(), threading.Event()

    def fail() -> str:
        started.set()
        go_on.wait(10)
        raise ValueError("not this one")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get, "key", fail)
        started.wait(10)
        second = pool.submit(kept.get, "key", lambda: "made")
        go_on.set()
        with pytest.raises(ValueError, match="not this one"):
            first.result(10)
        assert second.result(10) == "made"


def test_the_least_recently_used_make_room_and_the_newest_stays() -> None:
    kept = Kept[str](10, len)
    made: list[str] = []

    def get(key: str, size: int) -> str:
        def make() -> str:
            made.append(key)
            return key * size

        return kept.get(key, make)

    for key, size in [("a", 5), ("b", 5), ("a", 5), ("c", 5), ("a", 5), ("b", 5), ("d", 50), ("d", 50), ("b", 5)]:
        assert get(key, size) == key * size
    assert made == ["a", "b", "c", "b", "d", "b"]
