"""The Open Inference Protocol in JSON: what comes back."""

import json
from typing import Any

import numpy as np
import orjson
import pytest

from shared.errors import MalformedRequest, SchemaMismatch
from shared.models.scoring import Predictions
from shared.online.exchange import Answered, Message
from shared.online.protocols import oip

ANSWERED = Answered("flowers", "blue", "iris", "1")


def rendered(given: dict[str, Any], **request: Any) -> Any:
    document = {"inputs": [{"name": "n", "shape": [1], "datatype": "INT8", "data": [1]}], "id": "42", **request}
    asked = oip.read(Message(json.dumps(document).encode(), None, {}))
    predictions = Predictions(2, {name: np.asarray(values) for name, values in given.items()})
    reply = oip.render(predictions, asked, ANSWERED)
    assert (reply.content_type, reply.headers) == ("application/json", {})
    return orjson.loads(reply.body)


def test_the_reply_names_the_endpoint_the_deployment_and_the_request() -> None:
    assert rendered({"y": [1.5, 2.5]}) == {
        "model_name": "flowers",
        "model_version": "blue",
        "id": "42",
        "outputs": [{"name": "y", "shape": [2], "datatype": "FP64", "data": [1.5, 2.5]}],
    }


def test_an_id_is_made_where_none_came() -> None:
    first, second = (rendered({"y": [1]}, id=given)["id"] for given in (None, ""))
    assert first
    assert second
    assert first != second


def test_outputs_come_back_flat_in_the_order_they_were_asked_for() -> None:
    given = {"a": [[1, 2], [3, 4]], "b": ["x", "y"], "c": [1, 2]}
    outputs = rendered(given, outputs=[{"name": "b"}, {"name": "a"}])["outputs"]
    assert outputs == [
        {"name": "b", "shape": [2], "datatype": "BYTES", "data": ["x", "y"]},
        {"name": "a", "shape": [2, 2], "datatype": "INT64", "data": [1, 2, 3, 4]},
    ]


def test_an_output_that_the_model_does_not_give_is_refused() -> None:
    with pytest.raises(MalformedRequest, match="the model has no output 'z': it gives a, b"):
        rendered({"a": [1], "b": [1]}, outputs=[{"name": "z"}])


def test_no_rows_come_back_as_empty_tensors() -> None:
    assert rendered({})["outputs"] == []
    assert rendered({"y": np.empty((0, 3))})["outputs"] == [
        {"name": "y", "shape": [0, 3], "datatype": "FP64", "data": []}
    ]


def test_an_output_without_a_name_is_given_one() -> None:
    outputs = rendered({"": [1, 2]})["outputs"]
    assert [output["name"] for output in outputs] == ["output"]
    assert rendered({"": [1, 2]}, outputs=[{"name": "output"}])["outputs"] == outputs


def test_numbers_that_json_has_not_come_back_as_null_and_whole_ones_exactly() -> None:
    assert rendered({"y": [np.nan, np.inf]})["outputs"][0]["data"] == [None, None]
    assert rendered({"y": np.array([2**63 - 1, 2**53 + 1])})["outputs"][0]["data"] == [2**63 - 1, 2**53 + 1]


def test_what_is_no_number_comes_back_as_texts() -> None:
    values = np.array([b"\xff", b"ok", None, {"a": [1]}, 7], dtype=object)
    assert rendered({"y": values})["outputs"][0]["data"] == ["/w==", "ok", None, '{"a":[1]}', "7"]
    times = np.array(["2026-03-01T12:00"], "datetime64[s]")
    assert rendered({"y": times})["outputs"][0] == {
        "name": "y",
        "shape": [1],
        "datatype": "BYTES",
        "data": ["2026-03-01T12:00:00"],
    }


def test_errors_come_in_the_protocols_form() -> None:
    assert oip.render_error(SchemaMismatch("missing columns: ü"), 400) == '{"error":"missing columns: ü"}'.encode()
