"""From a table of JSON values to the arrays that a column signature asks for."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SchemaMismatch
from shared.models.coercion import ColumnType
from shared.models.features import Converter
from shared.models.signature import Column, Signature, count_rows

FLOAT32_MAX = float(np.finfo(np.float32).max)


def one(kind: ColumnType, required: bool = True) -> Signature:
    return Signature(columns=(Column(name="c", type=kind, required=required),))


def convert(kind: ColumnType, *values: Any, required: bool = True) -> np.ndarray[Any, Any]:
    return Converter(one(kind, required)).table(["c"], [[value] for value in values])["c"]


def _objects(values: list[Any]) -> np.ndarray[Any, Any]:
    return np.fromiter(values, np.dtype(object), len(values))


def refusal(signature: Signature, names: list[str] | None, rows: list[list[Any]]) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        Converter(signature).table(names, rows)
    return caught.value.message


@pytest.mark.parametrize(
    ("kind", "values", "dtype"),
    [
        ("boolean", [True, False], np.bool_),
        ("integer", [-(2**31), 2**31 - 1], np.int32),
        ("integer", [1.0, 2], np.int32),
        ("long", [-(2**63), 2**63 - 1], np.int64),
        ("long", [2**53 + 1, -(2**53) - 1], np.int64),
        ("long", [float(2**53), -0.0], np.int64),
        ("float", [1, 0.5, FLOAT32_MAX], np.float32),
        ("double", [1, 0.5, 1e308, 2**70], np.float64),
        ("string", ["", "1", "ü\0"], np.object_),
    ],
)
def test_values_of_the_type_come_through_unchanged(kind: ColumnType, values: list[Any], dtype: Any) -> None:
    array = convert(kind, *values)
    assert (array.dtype, array.tolist()) == (np.dtype(dtype), values)


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        ("boolean", 1),
        ("boolean", "true"),
        ("integer", True),
        ("integer", "1"),
        ("integer", 1.5),
        ("integer", 2**31),
        ("integer", -(2**31) - 1),
        ("integer", math.nan),
        ("long", 2**63),
        ("long", -(2**63) - 1),
        ("long", 10**400),
        ("long", float(2**54)),
        ("long", -1e300),
        ("long", math.inf),
        ("long", False),
        ("float", "0.5"),
        ("float", True),
        ("float", 1e39),
        ("float", -1e300),
        ("float", 10**400),
        ("double", 10**400),
        ("double", -(10**400)),
        ("double", [1.0]),
        ("string", 1),
        ("string", True),
        ("string", {"a": 1}),
        *((kind, None) for kind in ("boolean", "integer", "long", "float", "double", "string")),
    ],
)
def test_a_value_that_is_not_of_the_type_is_named_by_column_and_row(kind: ColumnType, bad: Any) -> None:
    good: dict[str, Any] = {"boolean": True, "string": "a"}
    rows = [[good.get(kind, 1)], [good.get(kind, 2)], [bad], [good.get(kind, 3)]]
    assert refusal(one(kind), ["c"], rows).startswith("column 'c', row 2: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-02-29", "2020-02-29T00:00:00"),
        ("2020-02-29 10:30", "2020-02-29T10:30:00"),
        ("2020-02-29T10:30:15.123456789Z", "2020-02-29T10:30:15.123456789"),
        ("2020-02-29T00:30:00+01:30", "2020-02-28T23:00:00"),
        ("2020-02-29T23:30:00-0100", "2020-03-01T00:30:00"),
        ("1678-01-01", "1678-01-01"),
        ("2261-12-31T23:59:59", "2261-12-31T23:59:59"),
    ],
)
def test_dates_come_as_text_and_become_utc(text: str, expected: str) -> None:
    array = convert("datetime", text)
    assert (array.dtype, array[0]) == (np.dtype("M8[ns]"), np.datetime64(expected, "ns"))


@pytest.mark.parametrize(
    "bad",
    [
        *(
            "",
            "now",
            "today",
            "NaT",
            "2020",
            "2020-13-01",
            "2021-02-29",
            "1677-12-31",
            "2262-01-01",
            "2020-01-01T25:00",
        ),
        *("2020-01-01T10:00+1", "2020-01-01T10", " 2020-01-01", "٢٠٢٠-01-01", 1_577_836_800, True),
    ],
)
def test_what_is_no_date_is_refused(bad: Any) -> None:
    message = refusal(one("datetime"), ["c"], [["2020-01-01"], [bad]])
    assert message.startswith("column 'c', row 1: ")
    assert message.endswith("is not a date and time in ISO 8601 from the years 1678 to 2261")


def test_binary_data_comes_in_base64() -> None:
    assert convert("binary", "", "eA==", "/+8=").tolist() == [b"", b"x", b"\xff\xef"]
    message = refusal(one("binary"), ["c"], [["eA==\n"]])
    assert message == "column 'c', row 0: 'eA==\\n' is not binary data in Base64"


def test_lists_and_objects_stay_as_they_are() -> None:
    assert convert("array", [1, [2]], [1, [3]]).tolist() == [[1, [2]], [1, [3]]]
    assert convert("object", {"a": 1}).tolist() == convert("map", {"a": 1}).tolist() == [{"a": 1}]
    assert convert("any", [1], "x", None, required=False).tolist() == [[1], "x", None]


def test_a_too_large_number_is_found_behind_missing_ones() -> None:
    message = refusal(one("float", required=False), ["c"], [[None], [1.0], [1e300]])
    assert message == "column 'c', row 2: 1e+300 is too large for type float"


def test_a_long_value_is_shown_in_part() -> None:
    message = refusal(one("double"), ["c"], [["x" * 10_000]])
    assert len(message) < 100
    assert message.endswith("... is not a number")


def test_columns_are_matched_by_name_in_any_order_and_unknown_ones_left_out() -> None:
    signature = Signature(columns=(Column(name="a", type="long"), Column(name="b", type="string")))
    features = Converter(signature).table(["extra", "b", "a"], [[None, "x", 1], [{}, "y", 2]])
    assert {name: array.tolist() for name, array in features.items()} == {"a": [1, 2], "b": ["x", "y"]}
    assert list(features) == ["a", "b"]


def test_without_names_columns_come_in_the_order_of_the_signature() -> None:
    signature = Signature(columns=(Column(name="a", type="long"), Column(name="b", type="string")))
    assert Converter(signature).table(None, [[1, "x"]])["b"].tolist() == ["x"]
    assert refusal(signature, None, [["x", 1]]) == "column 'a', row 0: 'x' is not a whole number"


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("float", math.nan),
        ("double", math.nan),
        ("string", ""),
        ("datetime", np.datetime64("NaT", "ns")),
        *((kind, None) for kind in ("binary", "array", "object", "map", "any")),
    ],
)
def test_an_optional_column_may_be_left_out_or_hold_nulls(kind: ColumnType, missing: Any) -> None:
    optional = Column(name="o", type=kind, required=False)
    signature = Signature(columns=(Column(name="a", type="long"), optional))
    value: Any = {"float": 0.5, "double": 0.5, "string": "x", "datetime": "2020-01-01", "binary": "eA=="}.get(kind, [])
    value = {} if kind in ("object", "map") else value
    stored = convert(kind, value).tolist()[0] if kind == "binary" else value
    left_out = Converter(signature).table(["a"], [[1], [2]])["o"]
    with_nulls = Converter(signature).table(["a", "o"], [[1, None], [2, value], [3, None]])["o"]
    assert left_out.dtype == with_nulls.dtype == optional.dtype
    np.testing.assert_array_equal(left_out, np.array([missing] * 2, dtype=optional.dtype))
    np.testing.assert_array_equal(with_nulls, _objects([missing, stored, missing]).astype(optional.dtype))


def test_an_optional_column_still_holds_its_type() -> None:
    message = refusal(one("double", required=False), ["c"], [[None], ["x"]])
    assert message == "column 'c', row 1: 'x' is not a number"


def test_a_missing_value_is_told_before_a_wrong_one_that_comes_later() -> None:
    assert refusal(one("double"), ["c"], [[1.0], [None], ["x"]]) == "column 'c', row 1: the value is missing"


def test_all_missing_columns_are_named() -> None:
    signature = Signature(columns=tuple(Column(name=name, type="double") for name in "abc"))
    assert refusal(signature, ["b"], [[1.0]]) == "missing columns: a, c"
    assert refusal(signature, [], []) == "missing columns: a, b, c"


@pytest.mark.parametrize("names", [None, ["a", "b"]])
def test_a_ragged_row_is_named(names: list[str] | None) -> None:
    signature = Signature(columns=(Column(name="a", type="long"), Column(name="b", type="long")))
    assert refusal(signature, names, [[1, 2], [3]]) == "row 1 has 1 values, but there are 2 columns"
    assert refusal(signature, names, [[1, 2, 3]]) == "row 0 has 3 values, but there are 2 columns"


def test_a_name_given_twice_is_refused_also_without_rows() -> None:
    assert refusal(one("long"), ["c", "c"], [[1, 2]]) == "a column name is given twice"
    assert refusal(one("long"), ["c", "c"], []) == "a column name is given twice"


@pytest.mark.parametrize("names", [None, ["c"]])
@pytest.mark.parametrize("kind", ["boolean", "integer", "long", "float", "double", "string"])
def test_an_empty_table_has_no_rows_and_the_types_of_the_signature(kind: ColumnType, names: list[str] | None) -> None:
    features = Converter(one(kind)).table(names, [])
    assert (count_rows(features), features["c"].dtype) == (0, np.dtype(Column(name="c", type=kind).dtype))


def test_a_table_of_nothing_but_optional_columns_keeps_its_number_of_rows() -> None:
    assert count_rows(Converter(one("double", required=False)).table([], [[], []])) == 2


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
kinds: st.SearchStrategy[ColumnType] = st.sampled_from(["boolean", "integer", "long", "float", "double", "string"])


@given(kind=kinds, column=st.lists(values | st.sampled_from([10**400, 1e300, 2**63, 2**53 + 1]), max_size=4))
def test_any_column_converts_without_loss_or_is_refused(kind: ColumnType, column: list[Any]) -> None:
    try:
        array = convert(kind, *column)
    except SchemaMismatch as error:
        assert error.message.startswith("column 'c', row ")  # noqa: PT017 - either outcome is right
        return
    back = array.tolist()
    assert len(back) == len(column)
    for before, after in zip(column, back, strict=True):
        if kind in ("float", "double"):
            assert after == float(array.dtype.type(before))
            assert math.isfinite(after)
        else:
            assert after == before
