"""Arrays on the wire: every type that models take and return."""

import datetime
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from shared.models.sandbox.arrays import pack, unpack
from shared.models.sandbox.tagging import tagged, untagged

type Array = np.ndarray[Any, Any]


def objects(*values: Any) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def there(arrays: dict[str, Array]) -> dict[str, Array]:
    """As the other side unpacks them."""
    specs, parts = pack(arrays)
    return unpack(json.loads(json.dumps(specs)), [memoryview(bytearray(part)) for part in parts])


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.5, np.nan, -np.inf]),
        np.array([1, 2**62], np.int64),
        np.array([True, False]),
        np.array([[1, 2], [3, 4]], np.uint8),
        np.arange(12, dtype=np.float32).reshape(3, 4).T,
        np.arange(10.0)[::2],
        np.array([1, 2], ">i4"),
        np.array([1.5], np.float16),
        np.array([1 + 2j]),
        np.array(["2024-02-29", "NaT"], "datetime64[ns]"),
        np.array([1], "timedelta64[s]"),
        np.empty((0, 3)),
        np.empty((3, 0), np.int32),
        np.array(7.0),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_numbers_arrive_as_they_are(array: Array) -> None:
    arrived = there({"x": array})["x"]
    assert (arrived.dtype, arrived.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(arrived, array)
    assert arrived.flags.writeable


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["a", "", "ü\ud800"],
        ["a", None, 1, 1.5, True],
        [b"\x00\xff", [1, [b"x"]], {"a": {"b": [None]}}],
        [["l", 1], ["b", "x"], {"d": 1}, []],
    ],
)
def test_objects_arrive_as_they_are(values: list[Any]) -> None:
    assert there({"x": objects(*values)})["x"].tolist() == values


def test_the_shape_of_objects_is_kept() -> None:
    assert there({"x": objects("a", "b", "c", "d").reshape(2, 2)})["x"].tolist() == [["a", "b"], ["c", "d"]]


def test_texts_of_numpy_become_objects() -> None:
    arrived = there({"x": np.array(["a", "bcd"])})["x"]
    assert (arrived.dtype, arrived.tolist()) == (np.dtype(object), ["a", "bcd"])


def test_names_and_order_are_kept() -> None:
    assert list(there({"b": np.zeros(1), "": np.zeros(1), "ä": objects("x")})) == ["b", "", "ä"]


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        (np.float32(1.5), 1.5),
        (np.str_("a"), "a"),
        (np.array([1, 2]), [1, 2]),
        ((1, "a"), [1, "a"]),
        (bytearray(b"x"), b"x"),
        (Decimal("1.5"), 1.5),
        (datetime.date(2024, 2, 29), "2024-02-29"),
        (pd.Timestamp("2024-02-29T01:02:03"), "2024-02-29T01:02:03"),
        (pd.NA, None),
        (pd.NaT, None),
        ({1: "a"}, {"1": "a"}),
    ],
)
def test_what_json_has_no_word_for_becomes_the_nearest(value: Any, arrives: Any) -> None:
    assert untagged(json.loads(json.dumps(tagged(value)))) == arrives


def test_arrays_that_are_alike_are_one_part() -> None:
    columns = {f"c{number}": np.array([float(number), 0.0]) for number in range(30)}
    arrays = {**columns, "text": objects("a", "b"), "last": np.array([1.0, 2.0]), "grid": np.zeros((2, 2))}
    assert len(pack(arrays)[0]) == 3
    arrived = there(arrays)
    assert list(arrived) == list(arrays)
    assert [array.tolist() for array in arrived.values()] == [array.tolist() for array in arrays.values()]


def test_the_type_of_what_cannot_be_sent_is_told() -> None:
    with pytest.raises(TypeError, match="a value of type object cannot be sent"):
        pack({"x": objects("a", object())})
    with pytest.raises(TypeError, match="cannot be sent"):
        pack({"x": np.zeros(1, [("a", "i4")])})


@pytest.mark.parametrize(
    ("specs", "part"),
    [
        ([], b"x"),
        ([[[0], ["x"], "<f8", [2]]], b"12345678"),
        ([[[0], ["x"], "<f8", [1]]], b"1234567"),
        ([[[0, 1], ["x", "y"], "<f8", [1]]], b"12345678"),
        ([[[0], ["x"], "|O", [1]]], b"12345678"),
        ([[[0], ["x"], "nonsense", [1]]], b"12345678"),
        ([[[0], ["x"], "S8", [1]]], b"12345678"),
        ([[[0], ["x"], "O", [2]]], b'["a"]'),
        ([[[0], ["x"], "O", [1]]], b'{"a'),
        ([[[0], ["x"], "o", [1]]], b'[["z", 1]]'),
        ([[[0], ["x"], "<f8"]], b"12345678"),
    ],
)
def test_what_does_not_fit_is_told(specs: Any, part: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpack(specs, [memoryview(part)])
