"""Rows as objects, and columns as lists: the other forms in which a table comes."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import SchemaMismatch
from shared.models.features import Converter
from shared.models.matrix import MatrixFeatures, joined
from shared.models.signature import Column, Features, Signature
from tests.unit.models.graphs import columns, tensors

MIXED = Signature(
    columns=(
        Column(name="a", type="double"),
        Column(name="s", type="string", required=False),
        Column(name="b", type="double", required=False),
        Column(name="n", type="long"),
    )
)


def lists(features: Features) -> dict[str, Any]:
    return {name: array.tolist() for name, array in features.items()}


def refusal(signature: Signature, form: str, *given: Any) -> str:
    with pytest.raises(SchemaMismatch) as caught:
        getattr(Converter(signature), form)(*given)
    return caught.value.message


def test_records_are_matched_by_name_in_the_order_of_the_signature() -> None:
    features = Converter(MIXED).records([{"n": 1, "b": 2.5, "s": "x", "a": 1}, {"a": 2, "extra": {}, "n": 3}])
    assert list(features) == ["a", "s", "b", "n"]
    assert [features[name].tolist() for name in ("a", "s", "n")] == [[1.0, 2.0], ["x", ""], [1, 3]]
    np.testing.assert_array_equal(features["b"], [2.5, np.nan])


def test_a_record_without_a_required_column_is_named() -> None:
    assert refusal(MIXED, "records", [{"a": 1, "n": 1}, {"a": 1}]) == "column 'n', row 1: the value is missing"
    assert refusal(MIXED, "records", [{"s": "x"}, {}]) == "missing columns: a, n"


@pytest.mark.parametrize("record", [[1, 2], "an", None, 1])
def test_what_is_no_record_is_named(record: Any) -> None:
    expected = "row 1 is not an object of named values"
    assert refusal(MIXED, "records", [{"a": 1, "n": 1}, record]) == expected
    assert refusal(columns("a"), "records", [{"a": 1}, record]) == expected
    assert refusal(Signature(), "records", [{"a": 1}, record]) == expected
    assert refusal(tensors(a=("int64", (-1,))), "records", [{"a": 1}, record]) == expected


@pytest.mark.parametrize("row", ["ab", {"a": 1, "b": 2}, None, 7])
@pytest.mark.parametrize("signature", [columns("a", "b"), Signature()])
def test_what_is_no_row_is_named(row: Any, signature: Signature) -> None:
    assert refusal(signature, "table", ["a", "b"], [[1, 2], row]) == "row 1 is not a list of values"


def test_columns_as_lists() -> None:
    features = Converter(MIXED).columns({"n": [1, 2], "a": [0.5, 1], "b": [None, 1.5], "extra": [1]})
    assert lists(features) | {"b": None} == {"a": [0.5, 1.0], "s": ["", ""], "b": None, "n": [1, 2]}


def test_columns_as_single_values_are_one_row() -> None:
    assert lists(Converter(columns("a", "b")).columns({"b": 2, "a": 1.5})) == {"a": [1.5], "b": [2.0]}


def test_a_signature_with_lists_inside_takes_columns_as_one_row() -> None:
    signature = Signature(columns=(Column(name="a", type="array"), Column(name="n", type="long")))
    assert lists(Converter(signature).columns({"a": [1, 2, 3], "n": 1})) == {"a": [[1, 2, 3]], "n": [1]}


def test_columns_of_another_length_are_named() -> None:
    assert (
        refusal(columns("a", "b"), "columns", {"a": [1, 2], "b": [1]}) == "column 'b' has 1 values, but others have 2"
    )
    assert refusal(columns("a", "b"), "columns", {"a": [1], "b": 1}) == (
        "column 'b' is not a list of values, as others are"
    )
    assert refusal(Signature(), "columns", {"a": [], "b": [1]}) == "column 'b' has 1 values, but others have 0"
    assert refusal(columns("a", "b"), "columns", {"b": [1]}) == "missing columns: a"


def test_a_list_serves_a_signature_of_one_column_only() -> None:
    assert lists(Converter(columns("a")).tensors([1, 2.5])) == {"a": [1.0, 2.5]}
    assert lists(Converter(columns("a", "b")).tensors({"a": [1], "b": [2]})) == {"a": [1.0], "b": [2.0]}
    assert refusal(columns("a", "b"), "tensors", [[1, 2]]) == "the model takes columns by name: a, b"


def test_a_table_serves_a_tensor_signature() -> None:
    one, two = tensors(t=("int64", (-1, 2))), tensors(a=("int64", (-1,)), b=("float32", (-1, 2)))
    assert lists(Converter(one).table(["x", "y"], [[1, 2], [3, 4]])) == {"t": [[1, 2], [3, 4]]}
    assert lists(Converter(one).table(None, [[1, 2]])) == {"t": [[1, 2]]}
    assert lists(Converter(two).table(["b", "a"], [[[1, 2], 3]])) == {"a": [3], "b": [[1.0, 2.0]]}
    assert lists(Converter(two).records([{"b": [1, 2], "a": 3}])) == {"a": [3], "b": [[1.0, 2.0]]}
    assert lists(Converter(two).columns({"b": [[1, 2]], "a": [3]})) == {"a": [3], "b": [[1.0, 2.0]]}
    assert refusal(two, "table", ["b", "a"], [[1]]) == "row 0 has 1 values, but there are 2 columns"


def test_the_plan_of_the_names_that_came_last_is_used_for_those_names_only() -> None:
    converter, names = Converter(columns("a", "b", "c")), ["c", "b", "a"]
    for _ in range(2):
        assert lists(converter.table(names, [[1, 2, 3]])) == {"a": [3.0], "b": [2.0], "c": [1.0]}
    names.reverse()
    assert lists(converter.table(names, [[1, 2, 3]])) == {"a": [1.0], "b": [2.0], "c": [3.0]}
    assert lists(converter.table(("b", "a", "c"), [[1, 2, 3]])) == {"a": [2.0], "b": [1.0], "c": [3.0]}


@pytest.mark.parametrize("kind", ["double", "float", "long"])
def test_columns_of_one_type_are_views_of_one_matrix(kind: Any) -> None:
    features = Converter(columns("a", "b", type=kind)).table(["b", "a"], [[1, 2], [3, 4]])
    assert isinstance(features, MatrixFeatures)
    assert all(array.base is not None for array in features.values())
    assert features.matrix.tolist() == [[2, 1], [4, 3]]


def test_tables_of_one_signature_are_joined() -> None:
    for signature in (columns("a", "n"), MIXED):
        converter = Converter(signature)
        parts = [converter.records([{"a": row, "n": 1, "s": "x", "b": 2}]) for row in range(3)]
        together = joined(parts)
        assert together["a"].tolist() == [0.0, 1.0, 2.0]
        assert isinstance(together, MatrixFeatures) == isinstance(parts[0], MatrixFeatures)
    unequal = joined([{"a": np.array([1]), "b": np.array([2.5])}] * 2)
    assert {name: array.tolist() for name, array in unequal.items()} == {"a": [1, 1], "b": [2.5, 2.5]}


values = st.none() | st.booleans() | st.integers(-(2**64), 2**64) | st.floats() | st.text(max_size=3)
rows_of_four = st.lists(st.tuples(*[values] * 4), max_size=3)
sensible = st.lists(
    st.tuples(st.floats(-9, 9), st.none() | st.text(max_size=2), st.none() | st.integers(), st.integers(0, 9)),
    max_size=3,
)


@given(rows=rows_of_four | sensible)
def test_all_forms_of_a_table_come_to_the_same(rows: list[tuple[Any, ...]]) -> None:
    names = ["a", "s", "b", "n"]

    def outcome(form: str, *given: Any) -> str:
        try:
            return repr(lists(getattr(Converter(MIXED), form)(*given)))
        except SchemaMismatch as error:
            return error.message

    expected = outcome("table", names, [list(row) for row in rows])
    assert outcome("table", None, rows) == expected
    assert outcome("table", names[::-1], [list(row[::-1]) for row in rows]) == expected
    assert outcome("columns", {name: [row[at] for row in rows] for at, name in enumerate(names)}) == expected
    assert outcome("records", [dict(zip(names, row, strict=True)) for row in rows]) == expected


def test_nothing_is_kept_of_a_request_with_very_many_names() -> None:
    converter = Converter(columns("x"))
    converter.table(["y", "x"], [[1, 2]])
    tracemalloc.start()
    try:
        converter.table(["x", *(f"name {number}" for number in range(50_000))], [[0] * 50_001])
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
