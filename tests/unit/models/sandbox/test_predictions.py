"""What models return, as named arrays; the kinds that a model in a worker is not asked for elsewhere."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import OneHotEncoder

from shared.models.sandbox.predictions import arrays_of

FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})


def named(result: Any, *names: str, rows: int = 2) -> dict[str, Any]:
    return {name: array.tolist() for name, array in arrays_of(result, names, rows).items()}


@pytest.mark.parametrize(
    ("result", "names", "outputs"),
    [
        ([1, 2], ["y"], {"y": [1, 2]}),
        (np.array([[1, 2], [3, 4]]), ["p", "q"], {"p": [1, 3], "q": [2, 4]}),
        (np.array([[1, 2], [3, 4]]), ["p"], {"p": [[1, 2], [3, 4]]}),
        (np.array([[1, 2], [3, 4]]), ["p", "q", "r"], {"predictions": [[1, 2], [3, 4]]}),
        (pd.Series([1, 2], name="own"), ["y"], {"y": [1, 2]}),
        (pd.Series([1, 2], name=0), [], {"predictions": [1, 2]}),
        (FRAME, ["b", "a"], {"b": ["x", "y"], "a": [1.0, 2.0]}),
        (FRAME, ["p", "q"], {"a": [1.0, 2.0], "b": ["x", "y"]}),
        (FRAME, ["a"], {"a": [1.0, 2.0], "b": ["x", "y"]}),
        (pd.DataFrame([[1, 2], [3, 4]]), ["p", "q"], {"p": [1, 3], "q": [2, 4]}),
        (pd.DataFrame([[1, 2], [3, 4]]), [], {"0": [1, 3], "1": [2, 4]}),
        ({"a": [[1], [2]]}, ["y"], {"a": [1, 2]}),
    ],
)
def test_names_are_the_signatures_where_they_fit(result: Any, names: list[str], outputs: dict[str, Any]) -> None:
    assert named(result, *names) == outputs


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pd.array([1, None], "Int64"), [1.0, None]),
        (pd.array([2**62, 1], "Int64"), [2**62, 1]),
        (pd.array([2**63, 1], "UInt64"), [2**63, 1]),
        (pd.array([1.5, None], "Float32"), [1.5, None]),
        (pd.array([True, None], "boolean"), [True, None]),
        (pd.array([True, False], "boolean"), [True, False]),
        (pd.array(["a", None], "string"), ["a", None]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
        (pd.Series([1, 2], dtype="category"), [1, 2]),
        (pd.Series([b"a", None], dtype=object), [b"a", None]),
        (pd.Index([1, 2]), [1, 2]),
    ],
)
def test_what_only_pandas_has_becomes_numpys(column: Any, values: list[Any]) -> None:
    array = arrays_of(column, (), 2)["predictions"]
    assert [None if value != value else value for value in array.tolist()] == values


def test_times_with_a_zone_become_utc() -> None:
    times = pd.Series(pd.to_datetime(["2024-07-01T12:00:00+02:00"]))
    assert arrays_of(times, (), 1)["predictions"].astype("datetime64[s]").tolist() == [
        np.datetime64("2024-07-01T10:00:00").tolist()
    ]


def test_a_sparse_matrix_becomes_a_dense_one() -> None:
    assert named(OneHotEncoder().fit_transform([["b"], ["a"]])) == {"predictions": [[0.0, 1.0], [1.0, 0.0]]}


def test_mixed_lists_keep_their_values() -> None:
    assert named(["a", 1]) == {"predictions": ["a", 1]}
    assert named(np.array([b"a", b"b"])) == {"predictions": [b"a", b"b"]}


def test_single_values_stay_single_where_there_are_more_rows() -> None:
    """Whoever asked finds that their number does not fit."""
    assert arrays_of(1.5, (), 2)["predictions"].shape == ()
    assert named({"a": 1, "b": "x"}, rows=1) == {"a": [1], "b": ["x"]}
