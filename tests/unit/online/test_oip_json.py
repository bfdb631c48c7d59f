"""The Open Inference Protocol in JSON: what is taken, and what is refused."""

import json
from typing import Any

import numpy as np
import orjson
import pytest

from shared.errors import MalformedRequest, PayloadTooLarge, SchemaMismatch, UnsupportedMediaType
from shared.models.features import Converter
from shared.models.json_body import MAX_ROWS
from shared.models.scoring import Predictions
from shared.models.signature import Column, Param, Signature, Tensor
from shared.online.exchange import Answered, Message
from shared.online.protocols import oip
from shared.online.protocols.oip_tensors import DATATYPES

TABLE = Signature(
    columns=(
        Column(name="n", type="long"),
        Column(name="s", type="string"),
        Column(name="o", type="double", required=False),
    ),
    params=(Param(name="top", type="long", default=3),),
)
DOUBLES = Signature(columns=tuple(Column(name=name, type="double") for name in "abc"))
TENSOR = Signature(tensors=(Tensor(dtype="float32", shape=(-1, 2)),))
ANSWERED = Answered("flowers", "blue", "iris", "1")


def tensor(name: str, datatype: str, data: Any, shape: list[int] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape or [len(data)], "datatype": datatype, "data": data, **more}


N = tensor("n", "INT64", [1, 2])
S = tensor("s", "BYTES", ["a", "ü"])


def read(document: object, content_type: str | None = None) -> oip.Request:
    return oip.read(Message(json.dumps(document).encode(), content_type, {}))


def taken(*inputs: Any, signature: Signature = TABLE, **members: Any) -> dict[str, Any]:
    request = read({"inputs": list(inputs), **members})
    return {name: array.tolist() for name, array in oip.convert(request, Converter(signature)).features.items()}


def refused(*inputs: Any, **members: Any) -> str:
    with pytest.raises(MalformedRequest) as caught:
        read({"inputs": list(inputs), **members})
    return caught.value.message


def test_columns_come_by_name_in_one_dimension_or_two() -> None:
    two = tensor("n", "INT64", [1, 2], [2, 1])
    assert taken(S, two)["n"] == taken(N, S)["n"] == [1, 2]
    assert taken(N, S)["s"] == ["a", "ü"]


@pytest.mark.parametrize("data", [[1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]])
def test_all_columns_come_as_one_tensor_of_any_name(data: Any) -> None:
    columns = taken(tensor("x", "FP64", data, [2, 3]), signature=DOUBLES)
    assert columns == {"a": [1.0, 4.0], "b": [2.0, 5.0], "c": [3.0, 6.0]}


def test_an_unnamed_tensor_comes_under_any_name() -> None:
    assert taken(tensor("x", "FP32", [[1, 2.5]], [1, 2]), signature=TENSOR) == {"": [[1.0, 2.5]]}


def test_a_type_must_fit_without_loss() -> None:
    assert taken(tensor("n", "INT8", [1, 2]), S)["n"] == [1, 2]
    with pytest.raises(SchemaMismatch, match="column 'n', row 1"):
        taken(tensor("n", "FP64", [1, 2.5]), S)
    with pytest.raises(SchemaMismatch, match="column 'n', row 0"):
        taken(tensor("n", "UINT64", [2**64 - 1, 0]), S)


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("BOOL", [True, False]),
        ("UINT8", [0, 255]),
        ("UINT16", [0, 65535]),
        ("UINT32", [0, 2**32 - 1]),
        ("UINT64", [0, 2**64 - 1]),
        ("INT8", [-128, 127]),
        ("INT16", [-(2**15), 2**15 - 1]),
        ("INT32", [-(2**31), 2**31 - 1]),
        ("INT64", [-(2**63), 2**63 - 1]),
        ("FP16", [0.5, 65504]),
        ("FP32", [0.5, -1]),
        ("FP64", [0.1, 1e308]),
        ("BYTES", ["", "ü"]),
    ],
)
def test_every_datatype_is_taken_and_given_exactly(datatype: str, data: list[Any]) -> None:
    array = read({"inputs": [tensor("x", datatype, data)]}).arrays["x"]
    assert array.dtype == np.dtype("O" if datatype == "BYTES" else DATATYPES[datatype])
    rendered = oip.render(Predictions(2, {"y": array}), read({"inputs": [N]}), ANSWERED)
    output = orjson.loads(rendered.body)["outputs"][0]
    assert output == {"name": "y", "shape": [2], "datatype": datatype, "data": data}


@pytest.mark.parametrize(
    ("datatype", "value", "says"),
    [
        ("BOOL", 1, "1 is not true or false"),
        ("UINT8", 256, "256 is not a whole number of type uint8"),
        ("INT64", 2**63, "is not a whole number of type int64"),
        ("INT32", 0.5, "0.5 is not a whole number"),
        ("INT32", None, "None is not a whole number"),
        ("FP16", 65520, "65520 is too large for type float16"),
        ("FP32", 1e39, "too large for type float32"),
        ("FP64", "1", "'1' is not a number"),
        ("FP64", True, "True is not a number"),
        ("BYTES", 1, "1 is not a text"),
        ("BYTES", {}, "{} is not a text"),
    ],
)
def test_a_value_that_does_not_fit_its_datatype_is_named(datatype: str, value: Any, says: str) -> None:
    good = {"BOOL": True, "BYTES": "a"}.get(datatype, 1)
    message = refused(tensor("x", datatype, [good, value]))
    assert message.startswith("input 'x', value 1: ")
    assert says in message


def test_null_stands_for_a_missing_value_in_fractions() -> None:
    assert np.isnan(taken(N, S, tensor("o", "FP64", [None, 1]))["o"]).tolist() == [True, False]
    with pytest.raises(SchemaMismatch, match="column 'a', row 0"):
        taken(tensor("x", "FP64", [None, 1, 2], [1, 3]), signature=DOUBLES)


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ([3], "the data has 2 values, but the shape is [3]"),
        ([2, 2], "2 values"),
        ([0], "2 values"),
        ([-1], "none below 0"),
        ([-1, -2], "none below 0"),
        ([], "1 to 32 dimensions"),
        ([1] * 33, "1 to 32 dimensions"),
        ([2, 2**62, 2**62], "2 values"),
        (["2"], "list of sizes"),
        ([True, 2], "list of sizes"),
        ([2.0], "list of sizes"),
        (2, "list of sizes"),
        (None, "list of sizes"),
        ({}, "list of sizes"),
    ],
)
def test_a_shape_that_does_not_fit_the_data_is_refused(shape: Any, says: str) -> None:
    assert says in refused({**N, "shape": shape})


@pytest.mark.parametrize("shape", [[0, 2**62, 2**62], [0, 2**63], [0, 2**64 - 1]])
def test_an_empty_tensor_of_any_size_costs_nothing(shape: list[int]) -> None:
    assert "too large" in refused({**N, "shape": shape, "data": []})


def test_nested_data_must_be_of_the_shape() -> None:
    for data in ([[1], [2], [3]], [[1, 2], [3]], [[1, 2], 3], [[[1]], [[2]]]):
        assert "not of the shape [2, 2]" in refused(tensor("x", "INT64", data, [2, 2]))


@pytest.mark.parametrize("data", [None, 1, "ab", {"a": 1}])
def test_data_that_is_no_list_is_refused(data: Any) -> None:
    assert "the data must be a list of values" in refused({**N, "data": data})


def test_more_rows_than_a_request_may_hold_are_refused() -> None:
    with pytest.raises(PayloadTooLarge, match="100001 rows"):
        read({"inputs": [tensor("x", "INT8", [0] * (MAX_ROWS + 1))]})


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "must be an object"),
        ({}, '"inputs" must be a list'),
        ({"inputs": []}, '"inputs" must be a list of one or more tensors'),
        ({"inputs": {}}, '"inputs" must be a list'),
        ({"inputs": [1]}, '"inputs" at 0 must be an object with a "name"'),
        ({"inputs": [N, {"name": 1}]}, '"inputs" at 1 must be an object'),
        ({"inputs": [N, N]}, "input 'n' is given twice"),
        ({"inputs": [{**N, "datatype": "BF16"}]}, "the datatype must be one of BOOL"),
        ({"inputs": [{**N, "datatype": []}]}, "the datatype must be one of"),
        ({"inputs": [{**N, "parameters": []}]}, '"parameters" must be an object'),
        ({"inputs": [{**N, "parameters": {"shared_memory_region": "x"}}]}, "shared memory is not taken"),
        ({"inputs": [{**N, "parameters": {"binary_data_size": 16}}]}, 'send "data" or binary data'),
        ({"inputs": [N], "id": 1}, '"id" must be a text'),
        ({"inputs": [N], "parameters": 1}, 'the request: "parameters" must be an object'),
        ({"inputs": [N], "parameters": {"binary_data_output": 1}}, '"binary_data_output" must be true or false'),
        ({"inputs": [N], "outputs": {}}, '"outputs" must be a list'),
        ({"inputs": [N], "outputs": ["y"]}, '"outputs" at 0 must be an object'),
        ({"inputs": [N], "outputs": [{"name": "y"}, {"name": "y"}]}, "output 'y' is asked for twice"),
        ({"inputs": [N], "outputs": [{"name": "y", "parameters": {"binary_data": "yes"}}]}, "true or false"),
        ({"inputs": [N], "outputs": [{"name": "y", "parameters": {"classification": 3}}]}, "classification"),
    ],
)
def test_a_request_of_another_form_is_told_what_is_wrong(document: Any, says: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read(document)
    assert says in caught.value.message


@pytest.mark.parametrize("content_type", [None, "application/json", "Application/JSON; charset=utf-8"])
def test_json_is_taken_with_its_content_type_and_without(content_type: str | None) -> None:
    assert read({"inputs": [N]}, content_type).arrays["n"].tolist() == [1, 2]


def test_other_content_types_are_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        read({"inputs": [N]}, "text/csv")


def test_parameters_reach_a_model_that_names_them() -> None:
    request = read({"inputs": [N, S], "parameters": {"top": 5, "priority": 1}})
    assert oip.convert(request, Converter(TABLE)).params == {"top": 5}
