"""MLflow's scoring contract: what comes back."""

import json
from typing import Any

import numpy as np
import pytest

from shared.errors import (
    DeploymentNotFound,
    NotAuthenticated,
    NotAuthorized,
    Overloaded,
    PayloadTooLarge,
    SchemaMismatch,
    ScoringFailed,
    ScoringTimeout,
    SlipwayError,
    StorageUnavailable,
    UnsupportedMediaType,
)
from shared.models.scoring import Predictions
from shared.online.exchange import Answered
from shared.online.protocols import mlflow
from shared.triggers.http import row_for

ANSWERED = Answered("flowers", "blue", "iris", "1")


def rendered(outputs: dict[str, Any], answered: Answered = ANSWERED) -> Any:
    arrays = {name: np.asarray(values) for name, values in outputs.items()}
    reply = mlflow.render(Predictions(2, arrays), mlflow.Request("inputs", []), answered)
    assert (reply.content_type, reply.headers) == ("application/json", {})
    return json.loads(reply.body)


@pytest.mark.parametrize("unnamed", ["", "predictions"])
def test_an_array_comes_back_as_a_list(unnamed: str) -> None:
    assert rendered({unnamed: [1.5, 2.5]}) == {"predictions": [1.5, 2.5]}
    assert rendered({unnamed: [[1, 2], [3, 4]]}) == {"predictions": [[1, 2], [3, 4]]}


def test_a_table_comes_back_as_records() -> None:
    assert rendered({"label": ["a", "b"]}) == {"predictions": [{"label": "a"}, {"label": "b"}]}
    assert rendered({"label": [1, 2], "p": [[0.5, 0.5], [1, 0]]}) == {
        "predictions": [{"label": 1, "p": [0.5, 0.5]}, {"label": 2, "p": [1.0, 0.0]}]
    }


def test_named_tensors_come_back_each_as_a_list() -> None:
    outputs = {"label": [1, 2], "p": [[0.5, 0.5], [1, 0]]}
    assert rendered(outputs, ANSWERED._replace(takes_tensors=True)) == {
        "predictions": {"label": [1, 2], "p": [[0.5, 0.5], [1.0, 0.0]]}
    }


def test_no_rows_come_back_as_an_empty_list() -> None:
    none: list[dict[str, Any]] = [{}, {"": []}, {"y": []}, {"a": [], "b": []}]
    for outputs in none:
        assert rendered(outputs) == {"predictions": []}


def test_numbers_that_json_has_not_come_back_as_null() -> None:
    assert rendered({"": [np.nan, np.inf]}) == {"predictions": [None, None]}
    assert rendered({"y": [np.nan, 1.0]}) == {"predictions": [{"y": None}, {"y": 1.0}]}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SchemaMismatch("why"), "BAD_REQUEST"),
        (SchemaMismatch("why", ["x"]), "INVALID_PARAMETER_VALUE"),
        (UnsupportedMediaType("why"), "BAD_REQUEST"),
        (PayloadTooLarge("why"), "BAD_REQUEST"),
        (NotAuthenticated("why"), "UNAUTHENTICATED"),
        (NotAuthorized("why"), "PERMISSION_DENIED"),
        (DeploymentNotFound("why"), "RESOURCE_DOES_NOT_EXIST"),
        (ScoringTimeout("why"), "DEADLINE_EXCEEDED"),
        (Overloaded("why"), "REQUEST_LIMIT_EXCEEDED"),
        (ScoringFailed("why"), "BAD_REQUEST"),
        (StorageUnavailable("why"), "TEMPORARILY_UNAVAILABLE"),
        (SlipwayError("why"), "INTERNAL_ERROR"),
    ],
)
def test_errors_come_with_mlflows_codes_and_without_a_stack(error: SlipwayError, code: str) -> None:
    document = json.loads(mlflow.render_error(error, row_for(error).status))
    assert document == {"error_code": code, "message": "why"}
