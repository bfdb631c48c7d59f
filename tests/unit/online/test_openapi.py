"""The documents of an endpoint: valid, true to what is taken, and silent about the rest."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator

from shared.models.features import Converter
from shared.models.signature import Column, Param, Signature, Tensor, count_rows
from shared.online.exchange import Message
from shared.online.openapi import examples, schemas
from shared.online.openapi.described import Answering, Gate, Json
from shared.online.openapi.document import openapi
from shared.online.openapi.swagger import swagger
from shared.online.protocols import azureml
from tests.unit.endpoints.documents import endpoint

GATE = Gate("https://login.example/tenant", "api://slipway", "user_impersonation")
COLUMNS = Signature(
    columns=tuple(
        Column(name=f"a {kind}", type=kind, required=required)
        for kind, required in (
            ("boolean", True),
            ("integer", True),
            ("long", True),
            ("float", False),
            ("double", True),
            ("string", False),
            ("datetime", True),
            ("binary", False),
            ("array", True),
            ("object", True),
            ("map", True),
            ("any", False),
        )
    ),
    params=(
        Param(name="threshold", type="double", default=0.5),
        Param(name="words", type="string", default=["a"], shape=(-1,)),
    ),
)
ANSWERING = {
    "columns": Answering(COLUMNS),
    "tensor": Answering(Signature(tensors=(Tensor(dtype="float32", shape=(-1, 4)),))),
    "named": Answering(Signature(tensors=(Tensor(name="x", dtype="int64", shape=(-1,)),))),
    "tensors": Answering(
        Signature(
            tensors=(Tensor(name="x", dtype="uint8", shape=(-1, 2, 2)), Tensor(name="y", dtype="string", shape=(-1,)))
        )
    ),
    "silent": Answering(),
    "of-many": Answering(Signature(columns=(Column(name="x", type="double"),)), of_many="iris"),
    "segments": Answering(Signature(columns=(Column(name="carrier", type="string"),)), segment={"carrier": "UA"}),
    "script": Answering(is_script=True),
}


def described(answering: Mapping[str, Answering], **changes: Any) -> tuple[Json, Json]:
    """The OpenAPI and the Swagger document."""
    described = endpoint({}, *answering, **changes)
    return openapi(described, answering, GATE), swagger(described, answering, GATE)


@pytest.mark.parametrize("names", [*([name] for name in ANSWERING), list(ANSWERING)], ids=" ".join)
def test_the_documents_hold_to_their_standards(names: list[str]) -> None:
    for mode in (["entra"], ["key"], ["entra", "key"]):
        new, old = described({name: ANSWERING[name] for name in names}, auth_mode=mode)
        OpenAPIV31SpecValidator(new).validate()
        OpenAPIV2SpecValidator(old).validate()


@pytest.mark.parametrize("name", ["columns", "tensor", "named", "tensors", "of-many", "segments"])
def test_the_example_is_a_request_that_the_protocols_take(name: str) -> None:
    answering = ANSWERING[name]
    for schema, example in (
        (schemas.azureml(answering), examples.azureml(answering)),
        (schemas.mlflow(answering), examples.mlflow(answering)),
        (schemas.oip(answering), examples.oip(answering)),
    ):
        Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("name", ["columns", "tensor", "named", "tensors", "of-many", "segments"])
def test_the_example_of_score_becomes_one_row(name: str) -> None:
    answering = ANSWERING[name]
    body = orjson.dumps(examples.azureml(answering))
    inputs = azureml.convert(azureml.read(Message(body, "application/json", {})), Converter(answering.signature))
    assert count_rows(inputs.features) == 1


def test_the_example_that_was_kept_with_the_model_is_shown_with_one_row_and_its_params() -> None:
    signature = Signature(columns=(Column(name="x", type="double"), Column(name="y", type="string", required=False)))
    kept = {"dataframe_split": {"columns": ["y", "x"], "data": [["a", 1.5], ["b", 2.5]]}, "params": {"k": 1}}
    answering = Answering(signature, example=kept)
    assert examples.azureml(answering) == {
        "input_data": {"columns": ["y", "x"], "data": [["a", 1.5]]},
        "params": {"k": 1},
    }
    assert examples.table(answering) == "y,x\na,1.5\n"
    assert examples.oip(answering) == {
        "inputs": [
            {"name": "y", "shape": [1], "datatype": "BYTES", "data": ["a"]},
            {"name": "x", "shape": [1], "datatype": "FP64", "data": [1.5]},
        ],
        "parameters": {"k": 1},
    }


def test_kept_tensors_are_shown_with_one_row() -> None:
    one = Signature(tensors=(Tensor(dtype="float32", shape=(-1, 2)),))
    answering = Answering(one, example={"inputs": [[1.0, 2.0], [3.0, 4.0]]})
    assert examples.azureml(answering) == {"input_data": [[1.0, 2.0]]}
    assert examples.mlflow(answering) == {"inputs": [[1.0, 2.0]]}
    two = Signature(tensors=(Tensor(name="x", dtype="int8", shape=(-1,)), Tensor(name="y", dtype="bool", shape=(-1,))))
    answering = Answering(two, example={"inputs": {"x": [1, 2], "y": [True, False]}})
    assert examples.azureml(answering) == {"input_data": {"x": [1], "y": [True]}}


@pytest.mark.parametrize(
    "kept",
    [
        {"dataframe_split": {"columns": ["z"], "data": [[1]]}},
        {"dataframe_split": {"columns": ["x"], "data": []}},
        {"dataframe_split": "text"},
        {"inputs": [[1]]},
        {"instances": 5},
    ],
)
def test_a_kept_example_that_does_not_fit_the_signature_is_not_shown(kept: Json) -> None:
    answering = Answering(Signature(columns=(Column(name="x", type="double"),)), example=kept)
    assert examples.azureml(answering) == {"input_data": {"columns": ["x"], "data": [[0.0]]}}


def test_a_segment_that_has_a_model_is_shown() -> None:
    assert examples.azureml(ANSWERING["segments"]) == {"input_data": {"columns": ["carrier"], "data": [["UA"]]}}


@pytest.mark.parametrize("name", ["silent", "script"])
def test_nothing_is_shown_of_what_is_not_known(name: str) -> None:
    for example in (examples.azureml, examples.mlflow, examples.oip, examples.table):
        assert example(ANSWERING[name]) is None


def test_deployments_that_take_the_same_are_told_once_and_others_side_by_side() -> None:
    def told(*names: str) -> Json:
        answering = {f"green-{number}": ANSWERING[name] for number, name in enumerate(names)}
        document, _ = described(answering)
        body = document["paths"]["/endpoints/flowers/score"]["post"]["requestBody"]
        schema: Json = body["content"]["application/json"]["schema"]
        return schema

    assert told("columns", "columns") == schemas.azureml(ANSWERING["columns"])
    assert told("columns", "tensor") == {
        "anyOf": [schemas.azureml(ANSWERING["columns"]), schemas.azureml(ANSWERING["tensor"])]
    }


def test_a_script_is_called_by_score_alone_and_answers_what_it_likes() -> None:
    document, old = described({"script": ANSWERING["script"]})
    assert [path for path in document["paths"] if "invocations" in path or "/v2/" in path] == []
    score = document["paths"]["/endpoints/flowers/score"]
    assert sorted(score) == ["get", "post"]
    assert "default" in score["post"]["responses"]
    assert "default" in old["paths"]["/score"]["post"]["responses"]


def test_only_what_lets_callers_in_is_named() -> None:
    for modes, schemes in (
        (["entra"], {"oauth2", "token"}),
        (["key"], {"key"}),
        (["key", "entra"], {"oauth2", "token", "key"}),
    ):
        document, _ = described({"blue": ANSWERING["columns"]}, auth_mode=modes)
        assert set(document["components"]["securitySchemes"]) == schemes
        assert {name for each in document["security"] for name in each} == schemes
    flows = document["components"]["securitySchemes"]["oauth2"]["flows"]
    assert flows["clientCredentials"] == {
        "tokenUrl": "https://login.example/tenant/oauth2/v2.0/token",
        "scopes": {"api://slipway/.default": "As an application."},
    }
    assert list(flows["authorizationCode"]["scopes"]) == ["api://slipway/user_impersonation"]


def test_nothing_of_who_may_call_or_of_a_deployments_settings_is_told() -> None:
    document, old = described({"blue": ANSWERING["columns"]}, allowed_object_ids=["an-object-id"], quota={})
    assert "an-object-id" not in repr((document, old))
    assert "sha256" not in repr((document, old))


def test_every_answer_but_a_scripts_own_is_described_with_the_error_of_its_protocol() -> None:
    document, _ = described({"blue": ANSWERING["columns"]})
    responses = document["components"]["responses"]
    for path, form in (
        ("/endpoints/flowers/score", "azureml"),
        ("/endpoints/flowers/invocations", "mlflow"),
        ("/v2/models/flowers/infer", "oip"),
    ):
        told = document["paths"][path]["post"]["responses"]
        assert [int(status) for status in told] == [200, 400, 401, 403, 404, 405, 408, 413, 415, 424, 429, 503]
        for status in [status for status in told if status != "200"]:
            assert told[status] == {"$ref": f"#/components/responses/{form}-{status}"}
            assert "x-request-id" in responses[f"{form}-{status}"]["headers"]
