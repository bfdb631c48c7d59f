"""Texts of Parquet bodies: one that is named very often is counted before it is written out, wherever it lies."""

from typing import Any

import pyarrow as pa
import pytest

from shared.errors import PayloadTooLarge
from shared.models import bodies, nested
from shared.models.bodies import strict_from_parquet
from shared.models.features import Converter
from tests.support.parquet import packed
from tests.unit.models.bodies import LOOSE, lists, refusal

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("s.t", [LONG] * 1000),
        ("s", [[LONG] * 100] * 10),
        ("s", [{"t": LONG}] * 1000),
        ("s", [[{"t": [LONG] * 100}]] * 10),
    ],
    ids=["dotted", "list", "struct", "deep"],
)
def test_a_long_text_is_held_once_and_counted_as_often_as_it_is_named(name: str, rows: list[Any]) -> None:
    body = packed(pa.table({name: rows}))
    assert len(body) < 10_000
    before = pa.total_allocated_bytes()
    batches = list(bodies._batches(bodies._opened(body), [name]))
    assert pa.total_allocated_bytes() - before < 5_000_000
    assert sum(nested.size(batch.column(0)) for batch in batches) >= 100_000_000
    assert "send it in parts" in refusal(PayloadTooLarge, lambda: strict_from_parquet(body, Converter(LOOSE)))


def test_texts_that_are_shared_inside_of_others_come_as_they_are() -> None:
    columns = {
        "l": [["p", None], ["q", "p"]],
        "o": [{"t": "p"}, {"t": "p"}],
        "m": pa.array([[("k", "p")], None], pa.map_(pa.string(), pa.string())),
        "o.t": ["p", "q"],
    }
    features = strict_from_parquet(packed(pa.table(columns)), Converter(LOOSE))
    assert lists(features) == {**columns, "m": [{"k": "p"}, None]}
