"""From one number type to another: the same value, or a refusal that names it."""

from typing import Any

import numpy as np
import pytest

from shared.errors import SchemaMismatch
from shared.models.flavors.casts import cast, check_range, fits


@pytest.mark.parametrize(
    ("given", "values", "wanted"),
    [
        ("int64", [1, -2], "int64"),
        ("int64", [127, -128], "int8"),
        ("uint8", [255, 0], "int16"),
        ("bool", [True, False], "int64"),
        ("float64", [1.5, -2.25], "float32"),
        ("float64", [np.inf, np.nan], "float32"),
        ("int64", [65504, -1], "float16"),
    ],
)
def test_values_that_the_type_holds_stay_what_they_are(given: str, values: list[Any], wanted: str) -> None:
    array = cast(np.array(values, given), np.dtype(wanted), "column 'x'")
    assert array.dtype == np.dtype(wanted)
    np.testing.assert_array_equal(array, np.array(values, given).astype(np.float64))


@pytest.mark.parametrize(
    ("given", "values", "wanted", "where"),
    [
        ("int64", [1, 128, 300], "int8", "column 'x', row 1: 128"),
        ("int64", [-1], "uint64", "column 'x', row 0: -1"),
        ("float64", [1.0, 2.0, 1e39], "float32", "column 'x', row 2: 1e+39"),
        ("float64", [[1.0, 1.0], [1.0, -1e39]], "float32", "column 'x', row 1: -1e+39"),
        ("float32", [1e5], "float16", "column 'x', row 0: 100000.0"),
    ],
)
def test_a_value_out_of_range_is_refused_by_its_row(given: str, values: list[Any], wanted: str, where: str) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        cast(np.array(values, given), np.dtype(wanted), "column 'x'")
    assert caught.value.message == f"{where} is out of the range of the model's {wanted}"


def test_a_single_value_out_of_range_has_no_row() -> None:
    with pytest.raises(SchemaMismatch, match="the param 'k': 300 is out of the range"):
        cast(np.array(300), np.dtype("uint8"), "the param 'k'")


def test_a_range_that_holds_every_value_is_passed() -> None:
    check_range(np.array([1e38, np.inf]), np.dtype("float32"), "column 'x'")
    check_range(np.array([0, 255]), np.dtype("uint8"), "column 'x'")


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("int64", "int8", True),
        ("int64", "float32", True),
        ("float64", "float32", True),
        ("float64", "int64", False),
        ("bool", "int8", True),
        ("int8", "bool", False),
        ("O", "O", True),
        ("O", "float64", False),
        ("float64", "O", False),
        ("datetime64[ns]", "int64", False),
    ],
)
def test_which_types_hold_the_values_of_which(source: str, target: str, expected: bool) -> None:
    assert fits(np.dtype(source), np.dtype(target)) is expected
