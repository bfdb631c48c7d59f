"""What a Parquet file says once and names very often, in columns of any make, is bounded before it is unpacked."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.batch.reading import parquet_about, parquet_file, parquet_rows
from shared.batch.reading.parquet_file import Opened
from shared.errors import PayloadTooLarge, UnreadableInput
from shared.models.signature import Signature
from tests.support.parquet import packed, read, versions
from tests.support.reading import MemorySource, rows_of

LONG = "x" * 100_000


def unpacked(data: pa.Table, *names: str, **options: Any) -> pa.Table:
    source = MemorySource(packed(data, **options), "day.parquet")
    return parquet_rows._unpacked(source, parquet_about.read_footer(source), 0, names or tuple(data.column_names))


def opened(data: pa.Table, **options: Any) -> Opened:
    source = MemorySource(packed(data, **options), "day.parquet")
    return parquet_file.opened(source, parquet_about.read_footer(source), 0, tuple(data.column_names))


MAPS = pa.array([[(LONG, LONG), ("b", None)]] * 1500, pa.map_(pa.string(), pa.string()))
COLUMNS = {
    "dotted": pa.table({"a.b": [LONG] * 3000}),
    "list": pa.table({"a": [[LONG] * 3000]}),
    "large": pa.table({"a": pa.array([[LONG] * 3000], pa.large_list(pa.large_string()))}),
    "struct": pa.table({"a": [{"b": LONG, "c": 1}] * 3000}),
    "both": pa.table({"a": [[{"b": [LONG] * 10}, None, {"b": None}]] * 300 + [None]}),
    "map": pa.table({"a": MAPS}),
}


@pytest.mark.parametrize("table", COLUMNS.values(), ids=COLUMNS)
def test_a_long_text_that_is_named_very_often_is_held_once(table: pa.Table) -> None:
    assert unpacked(table).nbytes < 2_000_000
    with pytest.raises(UnreadableInput, match="has more than 268435456 bytes: lower mini_batch_size"):
        rows_of(packed(table), "day.parquet", Signature(), etag=str(next(versions)), mini_batch_size=5000)


@pytest.mark.parametrize("table", COLUMNS.values(), ids=COLUMNS)
def test_such_texts_are_carried_as_they_are(table: pa.Table) -> None:
    few = table.slice(0, 2) if table.num_rows > 1 else pa.table({"a": [["p", None], ["q", "p"]]}, table.schema)
    (name,) = table.column_names
    for size in (1, 2):
        found = rows_of(
            packed(few), "day.parquet", Signature(), etag=str(next(versions)), mini_batch_size=size,
            output_columns=["*"],
        )  # fmt: skip
        carried = [rows.carried[name] for rows in found]
        assert all(array.type == few.schema.field(0).type for array in carried if pa.types.is_nested(array.type))
        assert [value for array in carried for value in array.to_pylist()] == few[name].to_pylist()


@pytest.mark.parametrize(
    ("values", "most"),
    [
        (pa.array([[0] * 100_000], pa.list_(pa.int64())), 800_000),
        (pa.array([[0] * 100_000], pa.list_(pa.int8())), 400_000),
        (pa.array([[True] * 100_000], pa.list_(pa.bool_())), 400_000),
        (pa.array([[0] * 100_000], pa.list_(pa.decimal128(5))), 1_600_000),
        (pa.array([[b"x" * 50] * 1000], pa.list_(pa.binary(50))), 50_000),
        (pa.array([[{"x": 1.5, "y": 0}] * 1000]), 16_000),
        (pa.array([[[[0.5]] * 10_000]], pa.list_(pa.list_(pa.list_(pa.float32())))), 120_000),
        (pa.array([["ab"] * 1000], pa.list_view(pa.string())), 6000),
        (pa.array([["ab", "cd"]] * 500, pa.list_(pa.string(), 2)), 12_000),
    ],
    ids=["long", "byte", "flag", "decimal", "fixed", "struct", "lists", "view", "pair"],
)
def test_a_group_may_hold_so_many_values_in_lists(values: pa.Array, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is unpacked to find that."""
    table = pa.table({"a": values})
    monkeypatch.setattr(parquet_about, "MAX_GROUP_BYTES", most)
    opened(table, store_decimal_as_integer=True)
    monkeypatch.setattr(parquet_about, "MAX_GROUP_BYTES", most - 1)
    with pytest.raises(PayloadTooLarge, match="write it with a smaller row_group_size"):
        opened(table, store_decimal_as_integer=True)


def test_values_in_lists_that_are_many_but_short_are_taken() -> None:
    random = np.random.default_rng(1)
    table = pa.table(
        {
            "embedding": list(random.random((2000, 64), np.float32)),
            "tags": [[f"tag {(row * at) % 500}" * 20 for at in range(8)] for row in range(2000)],
            "about": [{"name": f"name {row}" * 100, "at": [row]} for row in range(2000)],
            "pair": pa.array([["a", f"b{row % 7}"] for row in range(2000)], pa.list_(pa.string(), 2)),
            "view": pa.array([["a", f"b{row % 7}"] for row in range(2000)], pa.list_view(pa.string())),
        }
    )
    rows = read(packed(table), Signature(), output_columns=["*"])
    for name in table.column_names:
        assert rows.carried[name].to_pylist() == table[name].to_pylist()


def test_views_inside_of_lists_are_read() -> None:
    table = pa.table({"a": pa.array([["p", None], ["q"]], pa.list_(pa.string_view()))})
    assert read(packed(table), Signature()).features["a"].tolist() == [["p", None], ["q"]]


SHARED = pa.dictionary(pa.int8(), pa.string())


@pytest.mark.parametrize(
    ("kind", "plain", "values"),
    [
        (pa.list_(SHARED), pa.list_(pa.string()), [["p", None], None]),
        (pa.large_list(SHARED), pa.large_list(pa.string()), [["p", None], None]),
        (pa.struct({"n": pa.int8(), "s": SHARED}), pa.struct({"n": pa.int8(), "s": pa.string()}), [{"n": 1, "s": "p"}]),
        (pa.map_(pa.string(), SHARED), pa.map_(pa.string(), pa.string()), [[("k", "p")], None]),
    ],
    ids=["list", "large", "struct", "map"],
)
def test_texts_that_were_written_as_shared_are_carried_as_plain(kind: Any, plain: Any, values: list[Any]) -> None:
    carried = read(packed(pa.table({"a": pa.array(values, kind)})), Signature(), output_columns=["*"]).carried["a"]
    assert carried.type == plain
    assert carried.to_pylist() == values


def test_texts_that_cannot_be_shared_are_unpacked_few_at_a_time() -> None:
    """JSON has a type of its own in Arrow."""
    text = f'"{LONG}"'
    table = pa.table({"a": pa.array([text] * 100, pa.json_())})
    assert opened(table).row_bytes >= len(text)
    assert unpacked(table)["a"].to_pylist() == [text] * 100


def test_a_row_of_many_columns_is_counted_whole() -> None:
    columns = {"a": [1], "b": pa.array([1], pa.int32()), "c": [True], "d": ["x"], "e": pa.array([1], pa.decimal128(3))}
    assert opened(pa.table(columns)).row_bytes == 8 + 4 + 1 + 4 + 16
    assert opened(pa.table({"f": pa.array([b"x" * 50], pa.binary(50)), "g": [None]})).row_bytes == 50 + 4


def test_columns_whose_names_look_alike_are_told_apart_and_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table(
        {"a": [{"b": LONG, "c": 1}] * 10, "a.b": ["p", "q"] * 5, "a.bc": [1] * 10, "a.c": [{"d": [2]}] * 10}
    )
    for names in (("a.b",), ("a",), ("a.c",), ("a", "a.b", "a.c")):
        found = unpacked(table, *names)
        assert {name: found[name].to_pylist() for name in names} == {name: table[name].to_pylist() for name in names}
    # Who asks for `a.b` gets that of `a` read, too.
    monkeypatch.setattr(parquet_about, "MAX_GROUP_BYTES", 90_000)
    with pytest.raises(PayloadTooLarge):
        unpacked(table, "a.b")
    assert unpacked(table, "a.bc").num_rows == 10
