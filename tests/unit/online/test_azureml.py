"""Azure ML's scoring contract: what is taken, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import MalformedRequest, PayloadTooLarge, RequestError, SchemaMismatch, UnsupportedMediaType
from shared.models.features import Converter
from shared.models.json_body import MAX_ROWS
from shared.models.signature import Column, Features, Signature, Tensor, count_rows
from shared.online.exchange import Message
from shared.online.protocols import azureml

TABLE = Signature(
    columns=(
        Column(name="n", type="long"),
        Column(name="s", type="string"),
        Column(name="o", type="double", required=False),
    )
)
WIDE = Signature(columns=tuple(Column(name=kind, type=kind) for kind in ("boolean", "integer", "float")))
TENSOR = Signature(tensors=(Tensor(dtype="float32", shape=(-1, 2)),))
TEXTS = Signature(tensors=(Tensor(name="t", dtype="str", shape=(-1,)), Tensor(name="u", dtype="uint8", shape=(-1,))))
SIGNATURES = (TABLE, WIDE, TENSOR, TEXTS)


def taken(body: bytes, signature: Signature = TABLE, content_type: str | None = None) -> Features:
    request = azureml.read(Message(body, content_type, {}))
    return azureml.convert(request, Converter(signature)).features


def parse(document: object, signature: Signature = TABLE, content_type: str | None = "application/json") -> Features:
    return taken(json.dumps(document).encode(), signature, content_type)


def malformed(body: bytes, signature: Signature = TABLE) -> str:
    with pytest.raises(MalformedRequest) as caught:
        taken(body, signature)
    return caught.value.message


def lists(features: Features) -> dict[str, list[Any]]:
    return {name: array.tolist() for name, array in features.items()}


def test_a_table_of_columns_index_and_data() -> None:
    data = {"columns": ["s", "n", "o"], "index": [7, 8], "data": [["a", 1, 0.5], ["b", 2, 1.5]]}
    assert lists(parse({"input_data": data})) == {"n": [1, 2], "s": ["a", "b"], "o": [0.5, 1.5]}


@pytest.mark.parametrize("index", [None, [0], ["any"], [[]]])
def test_the_index_may_be_left_out_and_hold_anything(index: Any) -> None:
    data = {"columns": ["n", "s"], "data": [[1, "a"]]} | ({"index": index} if index is not None else {})
    assert count_rows(parse({"input_data": data})) == 1


def test_rows_without_columns_come_in_the_order_of_the_signature() -> None:
    assert lists(parse({"input_data": [[1, "a", 0.5]]})) == {"n": [1], "s": ["a"], "o": [0.5]}


def test_tensors_come_as_a_list_or_by_name() -> None:
    assert lists(parse({"input_data": [[1, 2.5]]}, TENSOR)) == {"": [[1.0, 2.5]]}
    assert lists(parse({"input_data": {"t": ["a"], "u": [255]}}, TEXTS)) == {"t": ["a"], "u": [255]}


@pytest.mark.parametrize("params", [None, {}, {"k": 1}])
def test_params_may_be_there_and_reach_no_model_that_names_none(params: object) -> None:
    assert count_rows(parse({"input_data": [[1, "a", 0.5]], "params": params})) == 1


@pytest.mark.parametrize("member", ["data", "input_data"])
def test_one_model_of_many_is_asked_for_by_name(member: str) -> None:
    body = json.dumps({"model": "iris", member: [[1, "a", 0.5]]}).encode()
    assert azureml.read(Message(body, None, {})).model == "iris"
    assert count_rows(taken(body)) == 1


def test_a_model_that_is_no_name_is_refused() -> None:
    assert malformed(b'{"input_data": [], "model": 1}') == '"model" must be the name of a model'


def test_members_beside_the_data_of_one_model_of_many_are_named() -> None:
    message = malformed(b'{"model": "iris", "data": [], "method": "predict"}')
    assert message == 'unknown members beside "data": method'


def test_more_rows_than_a_request_may_hold_are_refused() -> None:
    rows = [[1, "a", 0.5]] * (MAX_ROWS + 1)
    for data, signature in (
        (rows, TABLE),
        ({"columns": ["n", "s", "o"], "data": rows}, TABLE),
        ([[1, 2]] * (MAX_ROWS + 1), TENSOR),
        ({"t": ["a"] * (MAX_ROWS + 1), "u": []}, TEXTS),
    ):
        with pytest.raises(PayloadTooLarge, match="100001 rows, but at most 100000"):
            parse({"input_data": data}, signature)


@pytest.mark.parametrize("data", [[], {"columns": ["n", "s"], "data": []}, {"columns": ["s", "n"], "data": []}])
def test_an_empty_table_is_no_error(data: object) -> None:
    assert count_rows(parse({"input_data": data})) == 0


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json ;"],
)
def test_json_content_types_are_taken(content_type: str | None) -> None:
    assert count_rows(parse({"input_data": []}, content_type=content_type)) == 0


@pytest.mark.parametrize(
    "content_type", ["", "text/csv", "application/jsonp", "application/x-www-form-urlencoded", "text/json", "*/*"]
)
def test_other_content_types_are_refused_before_the_body_is_looked_at(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        taken(b"\xff", TABLE, content_type)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"{}x", id="more"),
        pytest.param(b'{"input_data": NaN}', id="nan"),
        pytest.param(b'{"input_data": [[1e999, "a", 1]]}', id="infinite"),
        pytest.param(b"\xff\xfe", id="no-utf8"),
        pytest.param(b'{"input_data": [[1, "\xff", 1]]}', id="no-utf8-inside"),
        pytest.param(b'\xef\xbb\xbf{"input_data": []}', id="byte-order-mark"),
        pytest.param(b'{"input_data": [[1, "\\ud800", 1]]}', id="half-a-surrogate"),
        pytest.param(b"[" * 100_000, id="deep-and-cut"),
        pytest.param(b'{"input_data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="deep"),
    ],
)
def test_a_body_that_is_not_json_is_told_so(body: bytes) -> None:
    assert malformed(body).startswith("the body is not JSON: ")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"input_data"', b"{}", b'{"data": []}'])
def test_a_body_without_input_data_is_told_what_it_must_hold(body: bytes) -> None:
    assert malformed(body) == 'the body must be an object with the member "input_data"'


def test_members_that_nobody_reads_are_named() -> None:
    message = malformed(b'{"input_data": [], "method": "predict", "data": []}')
    assert message == 'unknown members beside "input_data": data, method'


def test_params_that_are_no_object_are_refused() -> None:
    assert malformed(b'{"input_data": [], "params": [1]}') == '"params" must be an object'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "must hold"),
        (1, "must hold"),
        ("text", "must hold"),
        ({}, "must hold"),
        ({"columns": ["n"]}, "must hold"),
        ({"data": [[1]]}, "must hold"),
        ({"columns": "n", "data": [[1]]}, "list of names"),
        ({"columns": [1], "data": [[1]]}, "list of names"),
        ({"columns": None, "data": [[1]]}, "list of names"),
        ({"columns": ["n"], "data": None}, "lists of values"),
        ({"columns": ["n"], "data": {"n": [1]}}, "lists of values"),
        ({"columns": ["n"], "data": [1]}, "lists of values"),
        ({"columns": ["n"], "data": ["1"]}, "lists of values"),
        ([{"n": 1, "s": "a"}], "lists of values"),
        ([[1, "a", 1], None], "lists of values"),
        ({"columns": ["n"], "data": [[1]], "index": 0}, "one entry for each row"),
        ({"columns": ["n"], "data": [[1]], "index": []}, "one entry for each row"),
        ({"columns": ["n"], "data": 1, "index": [0]}, "one entry for each row"),
    ],
)
def test_a_table_of_another_form_is_told_what_is_wrong(data: object, says: str) -> None:
    assert says in malformed(json.dumps({"input_data": data}).encode())


@pytest.mark.parametrize("data", [None, 1, True, "text"])
def test_tensors_of_another_form_are_told_what_is_wrong(data: object) -> None:
    message = malformed(json.dumps({"input_data": data}).encode(), TENSOR)
    assert message == '"input_data" must be a list, or an object of named lists'


def test_whole_numbers_that_json_readers_round_are_refused_and_never_rounded() -> None:
    assert lists(parse({"input_data": [[2**63 - 1, "a", 1]]}))["n"] == [2**63 - 1]
    for number in (2**63, 2**64, 10**30, -(2**63) - 1):
        with pytest.raises(SchemaMismatch, match="column 'n', row 0"):
            parse({"input_data": [[number, "a", 1]]})


numbers = st.text("0123456789.eE+-", min_size=1, max_size=400)


def settles(body: bytes) -> None:
    for signature in SIGNATURES:
        try:
            features = taken(body, signature)
        except RequestError as error:
            assert error.message  # noqa: PT017 - either outcome is right
            continue
        assert {array.shape[0] for array in features.values()} == {count_rows(features)}


@given(numbers)
def test_any_spelling_of_a_number_converts_or_is_refused(number: str) -> None:
    settles(f'{{"input_data": [[{number}, "a", {number}]]}}'.encode())


@given(st.integers(1, 1200), st.sampled_from(["1", '"a"', ""]))
def test_any_depth_converts_or_is_refused(depth: int, core: str) -> None:
    settles(f'{{"input_data": {"[" * depth}{core}{"]" * depth}}}'.encode())
