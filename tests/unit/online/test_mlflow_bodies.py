"""MLflow's scoring contract: content types, CSV and Parquet, and the bounds."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import PayloadTooLarge, RequestError, UnsupportedMediaType
from shared.models.features import Converter
from shared.models.json_body import MAX_ROWS
from shared.models.signature import Column, Features, Signature
from shared.online.exchange import Message
from shared.online.protocols import mlflow

PARQUET = "application/vnd.apache.parquet"
TABLE = Signature(columns=(Column(name="x", type="double"), Column(name="s", type="string")))
ONE = Signature(columns=(Column(name="x", type="double"),))
SPLIT = {"columns": ["x", "s"], "data": [[1.0, "a"], [2.0, "b"]]}
LISTS: dict[str, list[Any]] = {"x": [1.0, 2.0], "s": ["a", "b"]}


def parquet(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def taken(body: bytes, signature: Signature = TABLE, content_type: str | None = None) -> Features:
    return mlflow.convert(mlflow.read(Message(body, content_type, {})), Converter(signature)).features


def lists(features: Features) -> dict[str, list[Any]]:
    return {name: array.tolist() for name, array in features.items()}


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        ("application/xml", "This predictor only supports the following content types: application/json, text/csv"),
        ("", "This predictor only supports"),
        ("application/x-parquet", "This predictor only supports"),
        ("application/json; charset=latin-1", "The scoring server only supports UTF-8"),
        ('text/csv; charset="utf-16"', "The scoring server only supports UTF-8"),
        ("application/json; charset=utf-8; version=2", "Unrecognized content type parameters: version."),
        ("application/json-numpy-split", "This predictor only supports"),
    ],
)
def test_other_content_types_are_refused(content_type: str, says: str) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        taken(b"\xff", content_type=content_type)
    assert caught.value.message.startswith(says)


def test_the_nan_of_mlflows_own_client_is_a_missing_value() -> None:
    optional = Signature(columns=(Column(name="x", type="double", required=False), Column(name="s", type="string")))
    features = taken(b'{"dataframe_split": {"columns": ["x", "s"], "data": [[NaN, "NaN"]]}}', optional)
    assert (str(features["x"][0]), features["s"].tolist()) == ("nan", ["NaN"])


@pytest.mark.parametrize("parameters", [";charset=utf-8", '; Charset="UTF-8"', ";", "; charset = utf-8"])
def test_the_one_parameter_is_taken_in_any_case(parameters: str) -> None:
    body = json.dumps({"dataframe_split": SPLIT}).encode()
    assert lists(taken(body, content_type=f"application/json{parameters}")) == LISTS


@pytest.mark.parametrize(
    "body",
    [b"\xff\n1", b"", b"x,s\n1,a,2\n", b'x,s\n"1', b"x,x\n1,2\n"],
    ids=["utf8", "empty", "ragged", "cut", "twice"],
)
def test_a_csv_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        taken(body, content_type="text/csv")


def test_a_parquet_file_that_cannot_be_read_is_refused() -> None:
    whole = parquet(**LISTS)
    for body in (b"", b"PAR1", whole[:-10], whole[:50] + bytes(8) + whole[58:]):
        with pytest.raises(RequestError):
            taken(body, content_type=PARQUET)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({"dataframe_split": {"columns": ["x"], "data": [[1]] * (MAX_ROWS + 1)}}).encode(), None),
        (json.dumps({"dataframe_records": [{"x": 1}] * (MAX_ROWS + 1)}).encode(), None),
        (json.dumps({"inputs": {"x": [1] * (MAX_ROWS + 1)}}).encode(), None),
        (b"x\n" + b"1\n" * (MAX_ROWS + 1), "text/csv"),
        (parquet(x=[1.0] * (MAX_ROWS + 1)), PARQUET),
    ],
)
def test_more_rows_than_a_request_may_hold_are_refused(body: bytes, content_type: str | None) -> None:
    with pytest.raises(PayloadTooLarge, match="100001 rows"):
        taken(body, ONE, content_type)
