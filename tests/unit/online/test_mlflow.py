"""MLflow's scoring contract, row by row, and what it says to those who break it."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import RequestError
from shared.models.features import Converter
from shared.models.signature import Column, Inputs, Param, Signature, Tensor
from shared.online.exchange import Message
from shared.online.protocols import mlflow

TABLE = Signature(
    columns=(
        Column(name="x", type="double"),
        Column(name="s", type="string"),
        Column(name="o", type="double", required=False),
    ),
    params=(Param(name="top", type="long", default=3),),
)
LOOSE = Signature()
TENSOR = Signature(tensors=(Tensor(dtype="float64", shape=(-1, 2)),))
NAMED = Signature(
    tensors=(Tensor(name="a", dtype="int64", shape=(-1,)), Tensor(name="b", dtype="float64", shape=(-1, 2)))
)
ONE = Signature(columns=(Column(name="x", type="double"),))
ROWS = [{"x": 1.0, "s": "a"}, {"x": 2.0, "s": "b"}]
SPLIT = {"columns": ["x", "s"], "index": [0, 1], "data": [[1.0, "a"], [2.0, "b"]]}
LISTS: dict[str, list[Any]] = {"x": [1.0, 2.0], "s": ["a", "b"]}
CSV = b"x,s\n1.0,a\n2.0,b\n"
ONE_OF = (
    "The input must be a JSON dictionary with exactly one of the input fields "
    "{dataframe_split, dataframe_records, instances, inputs}"
)


def parquet(**columns: list[Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def taken(body: bytes, signature: Signature = TABLE, content_type: str | None = None) -> Inputs:
    return mlflow.convert(mlflow.read(Message(body, content_type, {})), Converter(signature))


def sent(signature: Signature = TABLE, **members: Any) -> Inputs:
    return taken(json.dumps(members).encode(), signature)


def lists(inputs: Inputs) -> dict[str, list[Any]]:
    return {name: array.tolist() for name, array in inputs.features.items() if name != "o"}


def refused(body: bytes, signature: Signature = TABLE, content_type: str | None = None) -> tuple[str, str]:
    """The error's code and message."""
    with pytest.raises(RequestError) as caught:
        taken(body, signature, content_type)
    document = json.loads(mlflow.render_error(caught.value, 400))
    assert sorted(document) == ["error_code", "message"]
    return document["error_code"], document["message"]


def refused_json(signature: Signature = TABLE, **members: Any) -> tuple[str, str]:
    return refused(json.dumps(members).encode(), signature)


@pytest.mark.parametrize("signature", [TABLE, LOOSE])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (json.dumps({"dataframe_split": SPLIT}).encode(), "application/json"),
        (json.dumps({"dataframe_records": ROWS}).encode(), "application/json; charset=utf-8"),
        (json.dumps({"inputs": LISTS}).encode(), None),
        (json.dumps({"inputs": ROWS}).encode(), None),
        (json.dumps({"instances": ROWS}).encode(), None),
        (json.dumps({"instances": LISTS}).encode(), None),
        (CSV, "text/csv"),
        (CSV, "Text/CSV;charset=UTF-8"),
        (parquet(**LISTS), "application/vnd.apache.parquet"),
    ],
)
def test_every_form_brings_the_same_rows(signature: Signature, body: bytes, content_type: str | None) -> None:
    assert lists(taken(body, signature, content_type)) == LISTS


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"dataframe_split": {"columns": ["s", "y", "x"], "data": [["a", 0, 1.0]]}}', None),
        (b'{"dataframe_records": [{"s": "a", "y": 0, "x": 1.0}]}', None),
        (b"s,y,x\na,0,1.0\n", "text/csv"),
        (parquet(s=["a"], y=[0], x=[1.0]), "application/vnd.apache.parquet"),
        (b'{"inputs": {"s": "a", "y": 0, "x": 1.0}}', None),
    ],
)
def test_columns_may_be_reordered_and_there_may_be_more(body: bytes, content_type: str | None) -> None:
    assert lists(taken(body, TABLE, content_type)) == {"x": [1.0], "s": ["a"]}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"dataframe_split": {"columns": ["s"], "data": [["a"]]}}', None),
        (b'{"dataframe_records": [{"s": "a"}]}', None),
        (b'{"inputs": {"s": ["a"]}}', None),
        (b'{"inputs": {"s": "a"}}', None),
        (b'{"instances": [{"s": "a"}]}', None),
        (b"s\na\n", "text/csv"),
        (parquet(s=["a"]), "application/vnd.apache.parquet"),
    ],
)
def test_a_missing_column_is_an_invalid_parameter(body: bytes, content_type: str | None) -> None:
    assert refused(body, TABLE, content_type) == ("INVALID_PARAMETER_VALUE", "missing columns: x")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"dataframe_split": {"columns": ["x", "s"], "data": [[1, "a"], ["b", "b"]]}}', None),
        (b'{"dataframe_records": [{"x": 1, "s": "a"}, {"x": null, "s": "a"}]}', None),
        (b'{"inputs": {"x": [1, "1"], "s": ["a", "b"]}}', None),
        (b"x,s\n1,a\ntext,b\n", "text/csv"),
        (b"x,s\n1,a\n,b\n", "text/csv"),
        (parquet(x=[1.0, None], s=["a", "b"]), "application/vnd.apache.parquet"),
    ],
)
def test_a_text_or_nothing_where_a_number_is_needed_is_a_bad_request(body: bytes, content_type: str | None) -> None:
    code, message = refused(body, TABLE, content_type)
    assert code == "BAD_REQUEST"
    assert "column 'x', row 1" in message


@pytest.mark.parametrize("signature", [TABLE, LOOSE])
@pytest.mark.parametrize(
    "data",
    [[[1.0, "a"], [2.0]], [[1.0]], [[1.0, "a"], 1], [1.0, 2.0], "text", None, {"x": [1]}],
)
def test_a_ragged_split_is_no_dataframe(signature: Signature, data: Any) -> None:
    code, message = refused_json(signature, dataframe_split={"columns": ["x", "s"], "data": data})
    assert code == "BAD_REQUEST"
    assert message.startswith("Invalid input. Provided dataframe_split field is not a valid dataframe representation")


@pytest.mark.parametrize("signature", [TABLE, LOOSE])
@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"dataframe_split": [[1]]}, "Invalid input. Dataframe split format must be a dictionary. Got list."),
        ({"dataframe_split": "x"}, "Invalid input. Dataframe split format must be a dictionary. Got type str."),
        (
            {"dataframe_records": {"x": [1]}},
            "Invalid input. Dataframe records format must be a list of records. Got dictionary.",
        ),
        (
            {"dataframe_split": {"columns": ["x"]}},
            "Invalid input. Dataframe split format must have 'data' field and optionally 'columns' and 'index' "
            "fields. Got {'columns'}.",
        ),
        (
            {"dataframe_records": [[1]]},
            "Invalid input. Provided dataframe_records field is not a valid dataframe representation in 'records' "
            "format. Error: each record must be a dictionary",
        ),
        ({"inputs": 1}, "Invalid input. inputs must be a list or a dictionary. Got type int."),
        ({"inputs": LISTS, "instances": ROWS}, f"{ONE_OF}. Received dictionary with input fields: "),
        ({"columns": ["x"], "data": [[1]]}, f"{ONE_OF}. Received dictionary with input fields: ['columns', 'data']"),
        ({}, f"{ONE_OF}. Received dictionary with input fields: []"),
    ],
)
def test_a_form_that_is_broken_is_told_in_mlflows_words(
    signature: Signature, members: dict[str, Any], says: str
) -> None:
    code, message = refused_json(signature, **members)
    assert (code, message[: len(says)]) == ("BAD_REQUEST", says)


@pytest.mark.parametrize("body", [b"", b"{", b"nonsense", b"\xff", b'{"inputs": Infinity}'])
def test_a_body_that_is_no_json_is_told_in_mlflows_words(body: bytes) -> None:
    code, message = refused(body)
    assert code == "BAD_REQUEST"
    assert message.startswith("Invalid input. Ensure that input is a valid JSON formatted string. Error: ")


@pytest.mark.parametrize(("body", "found"), [(b"[]", "a list"), (b"1", "neither a dictionary nor a list")])
def test_json_that_is_no_object_is_told_in_mlflows_words(body: bytes, found: str) -> None:
    assert refused(body) == ("BAD_REQUEST", f"Invalid input. {ONE_OF}. Received {found}.")


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_a_list_without_names_is_refused_by_columns_and_taken_by_a_tensor(form: str) -> None:
    code, message = refused_json(TABLE, **{form: [[1.0, 2.0]]})
    assert (code, message) == ("INVALID_PARAMETER_VALUE", "the model takes columns by name: x, s, o")
    assert lists(sent(TENSOR, **{form: [[1.0, 2.0]]})) == {"": [[1.0, 2.0]]}
    assert lists(sent(LOOSE, **{form: [[1.0, 2.0]]})) == {"": [[1.0, 2.0]]}
    assert lists(sent(ONE, **{form: [1.0, 2.0]})) == {"x": [1.0, 2.0]}


def test_named_tensors_come_by_name_or_one_instance_at_a_time() -> None:
    wanted = {"a": [1, 2], "b": [[1.0, 2.0], [3.0, 4.0]]}
    assert lists(sent(NAMED, inputs=wanted)) == wanted
    instances = [{"a": 1, "b": [1.0, 2.0]}, {"a": 2, "b": [3.0, 4.0]}]
    assert lists(sent(NAMED, instances=instances)) == wanted
    assert refused_json(NAMED, inputs={"a": [1]}) == ("INVALID_PARAMETER_VALUE", "missing tensors: b")


def test_lists_of_different_lengths_are_refused() -> None:
    assert "column 's' has 1 values" in refused_json(inputs={"x": [1.0, 2.0], "s": ["a"]})[1]


def test_a_split_without_names_comes_in_the_order_of_the_signature() -> None:
    assert lists(sent(dataframe_split={"data": [[1.0, "a", None]]})) == {"x": [1.0], "s": ["a"]}


def test_columns_that_are_numbered_as_pandas_does_are_taken_by_their_numbers() -> None:
    split = {"columns": [0, 1], "index": [0], "data": [[1.0, "a"]]}
    assert lists(sent(LOOSE, dataframe_split=split)) == {"0": [1.0], "1": ["a"]}


@pytest.mark.parametrize("index", [[0], 1, {}])
def test_an_index_that_does_not_fit_is_refused(index: Any) -> None:
    assert "one entry for each row" in refused_json(dataframe_split={**SPLIT, "index": index})[1]


@pytest.mark.parametrize("columns", ["x", {"x": 1}, [["x"]], [None]])
def test_columns_that_are_no_names_are_refused(columns: Any) -> None:
    assert "list of names" in refused_json(dataframe_split={**SPLIT, "columns": columns})[1]


def test_params_that_are_no_dictionary_are_an_invalid_parameter() -> None:
    assert refused_json(dataframe_split=SPLIT, params=[1]) == (
        "INVALID_PARAMETER_VALUE",
        "Invalid input. Parameters must be a dictionary. Got list.",
    )


def test_unknown_members_are_none_of_its_business() -> None:
    assert lists(sent(dataframe_split=SPLIT, model="other", extra={"inputs": 1})) == LISTS


@pytest.mark.parametrize(
    ("params", "wanted"), [(None, 3), ({}, 3), ({"unknown": 1}, 3), ({"top": 5, "unknown": [1]}, 5)]
)
def test_params_are_filled_in_and_unknown_ones_left_out(params: Any, wanted: int) -> None:
    assert sent(dataframe_split=SPLIT, params=params).params == {"top": wanted}
    assert taken(CSV, content_type="text/csv").params == {"top": 3}
