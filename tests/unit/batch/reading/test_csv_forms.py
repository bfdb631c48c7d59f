"""CSV as others write it: dialects, no header, for tensors, for no signature, and with columns for the output."""

import re
from typing import Any

import numpy as np
import pytest

from shared.batch.rows import Rows
from shared.errors import UnreadableInput
from shared.models.signature import Column, Signature, Tensor
from tests.support.reading import MemorySource, plan, rows_of

SIGNATURE = Signature(
    columns=(
        Column(name="a", type="long"),
        Column(name="b", type="double", required=False),
        Column(name="c", type="string", required=False),
    )
)


def read(data: bytes, signature: Signature = SIGNATURE, path: str = "day.csv", **settings: Any) -> Rows:
    """Of a file that is one mini-batch."""
    (rows,) = rows_of(data, path, signature, **settings)
    return rows


def tensor(shape: tuple[int, ...], dtype: str = "float32", name: str = "x") -> Signature:
    return Signature(tensors=(Tensor(name=name, dtype=dtype, shape=shape),))


def refused(data: bytes, signature: Signature = SIGNATURE, **settings: Any) -> str:
    with pytest.raises(UnreadableInput) as raised:
        list(plan(MemorySource(data, "day.csv"), signature, **settings).spans)
    assert raised.value.message.startswith("day.csv: ")
    return raised.value.message.removeprefix("day.csv: ")


def reasons(rows: Rows) -> dict[int, str]:
    return {entry.row: entry.reason for entry in rows.rejected}


def test_delimiter_and_quotes_are_as_the_job_says() -> None:
    rows = read(b"a;c\n1;'x;\n''y'''\n2;\"z\n", csv={"delimiter": ";", "quote_char": "'"})
    assert rows.features["a"].tolist() == [1, 2]
    assert rows.features["c"].tolist() == ["x;\n'y'", '"z']


def test_without_quoting_a_quote_is_a_character() -> None:
    rows = read(b'a,c\n1,"x\n2,5" y\n', csv={"quote_char": ""})
    assert rows.features["c"].tolist() == ['"x', '5" y']


def test_a_tsv_has_tabs() -> None:
    rows = read(b"a\tc\n1\tx,y\n", path="inbox/DAY.TSV")
    assert rows.features["c"].tolist() == ["x,y"]


def test_without_a_header_the_columns_are_those_of_the_signature() -> None:
    rows = read(b"\xef\xbb\xbf1,2.5,x\n\n2,,y\n3\n", csv={"header": False}, output_columns=["*"])
    assert rows.features["a"].tolist() == [1, 2]
    assert rows.features["c"].tolist() == ["x", "y"]
    assert list(rows.carried) == ["a", "b", "c"]
    assert reasons(rows) == {2: "the row has 1 values, but there are 3 columns"}


def test_without_a_header_an_empty_file_has_no_rows() -> None:
    assert rows_of(b"\n", "day.csv", SIGNATURE, csv={"header": False}) == []


def test_without_a_header_or_a_signature_columns_are_numbered() -> None:
    rows = read(b"1,x\n2,y\n", Signature(), csv={"header": False})
    assert {name: array.tolist() for name, array in rows.features.items()} == {"0": [1, 2], "1": ["x", "y"]}


@pytest.mark.parametrize("first", ["1,2,3", '"1"b,2,x', f"1,2,{'x' * 200_000}", f'1,2,"{"x" * 200_000}"'])
@pytest.mark.parametrize("signature", [SIGNATURE, Signature(), tensor((-1, 3)), tensor((-1, -1), "str")])
def test_without_a_header_the_first_row_is_judged_as_any_other(first: str, signature: Signature) -> None:
    other = "5,6,7"
    before, behind = (
        read(data.encode(), signature, csv={"header": False}) for data in (f"{first}\n{other}\n", f"{other}\n{first}\n")
    )
    assert list(before.features) == list(behind.features)
    assert list(reasons(before).values()) == list(reasons(behind).values())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'a"b,2\nc"d\n', "rows from 0 on: the rows cannot be told apart"),
        (b'a"b,"c\n', "the first row is not CSV: is there a quote in the middle of a value?"),
    ],
)
def test_without_a_header_a_first_row_that_cannot_be_told_from_the_next_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(UnreadableInput, match=re.escape(told)):
        read(data, Signature(), csv={"header": False})


def test_several_tensors_without_a_header_are_in_their_order() -> None:
    both = Signature(
        tensors=(Tensor(name="x", dtype="float64", shape=(-1,)), Tensor(name="y", dtype="int64", shape=(-1,)))
    )
    rows = read(b"1.5,2\n2.5,3\n", both, csv={"header": False})
    assert rows.features["x"].tolist() == [1.5, 2.5]
    assert rows.features["y"].tolist() == [2, 3]


@pytest.mark.parametrize(("size", "header"), [(-1, True), (3, True), (-1, False), (3, False)])
def test_all_columns_make_the_one_tensor(size: int, header: bool) -> None:
    data = (b"p,q,r\n" if header else b"") + b"1,2,3\n4,,6\n7,x,9\n1,2\n"
    rows = read(data, tensor((-1, size)), csv={"header": header}, output_columns=["*"])
    array = rows.features["x"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [[1, 2, 3], [4, np.nan, 6]])
    assert reasons(rows) == {
        2: f"{'q' if header else '1'}: 'x' is not a number",
        3: "the row has 2 values, but there are 3 columns",
    }
    assert [each.to_pylist() for each in rows.carried.values()] == [["1", "4"], ["2", None], ["3", "6"]]


def test_a_tensor_may_be_named_as_a_column() -> None:
    rows = read(b"id,x\n5,1.5\n6,2.5\n", tensor((-1,)), output_columns=["id"])
    assert rows.features["x"].tolist() == [1.5, 2.5]
    assert rows.carried["id"].to_pylist() == ["5", "6"]


@pytest.mark.parametrize(
    ("dtype", "good", "bad"),
    [
        ("int8", "127", "128"),
        ("uint8", "255", "-1"),
        ("int64", "5", "5.5"),
        ("int32", "5", ""),
        ("float16", "1.5", "100000"),
        ("float64", "1.5", "inf"),
        ("bool", "true", "yes"),
    ],
)
def test_what_the_type_of_a_tensor_cannot_hold_sets_its_row_aside(dtype: str, good: str, bad: str) -> None:
    rows = read(f"p,q\n{good},{good}\n{good},{bad}\n{good},{good}\n".encode(), tensor((-1, 2), dtype))
    assert rows.features["x"].dtype == np.dtype(dtype)
    assert rows.numbers.tolist() == [0, 2]
    assert list(reasons(rows)) == [1]


def test_tensors_of_texts_are_taken() -> None:
    rows = read(b"p,q\nx,\ny,1\n", tensor((-1, 2), "string", ""))
    assert rows.features[""].tolist() == [["x", ""], ["y", "1"]]


def test_a_file_of_bad_rows_makes_a_tensor_of_none() -> None:
    rows = read(b"p,q\nx,1\n300,1\n", tensor((-1, 2), "int8"))
    assert rows.features["x"].shape == (0, 2)
    assert len(rows.rejected) == 2


@pytest.mark.parametrize("shape", [(-1, 3), (-1, 2, 2), (-1,)])
def test_columns_that_do_not_make_the_tensor_are_refused(shape: tuple[int, ...]) -> None:
    assert refused(b"p,q\n1,2\n", tensor(shape)) == (
        f"the model takes one tensor of the shape {list(shape)}, which 2 columns do not make"
    )


def test_columns_of_tensors_that_take_more_than_a_number_are_refused() -> None:
    both = (Tensor(name="x", dtype="float64", shape=(-1, 2)), Tensor(name="y", dtype="float64", shape=(-1,)))
    assert refused(b"x,y\n1,2\n", Signature(tensors=both)) == (
        "the model takes the tensor x of the shape [-1, 2], which one column of numbers does not make"
    )
    assert refused(b"x,z\n1,2\n", Signature(tensors=both)) == "the header lacks the columns y"


def test_without_a_signature_the_types_are_inferred() -> None:
    data = b"n,f,b,t,d,e\n1,1.5,true,x,2024-01-01,\n2,,false,y,2024-01-02,\n3,inf,true,z,2024-01-03,\n1\n"
    rows = read(data, Signature(), output_columns=["n", "d"])
    assert {name: array.dtype.kind for name, array in rows.features.items()} == {
        "n": "i", "f": "f", "b": "b", "t": "O", "d": "O", "e": "O",
    }  # fmt: skip
    assert rows.features["d"].tolist() == ["2024-01-01", "2024-01-02"]
    assert reasons(rows) == {
        2: "f: the value is not a finite number",
        3: "the row has 1 values, but there are 6 columns",
    }
    assert {name: array.to_pylist() for name, array in rows.carried.items()} == {
        "n": ["1", "2"],
        "d": ["2024-01-01", "2024-01-02"],
    }


@pytest.mark.parametrize("beside", ["", "junk,1,1,1\n"], ids=["alone", "beside-junk"])
def test_carried_columns_are_of_the_signature_or_texts(beside: str) -> None:
    data = f"a,b,c,id\n1,,x,007\n2,2.5,,\n1\n{beside}".encode()
    rows = read(data, output_columns=["id", "b", "c", "a", "id"])
    assert {name: (str(array.type), array.to_pylist()) for name, array in rows.carried.items()} == {
        "id": ("string", ["007", None]),
        "b": ("double", [None, 2.5]),
        "c": ("string", ["x", None]),
        "a": ("int64", [1, 2]),
    }


def test_columns_that_are_not_there_are_named() -> None:
    assert refused(b"b\n1\n") == "the header lacks the columns a"
    assert refused(b"a\n1\n", output_columns=["p", "a", "q"]) == (
        "output_columns names columns that the file lacks: p, q"
    )


def test_a_dialect_that_cannot_be_is_refused() -> None:
    assert refused(b"a\n1\n", csv={"delimiter": "|", "quote_char": "|"}).startswith("csv.delimiter and csv.quote_char")


def test_a_quote_that_is_never_closed_is_told_while_the_spans_are_asked_for() -> None:
    assert refused(b'a\n1\n2\n"3\n', mini_batch_size=1) == "a quote is opened and never closed"
