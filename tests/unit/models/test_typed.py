"""Arrays with a type of their own are cast where nothing is lost, and refused by name otherwise."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SchemaMismatch
from shared.models.coercion import ColumnType
from shared.models.features import Converter
from shared.models.matrix import MatrixFeatures
from shared.models.signature import Array, Column, Signature
from tests.unit.models.graphs import columns, tensors


def one(kind: ColumnType, required: bool = True) -> Signature:
    return Signature(columns=(Column(name="c", type=kind, required=required),))


def refusal(signature: Signature, **arrays: Array) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        Converter(signature).arrays(arrays)
    return caught.value.message


CASTS: list[tuple[str, Any, str]] = [
    ("int8", [-128, 127], "int64"),
    ("uint8", [0, 255], "int16"),
    ("int64", [-(2**31), 2**31 - 1], "int32"),
    ("uint64", [0, 2**63 - 1], "int64"),
    ("int64", [2**53, -(2**53)], "float64"),
    ("int32", [2**31 - 1, 7], "float64"),
    ("int64", [2**20], "float32"),
    ("float16", [0.5, 65504.0], "float32"),
    ("float32", [0.5, 2.0**100], "float64"),
    ("float64", [0.5, 1e30], "float32"),
    ("float64", [1.0, -0.0, 2.0**53], "int64"),
    ("bool", [True, False], "bool"),
]


@pytest.mark.parametrize(("given", "values", "wanted"), CASTS)
def test_a_tensor_is_cast_where_nothing_is_lost(given: str, values: Any, wanted: str) -> None:
    array = Converter(tensors(t=(wanted, (-1,)))).arrays({"t": np.array(values, given)})["t"]
    assert array.dtype == wanted
    np.testing.assert_array_equal(array, np.array(values).astype(wanted))


@pytest.mark.parametrize(
    ("given", "values", "wanted"),
    [
        ("int64", [1, 2**31], "int32"),
        ("int64", [1, -1], "uint64"),
        ("uint64", [1, 2**63], "int64"),
        ("int64", [1, 2**53 + 1], "float64"),
        ("uint64", [1, 2**64 - 1], "float32"),
        ("int32", [1, 70_000], "float16"),
        ("float64", [1, 1e39], "float32"),
        ("float32", [1, 70_000], "float16"),
        ("float64", [1, 1.5], "int64"),
        ("float64", [1, 2.0**54], "int64"),
        ("float16", [1, math.inf], "int64"),
        ("float64", [1, math.nan], "int8"),
    ],
)
def test_a_value_that_would_be_lost_is_named_by_its_place(given: str, values: Any, wanted: str) -> None:
    message = refusal(tensors(t=(wanted, (-1, 1))), t=np.array(values, given).reshape(-1, 1))
    assert message == f"tensor 't', at [1, 0]: {np.array(values, given)[1]} does not fit the type {wanted}"


@pytest.mark.parametrize(
    ("given", "wanted"), [("bool", "float32"), ("int8", "bool"), ("O", "int64"), ("M8[s]", "int8")]
)
def test_types_that_have_nothing_in_common_are_refused(given: str, wanted: str) -> None:
    message = refusal(tensors(t=(wanted, (-1,))), t=np.zeros(1, given))
    assert message == f"tensor 't' is of type {np.dtype(given)}, but the model takes {wanted}"


def test_a_tensor_takes_what_binary_numbers_can_say() -> None:
    """A signature of tensors has no missing values, so NaN and infinity are values like others."""
    given = np.array([math.nan, math.inf, -math.inf])
    array = Converter(tensors(t=("float32", (-1,)))).arrays({"t": given})["t"]
    np.testing.assert_array_equal(array, given.astype(np.float32))


def test_tensors_are_held_to_names_shapes_and_rows() -> None:
    signature = tensors(a=("float32", (-1, 2)), b=("int64", (-1,)))
    a, b = np.zeros((2, 2)), np.zeros(2, np.int8)
    assert Converter(signature).arrays({"b": b, "a": a, "extra": b})["a"].dtype == np.float32
    assert refusal(signature, a=a) == "missing tensors: b"
    assert refusal(signature, a=b, b=b) == "tensor 'a' has the shape [2], but the model takes [-1, 2]"
    assert refusal(signature, a=a, b=b[:1]) == "the tensors differ in their number of rows"


def test_the_only_tensor_may_have_any_name_where_the_signature_gives_none() -> None:
    signature = tensors(**{"": ("float32", (-1, 2))})
    assert Converter(signature).arrays({"input": np.zeros((1, 2))})[""].shape == (1, 2)


def test_texts_come_as_texts_or_as_their_bytes() -> None:
    given = np.array(["a", "ü".encode()], dtype=object)
    assert Converter(tensors(t=("str", (-1,)))).arrays({"t": given})["t"].tolist() == ["a", "ü"]
    assert Converter(one("string")).arrays({"c": given})["c"].tolist() == ["a", "ü"]
    broken = np.array(["a", b"\xff"], dtype=object)
    assert refusal(tensors(t=("str", (-1,))), t=broken) == "tensor 't', at [1]: the bytes are not text in UTF-8"
    assert refusal(one("string"), c=broken) == "column 'c', row 1: the bytes are not text in UTF-8"
    assert Converter(one("binary")).arrays({"c": np.array([b"\xff", "eA=="], object)})["c"].tolist() == [b"\xff", b"x"]


def test_columns_come_one_by_one_or_as_one_matrix() -> None:
    converter = Converter(columns("a", "b"))
    apart = converter.arrays({"b": np.array([[3], [4]], np.float32), "a": np.array([1, 2]), "extra": np.zeros(9)})
    matrix = converter.arrays({"input": np.array([[1, 3], [2, 4]], np.float32)})
    for features in (apart, matrix):
        assert {name: array.tolist() for name, array in features.items()} == {"a": [1.0, 2.0], "b": [3.0, 4.0]}
    assert isinstance(matrix, MatrixFeatures)


def test_one_matrix_serves_columns_of_several_types() -> None:
    signature = Signature(columns=(Column(name="a", type="double"), Column(name="n", type="long")))
    features = Converter(signature).arrays({"input": np.array([[0.5, 2.0]])})
    assert [features["a"].tolist(), features["n"].tolist()] == [[0.5], [2]]
    assert refusal(signature, input=np.array([[0.5, 2.0], [0.5, 2.5]])) == (
        "column 'n', row 1: 2.5 is not a whole number of type long"
    )


def test_columns_are_held_to_names_shapes_and_rows() -> None:
    signature = columns("a", "b")
    zeros = np.zeros(2)
    assert refusal(signature, a=zeros) == "missing columns: b"
    assert refusal(signature, a=zeros, b=zeros[:1]) == "column 'b' has 1 values, but others have 2"
    assert (
        refusal(signature, a=zeros, b=np.zeros((2, 2))) == "column 'b' has the shape [2, 2], but the model takes [-1]"
    )
    assert refusal(signature, a=zeros, b=np.array(1.0)) == "column 'b' has no rows"
    assert refusal(signature, input=np.zeros((2, 3))) == (
        "tensor 'input' has the shape [2, 3], but all columns together have [-1, 2]"
    )


@pytest.mark.parametrize("kind", ["float", "double"])
@pytest.mark.parametrize("together", [True, False])
def test_nan_is_a_missing_value_and_infinity_none(kind: Any, together: bool) -> None:
    def given(value: float) -> dict[str, Array]:
        array = np.array([1.0, value])
        return {"input": array.reshape(-1, 1)} if together else {"c": array}

    expected = "column 'c', row 1: the value is not a finite number"
    assert refusal(one(kind), **given(math.nan)) == refusal(one(kind), **given(math.inf)) == expected
    assert refusal(one(kind, required=False), **given(math.inf)) == expected
    assert np.isnan(Converter(one(kind, required=False)).arrays(given(math.nan))["c"]).tolist() == [False, True]


def test_dates_have_any_unit_within_the_years_of_nanoseconds() -> None:
    days = np.array(["2020-02-29", "1678-01-01", "2261-12-31"], "M8[D]")
    array = Converter(one("datetime")).arrays({"c": days})["c"]
    assert (array.dtype, array.astype("M8[D]").tolist()) == (np.dtype("M8[ns]"), days.tolist())
    for year in ("1677-12-31", "2262-01-01", "3000-01-01"):
        message = refusal(one("datetime"), c=np.array(["2020-01-01", year], "M8[s]"))
        assert message.startswith(f"column 'c', row 1: '{year}T00:00:00' is not a date and time in ISO 8601")
    missing = np.array(["2020-01-01", "NaT"], "M8[ms]")
    assert refusal(one("datetime"), c=missing) == "column 'c', row 1: the value is missing"
    assert np.isnat(Converter(one("datetime", required=False)).arrays({"c": missing})["c"]).tolist() == [False, True]


def test_rows_of_a_matrix_are_lists_where_the_column_takes_lists() -> None:
    given = {"c": np.array([[1.5, 2.5], [3.5, 4.5]]), "extra": np.zeros(2)}
    assert Converter(one("array")).arrays(given)["c"].tolist() == [[1.5, 2.5], [3.5, 4.5]]


def test_optional_columns_that_did_not_come_are_missing_in_all_rows() -> None:
    signature = Signature(columns=(Column(name="a", type="double"), Column(name="s", type="string", required=False)))
    assert Converter(signature).arrays({"a": np.zeros(2), "extra": np.zeros(3)})["s"].tolist() == ["", ""]


NUMERIC = ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64"]


@given(
    given=st.sampled_from(NUMERIC),
    wanted=st.sampled_from(NUMERIC),
    values=st.lists(st.integers(-(2**63), 2**64 - 1) | st.floats() | st.integers(-9, 9), min_size=1, max_size=3),
)
def test_a_cast_keeps_every_value_or_is_refused(given: str, wanted: str, values: list[Any]) -> None:
    with np.errstate(all="ignore"):
        array = np.array(values, object if given[0] in "iu" else np.float64)
        if given[0] in "iu":
            limits = np.iinfo(given)
            array = np.array([int(v) if math.isfinite(v) and limits.min <= v <= limits.max else 1 for v in array])
        array = array.astype(given)
    try:
        cast = Converter(tensors(t=(wanted, (-1,)))).arrays({"t": array})["t"]
    except SchemaMismatch as error:
        assert " does not fit the type " in error.message  # noqa: PT017 - either outcome is right
        return
    assert cast.dtype == wanted
    for before, after in zip(array.tolist(), cast.tolist(), strict=True):
        if wanted in ("float16", "float32") or given == wanted:
            assert math.isfinite(before) == math.isfinite(after)
        else:
            assert before == after or before != before
