"""Parquet bodies: all rows fit, or the request is refused with the column and the row."""

import datetime
import io
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import MalformedRequest, PayloadTooLarge, SchemaMismatch, SlipwayError
from shared.models.arrow import from_arrow
from shared.models.bodies import strict_from_parquet
from shared.models.features import Converter
from shared.models.parquet_footer import MAX_FOOTER_BYTES
from shared.models.signature import Column, Features, Signature
from tests.support.parquet import deep
from tests.unit.models.bodies import LOOSE, SIGNATURE, lists, refusal
from tests.unit.models.graphs import columns, tensors


def parquet(compression: str = "snappy", **values: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(values), sink, compression=compression)
    return sink.getvalue()


def from_parquet(signature: Signature = SIGNATURE, **values: Any) -> Features:
    return strict_from_parquet(parquet(**values), Converter(signature))


def test_a_parquet_file_has_its_columns_in_any_order_and_others_besides() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=-1))
    features = from_parquet(
        s=pa.array(["a", None]).dictionary_encode(),
        n=pa.array([1, 2], pa.uint8()),
        junk=pa.array([{"a": 1}, None]),
        l=[[1, 2], None],
        d=pa.array([datetime.datetime(2020, 2, 29, 23, tzinfo=zone), None], pa.timestamp("us", "-01:00")),
        x=pa.array([1, 2.5], pa.float32()),
    )
    assert lists(features) == {
        "x": [1.0, 2.5],
        "n": [1, 2],
        "d": [datetime.date(2020, 3, 1), None],
        "s": ["a", ""],
        "l": [[1, 2], None],
    }


def test_a_dictionary_may_have_unsigned_indices() -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([1, None, 0], pa.uint32()), ["a", "b"])
    taken = from_arrow(pa.table({"s": texts}), [Column(name="s", type="string", required=False)])
    assert lists(taken.features) == {"s": ["b", "", "a"]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"x": [1.0, None], "n": [1, 2]}, "column 'x', row 1: the value is missing"),
        ({"x": [1.0, np.inf], "n": [1, 2]}, "column 'x', row 1: the value is not a finite number"),
        ({"x": ["1", "2"], "n": [1, 2]}, "column 'x', row 0: '1' is not a number"),
        ({"x": [True, True], "n": [1, 2]}, "column 'x', row 0: True is not a number"),
        ({"x": [1, 2**53 + 1], "n": [1, 2]}, "column 'x', row 1: 9007199254740993 is not held exactly by this type"),
        ({"x": [1, 2], "n": [1.0, 1.5]}, "column 'n', row 1: 1.5 is not a whole number of type long"),
        ({"x": [1, 2], "n": [1, 2], "d": [datetime.time(1), None]}, "column 'd', row 0: datetime.time(1, 0) is"),
        (
            {"x": [1, 2], "n": [1, 2], "d": [datetime.date(3000, 1, 1), None]},
            "column 'd', row 0: '3000-01-01' is",
        ),
        ({"x": [1, 2], "n": [1, 2], "l": [{"a": 1}, None]}, "column 'l', row 0: {'a': 1} is not a list"),
        ({"x": [1, 2]}, "missing columns: n"),
    ],
)
def test_a_parquet_file_that_does_not_fit_is_told_where(values: Any, message: str) -> None:
    assert refusal(SchemaMismatch, lambda: from_parquet(**values)).startswith(message)


def test_numbers_of_other_types_are_taken_where_they_are_exact() -> None:
    decimals = pa.array([1, 2], pa.decimal128(5, 2))
    assert lists(from_parquet(columns("a", "b"), a=decimals, b=pa.array([0.5, 1], pa.float16()))) == {
        "a": [1.0, 2.0],
        "b": [0.5, 1.0],
    }


def test_maps_come_as_objects_and_bytes_as_bytes() -> None:
    signature = Signature(columns=(Column(name="m", type="map"), Column(name="b", type="binary")))
    values = pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64()))
    assert lists(from_parquet(signature, m=values, b=[b"\xff", b""])) == {"m": [{"a": 1}, {}], "b": [b"\xff", b""]}


def test_without_a_signature_a_parquet_file_keeps_its_types_and_loses_its_index() -> None:
    features = from_parquet(
        LOOSE,
        n=pa.array([1, 2], pa.int32()),
        hole=[1, None],
        day=[datetime.date(2020, 1, 1), None],
        s=["a", None],
        __index_level_0__=[7, 8],
    )
    assert {name: array.dtype.str[1:] for name, array in features.items()} == {
        "n": "i4",
        "hole": "f8",
        "day": "M8[ns]",
        "s": "O",
    }


@pytest.mark.parametrize(
    "values",
    [
        {"x": np.zeros(1_500_000), "n": np.zeros(1_500_000, np.int64)},
        {"l": [[0] * 500_000] * 5},
        {"l": [{"a": [0] * 500_000}] * 5},
        {"m": pa.array([[(0, 0)] * 500_000] * 3, pa.map_(pa.int8(), pa.int8()))},
        {"l": [["x" * 1000]] * 80_000},
    ],
    ids=["rows", "lists", "objects", "maps", "texts"],
)
def test_a_small_body_cannot_unpack_to_a_large_table(values: Any) -> None:
    body = parquet(**values)
    assert len(body) < 100_000
    assert "send it in parts" in refusal(PayloadTooLarge, lambda: strict_from_parquet(body, Converter(LOOSE)))


def test_a_long_text_of_many_rows_counts_in_each() -> None:
    """Written out it would take 100 GB."""
    texts = pa.DictionaryArray.from_arrays(np.zeros(100_000, np.int32), pa.array(["x" * 1_000_000]))
    assert "send it in parts" in refusal(PayloadTooLarge, lambda: from_parquet(columns("s", type="string"), s=texts))


def test_texts_that_are_alike_are_held_once() -> None:
    texts = pa.DictionaryArray.from_arrays(np.zeros(100, np.int32), pa.array(["x" * 100_000]))
    for column in (texts, texts.cast(pa.string())):
        array = from_parquet(columns("s", type="string"), s=column)["s"]
        assert len({id(text) for text in array}) == 1


@pytest.mark.parametrize("compression", ["zstd", "gzip", "brotli", "lz4"])
def test_a_file_that_may_unpack_to_any_size_is_refused_with_what_to_use(compression: str) -> None:
    body = parquet(compression, x=["a" * 200_000])
    assert len(body) < 2000
    assert "write it with snappy, or uncompressed" in refusal(
        MalformedRequest, lambda: strict_from_parquet(body, Converter(columns("x", type="string")))
    )


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_a_file_that_is_bounded_by_its_own_size_is_taken(compression: str) -> None:
    body = parquet(compression, x=[1.0, 2.0])
    assert lists(strict_from_parquet(body, Converter(columns("x")))) == {"x": [1.0, 2.0]}


@pytest.mark.parametrize("signature", [LOOSE, columns("x")])
@pytest.mark.parametrize(
    "values",
    [
        pa.array([[2**31 - 1]], pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
        pa.array([[2**62]], pa.list_(pa.int64())).cast(pa.list_(pa.timestamp("us"))),
        pa.array([[([1], 2)]], pa.map_(pa.list_(pa.int32()), pa.int32())),
    ],
    ids=["day", "instant", "key"],
)
def test_values_that_python_cannot_hold_are_refused(signature: Signature, values: Any) -> None:
    assert "plainer types" in refusal(MalformedRequest, lambda: from_parquet(signature, x=values))


def test_the_columns_of_a_parquet_file_make_the_tensors_of_a_signature() -> None:
    assert from_parquet(tensors(t=("float32", (-1, 2))), a=[1, 3], b=[2.5, 4])["t"].tolist() == [[1, 2.5], [3, 4]]
    assert from_parquet(tensors(t=("int64", (-1,))), t=[1, 3], b=["x", "y"])["t"].tolist() == [1, 3]
    both = from_parquet(tensors(a=("int64", (-1,)), b=("str", (-1,))), a=[1, 3], b=["x", "y"])
    assert both["b"].tolist() == ["x", "y"]


def test_a_broken_parquet_file_is_malformed_and_nothing_worse() -> None:
    """Bytes changed at random, from a fixed seed."""
    whole = parquet(x=[1.5, 2.5, None], n=[1, 2, 3], s=["a", "b", None], l=[[1], [], None])
    chance = random.Random(7)  # noqa: S311 - not a secret
    for body in (b"", b"PAR1", b"PAR1\0\0\0\0PAR1", b"x,n\n1,2\n", whole[:-9], whole[9:]):
        assert "Parquet" in refusal(MalformedRequest, lambda body=body: strict_from_parquet(body, Converter(LOOSE)))  # type: ignore[misc]
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        for signature in (SIGNATURE, LOOSE):
            try:
                strict_from_parquet(bytes(broken), Converter(signature))
            except SlipwayError as error:
                assert type(error) in {MalformedRequest, PayloadTooLarge, SchemaMismatch}  # noqa: PT017


@pytest.mark.parametrize("levels", [33, 100_000])
def test_a_schema_that_would_end_the_process_never_reaches_pyarrow(levels: int) -> None:
    assert "Parquet" in refusal(MalformedRequest, lambda: strict_from_parquet(deep(levels), Converter(LOOSE)))


def test_columns_that_share_their_bytes_are_refused() -> None:
    """Many groups of rows, each of which names the bytes of the one before."""
    sink = io.BytesIO()
    pq.write_table(
        pa.table({"x": ["ab" * 1000] * 50}),
        sink,
        row_group_size=1,
        compression="none",
        use_dictionary=False,
        write_statistics=False,
    )
    body = sink.getvalue()
    length = int.from_bytes(body[-8:-4], "little")
    first = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0).column(0).total_compressed_size
    kept = body[: 4 + first] + body[-8 - length :]
    assert len(kept) < 50 * first
    assert "Parquet" in refusal(MalformedRequest, lambda: strict_from_parquet(kept, Converter(LOOSE)))


def test_a_footer_that_takes_long_to_read_is_refused_with_what_to_do() -> None:
    sink = io.BytesIO()
    table = pa.table({"x": [1.0]}).replace_schema_metadata({"note": "x" * MAX_FOOTER_BYTES})
    pq.write_table(table, sink)
    message = refusal(PayloadTooLarge, lambda: strict_from_parquet(sink.getvalue(), Converter(LOOSE)))
    assert "write fewer columns" in message
