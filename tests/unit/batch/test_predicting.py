"""What a model cannot answer costs those rows and no others, and as few calls as it takes to find them."""

import math
import threading
from collections.abc import Callable, Collection
from typing import Final

import numpy as np
import pytest

from shared.batch.predicting import Isolation
from shared.batch.rows import Rejected, Rows
from shared.batch.writing.parts import write_rejected
from shared.endpoints.batch_settings import RetrySettings
from shared.errors import (
    ModelNotFound,
    ModelNotReady,
    SchemaMismatch,
    ScoringFailed,
    ScoringTimeout,
    SlipwayError,
    StorageUnavailable,
)
from shared.models.flavor import Abort

TWICE: Final = RetrySettings(max_retries=2, timeout=60)
PATIENCE_S: Final = 1200.0


class Model:
    """Answers with the numbers of the rows; `fault` says what it does to a call instead, by its rows."""

    def __init__(self, fault: Callable[[list[int]], SlipwayError | None]) -> None:
        self._fault = fault
        self.calls: list[list[int]] = []
        self.now = 0.0
        self.pauses: list[float] = []
        self.call_s = 0.0

    def ask(self, rows: Rows, abort: Abort) -> list[int]:
        numbers = [int(number) for number in rows.numbers]
        self.calls.append(numbers)
        self.now += self.call_s
        error = self._fault(numbers)
        if error is not None:
            raise error
        return numbers

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def isolation(self, retry: RetrySettings = TWICE) -> Isolation[list[int]]:
        return Isolation(self.ask, retry, lambda: self.now, self.sleep)


def poisoned(numbers: Collection[int], error: SlipwayError | None = None) -> Callable[[list[int]], SlipwayError | None]:
    """Fails whenever one of these rows is in the call."""
    raised = error or ScoringFailed("a row is poison")
    return lambda asked: raised if set(asked) & set(numbers) else None


def failing(*errors: SlipwayError | None) -> Callable[[list[int]], SlipwayError | None]:
    """What becomes of one call after the other; of all later ones nothing bad."""
    left = iter(errors)
    return lambda _: next(left, None)


def rows(count: int, first: int = 0) -> Rows:
    return Rows({}, np.arange(first, first + count), ("inbox/flowers/a.csv",), {}, [])


def rejected(found: Isolation[list[int]]) -> list[int]:
    return sorted(each.row for each in found.rejected)


def answered(found: Isolation[list[int]]) -> list[int]:
    return [number for answer in found.answers for number in answer]


def test_good_rows_cost_one_call() -> None:
    model = Model(failing())
    found = model.isolation()
    found.predict(rows(1000))
    assert (found.answers, found.rejected, len(model.calls)) == ([list(range(1000))], [], 1)


def test_no_rows_cost_no_call() -> None:
    model = Model(failing())
    found = model.isolation()
    found.predict(rows(0))
    assert (found.answers, found.rejected, model.calls) == ([], [], [])


@pytest.mark.parametrize("error", [ScoringFailed("no"), SchemaMismatch("no"), ScoringTimeout("no")])
@pytest.mark.parametrize("bad", [0, 1, 499, 500, 998, 999])
def test_one_poison_row_of_a_thousand_costs_that_row_and_few_calls(bad: int, error: SlipwayError) -> None:
    model = Model(poisoned([bad], error))
    found = model.isolation(RetrySettings(max_retries=0))
    found.predict(rows(1000))
    assert found.rejected == [Rejected("inbox/flowers/a.csv", bad, "no")]
    assert answered(found) == [number for number in range(1000) if number != bad]
    assert len(model.calls) <= 2 * math.ceil(math.log2(1000)) + 1


@pytest.mark.parametrize("bad", [(3, 4), (0, 999), (10, 500, 501, 777), tuple(range(0, 1000, 100)), (7, 8, 9, 10, 11)])
def test_several_poison_rows_cost_themselves(bad: tuple[int, ...]) -> None:
    model = Model(poisoned(bad))
    found = model.isolation()
    found.predict(rows(1000))
    assert rejected(found) == list(bad)
    assert answered(found) == [number for number in range(1000) if number not in bad]
    assert len(model.calls) <= 2 * len(bad) * math.ceil(math.log2(1000)) + 1


def test_a_few_poison_rows_only_are_all_found() -> None:
    model = Model(poisoned(range(4)))
    found = model.isolation()
    found.predict(rows(4))
    assert (rejected(found), found.answers, len(model.calls)) == ([0, 1, 2, 3], [], 7)


def test_the_rows_of_a_model_that_always_fails_are_given_up_soon() -> None:
    model = Model(poisoned(range(100_000)))
    found = model.isolation()
    found.predict(rows(100_000))
    assert rejected(found) == list(range(100_000))
    assert 64 <= len(model.calls) <= 64 + math.ceil(math.log2(100_000)) + 1


def test_a_model_that_answers_now_and_then_is_not_given_up() -> None:
    bad = range(0, 1000, 2)
    model = Model(poisoned(bad))
    found = model.isolation()
    found.predict(rows(1000))
    assert rejected(found) == list(bad)


def test_reasons_are_cut() -> None:
    found = Model(poisoned([0], ScoringFailed("x" * 9999))).isolation()
    found.predict(rows(1))
    assert found.rejected[0].reason == "x" * 500


def test_reasons_are_texts_that_can_be_stored() -> None:
    found = Model(poisoned([0], ScoringFailed("bad bytes \udcff"))).isolation()
    found.predict(rows(1))
    assert b'"reason":"bad bytes ?"' in write_rejected(found.rejected)


def test_the_file_of_each_row_is_named() -> None:
    found = Model(poisoned([1])).isolation()
    found.predict(Rows({}, np.arange(3), ("a", "b", "c"), {}, []))
    assert found.rejected == [Rejected("b", 1, "a row is poison")]


def test_a_time_out_is_tried_again_as_often_as_the_settings_say() -> None:
    model = Model(failing(*[ScoringTimeout("too slow")] * 2))
    found = model.isolation()
    found.predict(rows(8))
    assert (found.answers, found.rejected) == ([list(range(8))], [])
    assert model.calls == [list(range(8))] * 3
    assert model.pauses == [0.5, 1.0]


def test_what_times_out_again_and_again_is_isolated_without_waiting_for_it_again() -> None:
    model = Model(poisoned([5], ScoringTimeout("too slow")))
    found = model.isolation()
    found.predict(rows(8))
    assert found.rejected == [Rejected("inbox/flowers/a.csv", 5, "too slow")]
    assert answered(found) == [0, 1, 2, 3, 4, 6, 7]
    assert model.calls[:3] == [list(range(8))] * 3
    assert len(model.calls) == 3 + 2 * 3


def test_what_fails_for_good_is_not_tried_again() -> None:
    model = Model(failing(ScoringFailed("no")))
    found = model.isolation()
    found.predict(rows(2))
    assert model.calls == [[0, 1], [0], [1]]
    assert (model.pauses, found.rejected) == ([], [])


def test_a_model_that_starts_again_is_waited_for_also_among_halves() -> None:
    starting = ModelNotReady("its process starts again")
    model = Model(failing(ScoringFailed("no"), starting, starting))
    found = model.isolation()
    found.predict(rows(2))
    assert (answered(found), found.rejected) == ([0, 1], [])
    assert model.calls == [[0, 1], [0], [0], [0], [1]]


@pytest.mark.parametrize("error", [ModelNotReady("no"), ModelNotFound("no"), StorageUnavailable("no")])
def test_what_no_row_is_to_blame_for_is_raised(error: SlipwayError) -> None:
    model = Model(lambda _: error)
    found = model.isolation()
    with pytest.raises(type(error)):
        found.predict(rows(4))
    assert len(model.calls) == (3 if isinstance(error, ModelNotReady) else 1)
    assert found.rejected == []


def test_nobody_waits_longer_for_a_mini_batch_than_the_host_allows() -> None:
    model = Model(poisoned(range(1000), ScoringTimeout("too slow")))
    model.call_s = 500.0
    found = model.isolation(RetrySettings(max_retries=10, timeout=500))
    found.predict(rows(1000))
    assert rejected(found) == list(range(1000))
    assert {each.reason for each in found.rejected} == {"too slow"}
    assert model.now <= PATIENCE_S + 2 * model.call_s


def test_of_poison_rows_that_are_slow_to_fail_the_rest_is_rejected_in_time() -> None:
    model = Model(poisoned(range(500, 1000)))
    model.call_s = 100.0
    found = model.isolation()
    found.predict(rows(1000))
    assert answered(found) == list(range(500))
    assert rejected(found) == list(range(500, 1000))
    # Once time is over every half fails at once, or is answered: it is not cut any further.
    assert model.now <= PATIENCE_S + math.ceil(math.log2(1000)) * model.call_s


def test_a_call_is_aborted_when_its_time_is_over() -> None:
    def ask(_: Rows, abort: Abort) -> int:
        fired = threading.Event()
        abort.on_fire(fired.set)
        assert fired.wait(30)
        raise ScoringTimeout("stopped")

    found = Isolation(ask, RetrySettings(max_retries=0, timeout=0.01))
    found.predict(rows(1))
    assert [each.reason for each in found.rejected] == ["stopped"]


@pytest.mark.parametrize("error", [None, ScoringFailed("no")])
def test_a_call_that_ends_in_time_is_not_aborted_afterwards(error: SlipwayError | None) -> None:
    timers: list[threading.Timer] = []

    def ask(_: Rows, __: Abort) -> int:
        timers.extend(each for each in threading.enumerate() if isinstance(each, threading.Timer))
        if error is not None:
            raise error
        return 1

    Isolation(ask, TWICE).predict(rows(1))
    assert [timer.finished.is_set() for timer in timers] == [True]
