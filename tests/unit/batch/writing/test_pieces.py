"""A mini-batch that was cut around a poison row reads as if it had been scored at once."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.batch.writing.parts import write_part
from shared.batch.writing.pieces import joined
from shared.models.returned import columns_of
from tests.unit.batch.writing.written import Array, objects, table


def piece(*items: dict[str, Any], first: int = 0) -> pa.Table:
    return table(columns_of(items), numbers=range(first, first + len(items)))


@pytest.mark.parametrize(
    "items",
    [
        [{"label": "a"}, {"label": "b", "note": "n"}, {"label": "c"}],
        [{"label": 1, "note": 2}, {"label": 3}, {"other": None, "note": 4}],
        [{"a": 0.5, "c": [1, 2]}, {"a": 1.5, "b": True}, {"b": False, "c": []}],
        [{"a": {"deep": 1}}, {"b": b"bytes"}, {"a": None, "b": b""}],
        [{"row": 1}, {"file_name": "x"}, {"row": 2}],
    ],
)
def test_pieces_of_objects_with_other_keys_are_the_whole(items: list[dict[str, Any]]) -> None:
    pieces = [piece(item, first=row) for row, item in enumerate(items)]
    assert joined(pieces).column_names == piece(*items).column_names
    assert write_part(joined(pieces), "jsonl") == write_part(piece(*items), "jsonl")
    assert write_part(joined(pieces), "csv") == write_part(piece(*items), "csv")


def test_one_piece_is_the_whole() -> None:
    only = piece({"label": "a"}, {"label": "b"})
    assert joined([only]).equals(only)


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ((np.array([1]), np.array([0.5])), ["1.0", "0.5"]),
        ((np.array([1]), objects("x")), ["1", '"x"']),
        ((objects(None), np.array([7])), ["null", "7"]),
    ],
)
def test_types_are_those_that_hold_all_pieces(outputs: tuple[Array, ...], told: list[str]) -> None:
    whole = joined([table({"out": output}) for output in outputs])
    rows = write_part(whole, "jsonl").splitlines()
    assert [json.dumps(json.loads(row)["out"]) for row in rows] == told
