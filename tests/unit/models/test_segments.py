"""Many models in one package: each row goes to its own, and the answers come back in order."""

import asyncio
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from shared.adapters.memory import MemoryBlobs
from shared.errors import ModelNotFound
from shared.models.batching import Lanes, Limits
from shared.models.coercion import ColumnType
from shared.models.scoring import predict, predict_online, unknown_rows
from shared.models.signature import Column, Inputs, Signature
from tests.unit.models.many import answer, publish, rows, serve


async def test_mixed_rows_are_answered_by_their_own_models_in_their_own_order(store: MemoryBlobs) -> None:
    served = serve(store, {"UA/EWR": 2, "UA": 3, "B6": 5})
    mixed = rows(("B6", "JFK", 1), ("UA", "EWR", 1), ("UA", "LGA", 1), ("B6", "EWR", 2), ("UA", "EWR", 3))
    assert await answer(served, mixed) == [5, 2, 3, 10, 6]


async def test_a_segment_without_a_model_goes_to_its_parent_and_then_to_the_fallback(store: MemoryBlobs) -> None:
    served = serve(store, {"UA/EWR": 2, "UA": 3, "default": 7}, fallback=("default",))
    assert await answer(served, rows(("UA", "JFK", 1))) == [3]
    assert await answer(served, rows(("ZZ", "JFK", 1))) == [7]


async def test_an_unknown_segment_without_fallback_is_not_found_and_names_its_row(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3})
    for inputs, row in ((rows(("ZZ", "JFK", 1)), 0), (rows(("UA", "JFK", 1), ("ZZ", "JFK", 1)), 1)):
        with pytest.raises(ModelNotFound, match=f"row {row}: there is no model for the segment 'ZZ/JFK'"):
            await answer(served, inputs)
        with pytest.raises(ModelNotFound):
            predict(served, inputs)
        assert unknown_rows(served, inputs.features) == {
            row: "there is no model for the segment 'ZZ/JFK', and none that stands in"
        }


async def test_a_slash_in_a_value_does_not_reach_into_another_segment(store: MemoryBlobs) -> None:
    served = serve(store, {"UA/EWR": 2, "default": 7}, fallback=("default",))
    assert await answer(served, rows(("UA/EWR", "", 1))) == [7]


async def test_no_rows_are_answered_without_any_model(store: MemoryBlobs) -> None:
    served = serve(store, {"UA": 3})
    deadline = asyncio.get_running_loop().time() + 30
    assert (await predict_online(served, None, rows(), Lanes(Limits()), deadline)).rows == 0
    assert predict(served, rows()).rows == 0
    assert served.find("UA") is None


@pytest.mark.parametrize("kind", ["double", "float", "datetime", "binary", "any"])
def test_only_values_that_are_written_in_one_way_pick_a_model(store: MemoryBlobs, kind: ColumnType) -> None:
    signature = Signature(columns=(Column(name="carrier", type=kind), Column(name="x", type="double")))
    with pytest.raises(ValidationError, match="carrier must be boolean, integer, long, string"):
        publish(store, {"UA": 3}, signature, columns=("carrier",), unfed=("carrier",))


@pytest.mark.parametrize(("kind", "value", "key"), [("integer", 7, "7"), ("long", -7, "-7"), ("boolean", True, "True")])
async def test_one_row_goes_to_the_same_model_as_several(
    store: MemoryBlobs, kind: ColumnType, value: Any, key: str
) -> None:
    column = Column(name="c", type=kind)
    signature = Signature(columns=(column, Column(name="x", type="double")))
    served = serve(store, {key: 3}, signature=signature, columns=("c",), unfed=("c",))
    for count in (1, 2):
        inputs = Inputs({"c": np.array([value] * count, column.dtype), "x": np.ones(count)}, {})
        assert await answer(served, inputs) == [3] * count
