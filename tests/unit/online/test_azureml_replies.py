"""Azure ML's scoring contract: what comes back."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest

from shared.errors import SchemaMismatch, ScoringFailed
from shared.models.scoring import Predictions
from shared.online.exchange import Answered
from shared.online.protocols import azureml

ANSWERED = Answered("flowers", "blue", "iris", "1")


def rendered(**outputs: Any) -> Any:
    arrays = {name: np.asarray(values) for name, values in outputs.items()}
    return orjson.loads(body_of(**arrays))


def body_of(**arrays: Any) -> bytes:
    predictions = Predictions(len(next(iter(arrays.values()))), arrays)
    return azureml.render(predictions, azureml.Request([], None, None), ANSWERED).body


def test_one_output_comes_back_as_a_bare_list() -> None:
    assert body_of(price=np.array([11633.1, 8522.1])) == b"[11633.1,8522.1]"
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


@pytest.mark.parametrize("size", [1, 100])
def test_numbers_of_32_bits_come_back_with_all_digits_of_their_value(size: int) -> None:
    """So that a threshold comes out here as it does in the model."""
    values = np.full(size, 0.7, np.float32)
    assert rendered(y=values) == [float(np.float32(0.7))] * size


def test_many_values_come_back_as_few_do() -> None:
    numbers = np.arange(400.0).reshape(100, 4)
    assert rendered(y=numbers.T.copy().T) == numbers.tolist()
    assert rendered(y=np.where(numbers > 5, np.nan, numbers))[2] == [None] * 4
    assert rendered(y=(numbers > 5)) == (numbers > 5).tolist()
    assert rendered(y=numbers.astype(np.longdouble)) == numbers.tolist()


def test_bytes_come_back_as_base64_and_times_as_iso_8601() -> None:
    assert rendered(y=np.array([b"\xff", b""], dtype=object)) == ["/w==", ""]
    assert rendered(y=np.array(["2026-03-01T12:00", "NaT"], "datetime64[s]")) == ["2026-03-01T12:00:00", None]
    assert rendered(y=np.array([datetime(2026, 3, 1, tzinfo=UTC)], dtype=object)) == ["2026-03-01T00:00:00+00:00"]


def test_values_of_any_make_come_back_as_what_they_mean() -> None:
    values = [None, {"a": [np.float32(0.5)]}, {1: "b"}, np.array([1, 2]), np.datetime64("2026-03-01"), Decimal("1.50")]
    assert rendered(y=np.array([*values, 0], dtype=object)[:-1]) == [
        None,
        {"a": [0.5]},
        {"1": "b"},
        [1, 2],
        "2026-03-01T00:00:00",
        "1.50",
    ]


@pytest.mark.parametrize("value", [1j, {1, 2}, object(), 2**64, "\ud800"])
def test_what_json_cannot_hold_is_the_models_failure(value: object) -> None:
    with pytest.raises(ScoringFailed, match="cannot be written as JSON"):
        rendered(y=np.array([value, None], dtype=object))


def test_no_rows_come_back_as_an_empty_list() -> None:
    assert rendered(y=np.empty(0)) == []
    assert rendered(a=np.empty(0), b=np.empty(0)) == []


def test_errors_come_in_one_envelope() -> None:
    body = azureml.render_error(SchemaMismatch("missing columns: ü"), 400)
    assert json.loads(body) == {"error": {"code": "SchemaMismatch", "message": "missing columns: ü"}}
