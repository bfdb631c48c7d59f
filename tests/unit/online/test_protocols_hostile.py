"""No bytes, no JSON and no headers make a protocol fail in any way but the one that tells the caller."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RequestError
from shared.models.features import Converter
from shared.models.signature import Column, Param, Signature, Tensor, count_rows
from shared.online.exchange import Message, ScoreProtocol
from shared.online.protocols import azureml, mlflow, oip
from shared.online.protocols.oip_tensors import DATATYPES

PROTOCOLS: list[ScoreProtocol[Any]] = [azureml, mlflow, oip]
KINDS = ("boolean", "integer", "long", "float", "double", "string", "datetime", "binary", "array", "object", "any")
CONVERTERS = [
    Converter(signature)
    for signature in (
        Signature(),
        Signature(columns=tuple(Column(name=kind, type=kind) for kind in KINDS)),
        Signature(
            columns=(Column(name="a", type="double", required=False),),
            params=(Param(name="k", type="long", default=1),),
        ),
        Signature(columns=(Column(name="a", type="double"), Column(name="b", type="double"))),
        Signature(tensors=(Tensor(dtype="float32", shape=(-1, 2)),)),
        Signature(tensors=(Tensor(name="a", dtype="str", shape=(-1,)), Tensor(name="b", dtype="int8", shape=(-1,)))),
    )
]
LENGTH = "inference-header-content-length"

names = st.sampled_from(["a", "b", "k", "", *KINDS])
atoms = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4) | st.just("2026-01-01")
)
values = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)
members = st.sampled_from(
    [
        *("input_data", "data", "columns", "index", "params", "model"),
        *("dataframe_split", "dataframe_records", "instances", "inputs"),
        *("outputs", "name", "shape", "datatype", "parameters", "id", "binary_data_size"),
    ]
)
documents = st.dictionaries(
    members,
    values | st.dictionaries(members | names, values, max_size=4) | st.lists(st.dictionaries(members, values)),
    max_size=4,
)
content_types = st.sampled_from(
    [
        None,
        "",
        ";",
        "application/json",
        "text/csv; charset=UTF-8",
        "application/vnd.apache.parquet",
        "application/octet-stream",
        "application/json;charset",
    ]
)
tensors = st.fixed_dictionaries(
    {
        "name": names,
        "datatype": st.sampled_from([*DATATYPES, "BF16"]),
        "shape": st.lists(st.integers(-1, 4) | st.sampled_from([2**31, 2**62, 2**64 - 1, 2**70]), max_size=4),
    },
    optional={
        "data": st.lists(values, max_size=4),
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": st.integers(-1, 20) | atoms}),
    },
)
lengths = st.none() | st.integers(-5, 400).map(str) | st.text(max_size=5)


def settles(message: Message) -> None:
    for protocol in PROTOCOLS:
        try:
            request = protocol.read(message)
        except RequestError as error:
            assert json.loads(protocol.render_error(error, 400))  # noqa: PT017 - either outcome is right
            continue
        for converter in CONVERTERS:
            try:
                inputs = protocol.convert(request, converter)
            except RequestError as error:
                assert json.loads(protocol.render_error(error, 400))  # noqa: PT017 - either outcome is right
                continue
            assert {len(array) for array in inputs.features.values()} <= {count_rows(inputs.features)}


@given(st.binary(max_size=200), content_types, lengths)
def test_any_bytes(body: bytes, content_type: str | None, length: str | None) -> None:
    settles(Message(body, content_type, {} if length is None else {LENGTH: length}))


@given(documents, content_types)
def test_any_document(document: object, content_type: str | None) -> None:
    settles(Message(json.dumps(document).encode(), content_type, {}))


@given(st.sampled_from(["input_data", "instances", "inputs", "dataframe_records"]), values, documents)
def test_any_data(member: str, data: object, document: dict[str, object]) -> None:
    settles(Message(json.dumps({member: data}).encode(), None, {}))
    settles(Message(json.dumps({member: data, **document}).encode(), None, {}))


tables = st.fixed_dictionaries(
    {"columns": st.lists(names, max_size=3), "data": st.lists(st.lists(values, max_size=3), max_size=3)},
    optional={"index": st.lists(atoms, max_size=3)},
)


@given(tables)
def test_any_table(table: object) -> None:
    for member in ("input_data", "dataframe_split"):
        settles(Message(json.dumps({member: table}).encode(), None, {}))


@given(st.lists(tensors, min_size=1, max_size=3), st.binary(max_size=60), st.integers(-2, 2) | st.none())
def test_any_tensors(inputs: list[Any], blobs: bytes, off: int | None) -> None:
    head = json.dumps({"inputs": inputs}).encode()
    settles(Message(head + blobs, None, {} if off is None else {LENGTH: str(len(head) + off)}))


@given(st.text(max_size=60) | st.lists(st.text('a,b\n\r"1. ', max_size=8)).map("\n".join))
def test_any_csv(text: str) -> None:
    settles(Message(text.encode(), "text/csv", {}))
    settles(Message(b"a,b\n" + text.encode(), "text/csv", {}))


@pytest.mark.parametrize(
    "body", [b"PAR1", b"PAR1" + bytes(8) + b"PAR1", b"PAR1\xff\xff\xff\xffPAR1", gzip.compress(b"")]
)
def test_any_parquet(body: bytes) -> None:
    settles(Message(body, "application/vnd.apache.parquet", {}))
