"""Requests that are called together: which may be, and what each gets of the answer."""

import asyncio
from typing import Any

import numpy as np
import pytest

from shared.errors import ScoringFailed, ScoringTimeout
from shared.models.flavor import Abort
from shared.models.loaded import LoadedModel
from shared.models.matrix import MatrixFeatures, columns_of, joined
from shared.models.signature import Array, Features, Inputs, Params
from shared.models.waiting import Waiting, answers_of, kind_of
from tests.support.loading import FunctionModel, loaded_as
from tests.unit.models.graphs import columns


def model_that(answers: Any) -> LoadedModel:
    def call(features: Features, params: Params, abort: Abort | None) -> dict[str, Array]:
        return {"y": answers(features["x"])}

    return loaded_as(FunctionModel(call), columns("x"))


def waiting(model: LoadedModel, *rows: float) -> Waiting:
    inputs = Inputs({"x": np.array(rows)}, {})
    future = asyncio.get_running_loop().create_future()
    return Waiting(model, None, inputs, len(rows), kind_of(model, inputs), 0.0, 10.0, future)


async def test_each_request_of_a_group_gets_its_own_rows() -> None:
    model = model_that(lambda x: x * 2)
    group = [waiting(model, 1), waiting(model, 2, 3), waiting(model)]
    assert [answer["y"].tolist() for answer in answers_of(group, Abort())] == [[2], [4, 6], []]


@pytest.mark.parametrize("answer", [np.float64(1.0).reshape(()), np.ones(2), np.ones(4), np.ones((1, 3))])
async def test_a_group_that_is_answered_with_another_number_of_rows_fails(answer: Array) -> None:
    model = model_that(lambda x: answer)
    with pytest.raises(ScoringFailed, match="the outputs do not have one entry for each row"):
        answers_of([waiting(model, 1), waiting(model, 2, 3)], Abort())


async def test_a_group_that_nobody_waits_for_is_not_called() -> None:
    abort = Abort()
    abort.fire()
    with pytest.raises(ScoringTimeout, match="nobody waits for this any more"):
        answers_of([waiting(model_that(lambda x: x), 1)], abort)


@pytest.mark.parametrize(
    ("params", "alike"),
    [
        ({"a": 1, "b": None, "c": "text", "d": [1, 2]}, True),
        ({"a": "x" * 1001}, False),
        ({"a": [1] * 17}, False),
        ({"a": {"b": 1}}, False),
        ({f"p{number}": 1 for number in range(17)}, False),
    ],
)
async def test_requests_are_alike_where_their_params_can_be_compared(params: Params, alike: bool) -> None:
    model = model_that(lambda x: x)
    kinds = [kind_of(model, Inputs({"x": np.ones(rows)}, params)) for rows in (1, 2)]
    assert (kinds[0] == kinds[1], kinds[0] is not None) == (True, alike)


async def test_requests_of_other_types_shapes_or_models_are_not_alike() -> None:
    model, other = model_that(lambda x: x), model_that(lambda x: x)
    arrays = [np.ones(2), np.ones(2, np.int64), np.ones((2, 2))]
    kinds = [kind_of(model, Inputs({"x": array}, {})) for array in arrays]
    kinds += [kind_of(model, Inputs({"z": arrays[0]}, {})), kind_of(other, Inputs({"x": arrays[0]}, {}))]
    assert len(set(kinds)) == len(kinds)


def test_tables_of_which_only_some_are_matrices_are_joined_by_column() -> None:
    matrix = columns_of(["a", "b"], np.array([[1.0, 2.0]]))
    plain = {"a": np.array([3.0]), "b": np.array([4.0])}
    for parts in ([matrix, plain], [plain, matrix], [matrix, matrix]):
        both = joined(parts)
        assert {name: len(array) for name, array in both.items()} == {"a": 2, "b": 2}
        assert isinstance(both, MatrixFeatures) is (parts[1] is parts[0])
    assert {name: array.tolist() for name, array in joined([matrix, plain]).items()} == {"a": [1, 3], "b": [2, 4]}
