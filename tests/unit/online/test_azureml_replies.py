"""Azure ML's scoring contract: what comes back."""

import json
import math
from typing import Any

import numpy as np
import orjson
import pytest

from shared.models.scoring import Predictions
from shared.online.protocols import azureml


def rendered(**outputs: Any) -> Any:
    arrays = {name: np.asarray(values) for name, values in outputs.items()}
    return orjson.loads(azureml.render(Predictions(len(next(iter(arrays.values()))), arrays)))


def test_one_output_comes_back_as_a_bare_list() -> None:
    body = azureml.render(Predictions(2, {"price": np.array([11633.1, 8522.1])}))
    assert body == b"[11633.1,8522.1]"
    assert rendered(labels=np.array(["a", "ü"], dtype=object)) == ["a", "ü"]
    assert rendered(probabilities=[[0.25, 0.75], [1.0, 0.0]]) == [[0.25, 0.75], [1.0, 0.0]]
    assert rendered(many=np.zeros((1, 2, 2))) == [[[0.0, 0.0], [0.0, 0.0]]]


def test_several_outputs_come_back_as_records() -> None:
    assert rendered(label=[1, 0], probabilities=[[0.25, 0.75], [1.0, 0.0]]) == [
        {"label": 1, "probabilities": [0.25, 0.75]},
        {"label": 0, "probabilities": [1.0, 0.0]},
    ]


def test_numbers_that_json_has_not_come_back_as_null() -> None:
    """A raw NaN, as other servers send it, breaks every strict reader."""
    odd = [math.nan, math.inf, -math.inf, 1.0]
    assert rendered(y=odd) == [None, None, None, 1.0]
    assert rendered(y=np.array(odd, np.float32).reshape(2, 2)) == [[None, None], [None, 1.0]]
    assert rendered(a=[math.nan], b=[1]) == [{"a": None, "b": 1}]


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.int64, [2**63 - 1, -(2**63)]),
        (np.uint64, [2**64 - 1, 0]),
        (np.bool_, [True, False]),
        (np.float16, [0.5, -2.0]),
        (np.int8, [-128, 127]),
    ],
)
def test_every_type_of_output_comes_back_exactly(dtype: Any, values: list[Any]) -> None:
    assert rendered(y=np.array(values, dtype)) == values


def test_no_rows_come_back_as_an_empty_list() -> None:
    assert rendered(y=np.empty(0)) == []
    assert rendered(a=np.empty(0), b=np.empty(0)) == []


def test_errors_come_in_one_envelope() -> None:
    body = azureml.render_error("SchemaMismatch", "missing columns: ü")
    assert json.loads(body) == {"error": {"code": "SchemaMismatch", "message": "missing columns: ü"}}
