"""CSV bodies: all rows fit, or the request is refused with the column and the row."""

import datetime
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.errors import MalformedRequest, PayloadTooLarge, SchemaMismatch
from shared.models.arrow import Fault, from_arrow
from shared.models.bodies import MAX_VALUES, strict_from_csv
from shared.models.coercion import KINDS
from shared.models.features import Converter
from shared.models.signature import Column, Features, Signature
from tests.unit.models.bodies import LOOSE, SIGNATURE, lists, refusal
from tests.unit.models.graphs import tensors

# So long that its header is read before its last bytes are seen.
LONG = b"x,n\n" + b"1,2\n" * 9000 + b"\xff,1\n"


def from_csv(body: bytes, signature: Signature = SIGNATURE) -> Features:
    return strict_from_csv(body, Converter(signature))


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_a_csv_has_its_columns_in_any_order_and_others_besides(start: bytes) -> None:
    features = from_csv(start + b'n,junk,"x",s,d\n1,\xc3\xbc,0.5,"a,\nb",2020-02-29\n+2,,1e3,,\n')
    assert list(features) == ["x", "n", "d", "s", "l"]
    assert lists(features) == {
        "x": [0.5, 1000.0],
        "n": [1, 2],
        "d": [datetime.date(2020, 2, 29), None],
        "s": ["a,\nb", ""],
        "l": [None, None],
    }


@pytest.mark.parametrize("body", [b"x,n", b"x,n\n", b"\n\nn,x\n\n"])
def test_a_csv_of_a_header_alone_has_no_rows(body: bytes) -> None:
    features = from_csv(body)
    assert {name: (len(array), array.dtype.kind) for name, array in features.items()} == {
        "x": (0, "f"),
        "n": (0, "i"),
        "d": (0, "M"),
        "s": (0, "O"),
        "l": (0, "O"),
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"x,n\n1,2\nz,2.5\n", "column 'x', row 1: 'z' is not a number"),
        (b"x,n\n1,2\n3,2.5\nz,4\n", "column 'n', row 1: '2.5' is not a whole number of type long"),
        (b"x,n,d\n1,2,2020-02-30\n", "column 'd', row 0: '2020-02-30' is not a date and time"),
        (b"x,n,l\n1,2,[1]\n", "column 'l', row 0: '[1]' is not a list"),
        (b"x,n\n1,2\n,3\n", "column 'x', row 1: the value is missing"),
        (b"x,n\n1,2\n3\n", "row 1 has 1 values, but there are 2 columns"),
        (b"x,n\n\n1,2\n\n3,4,5\n", "row 1 has 3 values, but there are 2 columns"),
        (b"x,y\n1,2\n", "missing columns: n"),
        (b"x,n,x\n1,2,3\n", "a column name is given twice"),
    ],
)
def test_a_csv_that_does_not_fit_is_told_where(body: bytes, message: str) -> None:
    assert refusal(SchemaMismatch, lambda: from_csv(body)).startswith(message)


@pytest.mark.parametrize("signature", [SIGNATURE, LOOSE])
@pytest.mark.parametrize(
    "body",
    [b"", b"\n\r\n", b"\xff,x\n1,2\n", b"x,n,s\n1,2,\xff\n", b'"x,n\n1,2\n', LONG],
)
def test_what_is_no_csv_is_malformed(body: bytes, signature: Signature) -> None:
    assert "CSV" in refusal(MalformedRequest, lambda: from_csv(body, signature))


def test_without_a_signature_a_csv_tells_its_types() -> None:
    body = b"n,x,b,s,day,none,hole,flag\n1,1.5,true,a,2020-01-01,,1,true\n2,2,False,,2020-01-02,,,\n"
    features = from_csv(body, LOOSE)
    assert {name: array.dtype.kind for name, array in features.items()} == {
        "n": "i",
        "x": "f",
        "b": "b",
        "s": "O",
        "day": "O",
        "none": "O",
        "hole": "f",
        "flag": "O",
    }
    assert lists({name: features[name] for name in ("s", "day", "none", "flag")}) == {
        "s": ["a", None],
        "day": ["2020-01-01", "2020-01-02"],
        "none": [None, None],
        "flag": [True, None],
    }
    np.testing.assert_array_equal(features["hole"], [1, np.nan])
    message = refusal(SchemaMismatch, lambda: from_csv(b"a\n1\ninf\n", LOOSE))
    assert message == "column 'a', row 1: the value is not a finite number"
    assert (
        refusal(SchemaMismatch, lambda: from_csv(b"a,b\n1\n", LOOSE)) == "row 0 has 1 values, but there are 2 columns"
    )


def test_the_columns_of_a_csv_make_the_one_tensor_of_a_signature() -> None:
    signature = tensors(t=("float32", (-1, 2)))
    assert from_csv(b"a,b\n1,2.5\n3,4\n", signature)["t"].tolist() == [[1, 2.5], [3, 4]]
    message = refusal(SchemaMismatch, lambda: from_csv(b"a,b\n1,2\n3,x\n", signature))
    assert message == "tensor 'b' is of type object, but the model takes float32"
    assert "shape [1, 1]" in refusal(SchemaMismatch, lambda: from_csv(b"a\n1\n", signature))


def test_a_csv_of_too_many_values_is_too_large() -> None:
    body = b"x,n\n" + b"1,2\n" * 1_000_001
    assert "send it in parts" in refusal(PayloadTooLarge, lambda: from_csv(body))


def test_a_csv_is_refused_by_its_lines_before_they_are_read() -> None:
    body = b"x,n\n" + b"1\n" * 1_000_001
    assert "send it in parts" in refusal(PayloadTooLarge, lambda: from_csv(body, tensors(t=("float32", (-1, 2)))))


def test_line_breaks_inside_of_values_are_no_rows() -> None:
    features = from_csv(b'x,n,s\n1,2,"' + b"\n" * 1_000_000 + b'"\n')
    assert len(features["s"][0]) == 1_000_000


def test_a_refused_table_tells_its_first_fault_only() -> None:
    table = pa.table({"x": ["1", "a", "b"], "n": ["c", "2147483648", "0x"]})
    wanted = [Column(name="x", type="double"), Column(name="n", type="integer")]
    taken = from_arrow(table, wanted, texts=True, strict=True)
    assert taken.faults == {0: Fault("n", "'c' is not a whole number of type integer")}
    assert taken.features == {}


@pytest.mark.parametrize("kind", ["integer", "long"])
def test_whole_numbers_are_taken_as_pyarrow_reads_each_alone(kind: Any) -> None:
    zeros = "0" * 5000
    texts = [
        "0",
        "-0",
        f"-{zeros}7",
        f"{zeros}7",
        "+7",
        "0x" + "f" * 8,
        "0x" + "f" * 9,
        "0x" + "f" * 16,
        "0X" + "0" * 17,
    ]
    texts += ["9" * 5000, "-" + "9" * 5000]
    for limit in (2**31, 2**63, 10**19):
        texts += [str(limit - 1), str(limit), str(-limit), str(-limit - 1)]
    taken = from_arrow(pa.table({"n": texts}), [Column(name="n", type=kind)], texts=True)
    alone = {}
    for row, text in enumerate(texts):
        with suppress(pa.ArrowInvalid):
            alone[row] = pa.scalar(text.removeprefix("+")).cast(KINDS[kind].arrow).as_py()
    assert dict(zip(taken.kept.tolist(), taken.features["n"].tolist(), strict=True)) == alone


def test_rows_that_end_in_carriage_returns_alone_are_counted_too() -> None:
    body = b"x\r" + b"1\r" * (MAX_VALUES + 1)
    assert "send it in parts" in refusal(PayloadTooLarge, lambda: from_csv(body, LOOSE))
