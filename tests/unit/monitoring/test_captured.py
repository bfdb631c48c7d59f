"""What of a request is kept: arrays of every kind, and how much of them at most."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from shared.monitoring.captured import Answer, Record, keep
from shared.monitoring.settings import Source

NOW = datetime(2026, 3, 2, 7, 30, tzinfo=UTC)


def kept(inputs: dict[str, Any], outputs: dict[str, Any], source: Source = "online") -> Record:
    return Record.model_validate_json(keep(Answer("flowers", "blue", "a", "iris/1", inputs, outputs, source), NOW).line)


def column(*values: Any) -> np.ndarray[Any, Any]:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([True, False]), [True, False]),
        (np.array([-128, 127], np.int8), [-128, 127]),
        (np.array([-(2**63), 2**53 + 1], np.int64), [-(2**63), 2**53 + 1]),
        (np.array([2**64 - 1], np.uint64), [2**64 - 1]),
        (np.array([0.5, np.nan, np.inf], np.float16), [0.5, None, None]),
        (np.array([0.5, -np.inf], np.float32), [0.5, None]),
        (np.array([0.1, 1e308]), [0.1, 1e308]),
        (np.array([0.5, 0], np.longdouble), [0.5, 0.0]),
        (np.array(["a", "é" * 200]), ["a", "é" * 100]),
        (column("a", None, "é" * 200, "", "\x00\n"), ["a", None, "é" * 100, "", "\x00\n"]),
        (column("half a pair \ud83d"), ["half a pair ?"]),
        (column(True, 1, 1.5, "1", None, np.nan), [True, 1, 1.5, "1", None, None]),
        (column(np.float64(0.5), np.int64(3), np.True_, np.str_("a")), [0.5, 3, True, "a"]),
        (column(10**30, 2**64 - 1), [1e30, 2**64 - 1]),
        (np.arange(6)[::-2], [5, 3, 1]),
        (np.arange(12).reshape(4, 3)[:, 1], [1, 4, 7, 10]),
        (np.empty(0), []),
    ],
)
def test_columns_of_numbers_texts_and_truth_values_are_kept(array: np.ndarray[Any, Any], expected: list[Any]) -> None:
    found = kept({"x": array}, {"y": array}).inputs["x"]
    assert (found, [type(each) for each in found]) == (expected, [type(each) for each in expected])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3)),
        np.array(["2026-01-01"], "M8[s]"),
        np.array([1], "m8[s]"),
        np.array([b"a"]),
        np.array([1j]),
        np.array(0.5),
        column([1, 2]),
        column({"a": 1}),
        column("a", b"a"),
        column(np.datetime64("2026-01-01")),
        column(10**400),
    ],
)
def test_everything_else_is_not(array: np.ndarray[Any, Any]) -> None:
    record = kept({"x": array, "z": np.ones(2)}, {"y": array})
    assert (list(record.inputs), record.outputs) == (["z"], {})


def test_rows_are_chosen_evenly_and_alike_in_all_columns() -> None:
    strided = np.arange(500)[::2]
    record = kept({"x": strided, "tensor": np.zeros((250, 2))}, {"y": strided.astype(object), "p": np.zeros((250, 3))})
    assert record.step == 3
    assert record.inputs["x"] == record.outputs["y"] == list(range(0, 500, 6))


def test_rows_are_counted_by_inputs_where_all_outputs_are_tensors() -> None:
    record = kept({"x": np.arange(250)}, {"p": np.zeros((250, 3))})
    assert (record.step, len(record.inputs["x"]), record.outputs) == (3, 84, {})


@pytest.mark.parametrize(("rows", "columns"), [(100_000, 2), (100_000, 40), (100, 200), (1, 10_000), (100, 10_000)])
def test_a_request_of_any_size_is_kept_in_so_many_values(rows: int, columns: int) -> None:
    numbers = np.zeros(rows)
    record = kept({f"x{at}": numbers for at in range(columns)}, {"y": numbers})
    assert sum(map(len, (*record.inputs.values(), *record.outputs.values()))) <= 5000
    assert len(record.inputs) == min(200, columns)
    assert record.outputs["y"]


def test_of_a_mini_batch_more_rows_are_kept() -> None:
    record = kept({"x": np.arange(5000)}, {"y": np.arange(5000)}, "batch")
    assert (record.step, record.inputs["x"]) == (10, [*range(0, 5000, 10)])
    assert len(kept({f"x{at}": np.zeros(5000) for at in range(200)}, {}, "batch").inputs["x0"]) == 250


def test_long_texts_are_cut() -> None:
    line = keep(Answer("flowers", "blue", "a", "iris/1", {"x": column(*["a" * 1_000_000] * 100)}, {}), NOW).line
    assert len(line) < 11_000


def test_a_request_without_rows_or_columns_is_a_line_too() -> None:
    assert (kept({}, {}).step, kept({"x": np.empty(0)}, {"y": np.empty(0)}).inputs) == (1, {"x": []})
