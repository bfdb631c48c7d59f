"""What models return, of any type, as it reads in each format."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.batch.writing.outputs import output_column
from shared.batch.writing.parts import write_part
from shared.errors import ScoringFailed
from tests.unit.batch.writing.written import Array, cells, objects, table

NAN = pytest.approx(np.nan, nan_ok=True)
TENTH = float(np.float32(0.1))
INSTANTS = np.array(["2020-01-02T03:04:05", "NaT"], "M8[s]")
TEXTS = ['say "a"\r\n', "ü, ", ""]
CUBE = np.arange(8).reshape(2, 2, 2)
DEEP = objects([[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]], 2)

CASES: list[tuple[Array, list[Any], list[Any], list[str]]] = [
    # the output, and what is in Parquet, in JSON Lines and in CSV
    (np.array([True, False]), [True, False], [True, False], ["true", "false"]),
    (np.array([2**64 - 1, 0], np.uint64), [2**64 - 1, 0], [2**64 - 1, 0], [str(2**64 - 1), "0"]),
    (np.array([-128, 5], np.int8), [-128, 5], [-128, 5], ["-128", "5"]),
    (np.array([0.1, 1e300]), [0.1, 1e300], [0.1, 1e300], ["0.1", "1e+300"]),
    (np.array([0.1, 2], np.float32), [TENTH, 2.0], [TENTH, 2.0], [repr(TENTH), "2"]),
    (np.array([1.5, np.nan], np.float16), [1.5, NAN], [1.5, None], ["1.5", ""]),
    (np.array([np.inf, -np.inf]), [np.inf, -np.inf], [None, None], ["inf", "-inf"]),
    (np.array([0.5, 1], np.longdouble), [0.5, 1.0], [0.5, 1.0], ["0.5", "1"]),
    (np.array([0.5, 1], ">f8"), [0.5, 1.0], [0.5, 1.0], ["0.5", "1"]),
    (np.array(["a", "b"]), ["a", "b"], ["a", "b"], ["a", "b"]),
    (np.array([b"a", b"\xff"]), [b"a", b"\xff"], ["YQ==", "/w=="], ["YQ==", "/w=="]),
    (objects(*TEXTS), TEXTS, TEXTS, TEXTS),
    (objects("a", None, np.nan), ["a", None, None], ["a", None, None], ["a", "", ""]),
    (objects(b"a", None), [b"a", None], ["YQ==", None], ["YQ==", ""]),
    (objects(1, 2.5, None), [1.0, 2.5, None], [1.0, 2.5, None], ["1", "2.5", ""]),
    (objects(1, None), [1, None], [1, None], ["1", ""]),
    (objects(None, None), [None, None], [None, None], ["", ""]),
    (objects(True, None), [True, None], [True, None], ["true", ""]),
    (objects([1, 2], [], None), [[1, 2], [], None], [[1, 2], [], None], ["[1,2]", "[]", ""]),
    (objects([0.5, np.nan], (1,)), [[0.5, None], [1.0]], [[0.5, None], [1.0]], ["[0.5,null]", "[1.0]"]),
    (objects([["a"], None]), [[["a"], None]], [[["a"], None]], ['[["a"],null]']),
    (objects(np.arange(2), np.arange(1)), [[0, 1], [0]], [[0, 1], [0]], ["[0,1]", "[0]"]),
    # What has no type in common is JSON.
    (objects({"a": 1}, None), ['{"a":1}', None], [{"a": 1}, None], ['{"a":1}', ""]),
    (objects([{"b": [b"a"]}]), ['[{"b":["YQ=="]}]'], [[{"b": ["YQ=="]}]], ['[{"b":["YQ=="]}]']),
    (objects("a", 1, np.nan), ['"a"', "1", None], ["a", 1, None], ["a", "1", ""]),
    (objects(True, 1), ["true", "1"], [True, 1], ["true", "1"]),
    (objects([1], "a"), ["[1]", '"a"'], [[1], "a"], ["[1]", "a"]),
    (objects("a", b"a"), ['"a"', '"YQ=="'], ["a", "YQ=="], ["a", "YQ=="]),
    (objects([b"a"]), ['["YQ=="]'], [["YQ=="]], ['["YQ=="]']),
    (objects(Decimal("0.10"), None), ['"0.10"', None], ["0.10", None], ["0.10", ""]),
    (objects(2**60 + 1, 0.5), [str(2**60 + 1), "0.5"], [2**60 + 1, 0.5], [str(2**60 + 1), "0.5"]),
    (objects(2**63, -1), [str(2**63), "-1"], [2**63, -1], [str(2**63), "-1"]),
    (objects(np.arange(4).reshape(2, 2)), ["[[0,1],[2,3]]"], [[[0, 1], [2, 3]]], ["[[0,1],[2,3]]"]),
    (objects(np.array([["a"], [None]], object)), ['[["a"],[null]]'], [[["a"], [None]]], ['[["a"],[null]]']),
    (DEEP, ["[" * 17 + "1" + "]" * 17, "2"], DEEP.tolist(), ["[" * 17 + "1" + "]" * 17, "2"]),
    # Several values a row keep their shape.
    (np.array([[0.5, 0.5], [0.25, 1]]), [[0.5, 0.5], [0.25, 1]], [[0.5, 0.5], [0.25, 1]], ["[0.5,0.5]", "[0.25,1.0]"]),
    (np.array([[0.1]], np.float32), [[TENTH]], [[TENTH]], [f"[{TENTH!r}]"]),
    (CUBE, CUBE.tolist(), CUBE.tolist(), ["[[0,1],[2,3]]", "[[4,5],[6,7]]"]),
    (np.empty((2, 0)), [[], []], [[], []], ["[]", "[]"]),
    (np.empty((2, 2, 0)), [[[], []]] * 2, [[[], []]] * 2, ["[[],[]]"] * 2),
    (np.array([[True, False]]), [[True, False]], [[True, False]], ["[true,false]"]),
    (np.array([["a", None]], object), [["a", None]], [["a", None]], ['["a",null]']),
    (np.array([["a", 1]], object), ['["a",1]'], [["a", 1]], ['["a",1]']),
]  # fmt: skip


@pytest.mark.parametrize(("output", "in_parquet", "in_json", "in_csv"), CASES, ids=lambda case: repr(case)[:60])
def test_outputs_of_every_kind_are_readable_in_every_format(
    output: Array, in_parquet: list[Any], in_json: list[Any], in_csv: list[str]
) -> None:
    written = table({"out": output})
    assert cells(written, "out", "parquet") == in_parquet
    assert cells(written, "out", "jsonl") == in_json
    assert cells(written, "out", "csv") == in_csv


@pytest.mark.parametrize(
    ("output", "texts"),
    [
        (INSTANTS, ["2020-01-02T03:04:05", None]),
        (INSTANTS.astype("M8[ns]"), ["2020-01-02T03:04:05.000000000", None]),
        (INSTANTS.astype("M8[D]"), ["2020-01-02", None]),
        (INSTANTS.astype("M8[m]"), ["2020-01-02T03:04:00", None]),
        (INSTANTS.astype("M8[7D]"), ["2020-01-02T00:00:00", None]),
        (INSTANTS.astype(">M8[ms]"), ["2020-01-02T03:04:05.000", None]),
        (INSTANTS.astype("M8[ms]").reshape(1, 2), [["2020-01-02T03:04:05.000", None]]),
    ],
)
def test_times_are_iso_8601(output: Array, texts: list[Any]) -> None:
    written = table({"out": output})
    assert cells(written, "out", "jsonl") == texts
    in_csv = cells(written, "out", "csv")
    assert in_csv == ['["2020-01-02T03:04:05.000",null]'] if output.ndim > 1 else [text or "" for text in texts]


def test_times_keep_their_type_in_parquet() -> None:
    assert output_column("out", INSTANTS.astype("M8[us]")).type == pa.timestamp("us")
    assert output_column("out", INSTANTS.astype("M8[h]")).type == pa.timestamp("s")


@pytest.mark.parametrize(("output", "expected"), [("m8[ns]", 5), ("m8[h]", 18000)])
def test_spans_of_time_are_whole_numbers(output: str, expected: int) -> None:
    written = table({"out": np.array([5, "NaT"], output)})
    assert cells(written, "out", "jsonl") == [expected, None]
    assert cells(written, "out", "csv") == [str(expected), ""]


def test_an_empty_text_is_no_missing_value() -> None:
    written = write_part(table({"out": objects("", None)}), "csv")
    assert [line.split(b",")[1] for line in written.splitlines()] == [b'"out"', b'""', b""]


def test_numbers_come_back_to_the_last_bit() -> None:
    numbers = np.frombuffer(np.random.default_rng(7).bytes(8 * 4096), np.float64)
    numbers = numbers[np.isfinite(numbers)]
    written = table({"out": numbers})
    assert cells(written, "out", "jsonl") == numbers.tolist()
    assert [float(cell) for cell in cells(written, "out", "csv")] == numbers.tolist()


@pytest.mark.parametrize(
    "output",
    [
        np.array([1j]),
        np.array([1], "M8[fs]"),
        objects("\ud800"),
        objects({"\ud800": 1}),
        objects(2**64),
        objects(object()),
        objects({1: 2}),
    ],
)
def test_an_output_that_cannot_be_written_fails_with_a_reason(output: Array) -> None:
    with pytest.raises(ScoringFailed, match="cannot be written"):
        table({"out": output})


def test_lists_too_deep_for_json_fail_and_do_no_harm() -> None:
    nested: list[Any] = []
    for _ in range(9000):
        nested = [nested]
    with pytest.raises(ScoringFailed, match="cannot be written as JSON"):
        table({"out": objects(nested)})
    while nested:  # Python's own way of freeing it is deep as well
        nested = nested.pop()
