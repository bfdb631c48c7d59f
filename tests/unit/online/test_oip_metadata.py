"""What the Open Inference Protocol tells of a server and its models."""

import tomllib
from pathlib import Path

import pytest

from shared.models.signature import Column, Output, Signature, Tensor
from shared.online.protocols import oip_metadata

TABLE = Signature(columns=(Column(name="n", type="long"), Column(name="s", type="string")))


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert oip_metadata.server() == {
        "name": project["name"],
        "version": project["version"],
        "extensions": ["binary_tensor_data"],
    }


def test_columns_are_tensors_of_one_dimension() -> None:
    outputs = [Output(name="label", type="long"), Output(name="p", type="float32", shape=(-1, 3))]
    assert oip_metadata.model("flowers", ["blue", "green"], "onnx", TABLE, outputs) == {
        "name": "flowers",
        "versions": ["blue", "green"],
        "platform": "onnx_onnxv1",
        "inputs": [
            {"name": "n", "datatype": "INT64", "shape": [-1]},
            {"name": "s", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [-1]},
            {"name": "p", "datatype": "FP32", "shape": [-1, 3]},
        ],
    }


def test_what_has_no_name_is_given_one() -> None:
    signature = Signature(tensors=(Tensor(dtype="float32", shape=(-1, 2)),))
    document = oip_metadata.model("flowers", ["blue"], "pyfunc", signature, [Output(name="", type="double")])
    assert document["platform"] == "mlflow_pyfunc"
    assert document["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
    assert document["outputs"] == [{"name": "output", "datatype": "FP64", "shape": [-1]}]


def test_a_model_that_says_nothing_of_itself_lists_no_tensors() -> None:
    document = oip_metadata.model("flowers", ["blue"], "script", Signature(), [])
    assert (document["inputs"], document["outputs"]) == ([], [])


@pytest.mark.parametrize(
    ("kind", "datatype"),
    [
        ("boolean", "BOOL"),
        ("integer", "INT32"),
        ("long", "INT64"),
        ("float", "FP32"),
        ("double", "FP64"),
        ("string", "BYTES"),
        ("datetime", "BYTES"),
        ("binary", "BYTES"),
        ("array", "BYTES"),
        ("bool", "BOOL"),
        ("uint8", "UINT8"),
        ("int16", "INT16"),
        ("float16", "FP16"),
        ("float64", "FP64"),
        ("str", "BYTES"),
        ("object", "BYTES"),
        ("complex64", "BYTES"),
        ("nonsense", "BYTES"),
    ],
)
def test_every_type_has_a_datatype(kind: str, datatype: str) -> None:
    assert oip_metadata.datatype(kind) == datatype


@pytest.mark.parametrize(
    ("state", "error", "told", "reason"),
    [
        ("Ready", "", "READY", ""),
        ("Loading", "", "LOADING", ""),
        ("Idle", "", "UNAVAILABLE", "the first request loads it"),
        ("Failed", "the model is gone", "UNAVAILABLE", "the model is gone"),
    ],
)
def test_the_index_says_what_state_a_deployment_is_in(state: str, error: str, told: str, reason: str) -> None:
    entry = oip_metadata.indexed("flowers", "blue", state, error)
    assert entry == {"name": "flowers", "version": "blue", "state": told, "reason": reason}


def test_health_and_readiness_say_it_in_the_words_of_every_client() -> None:
    assert oip_metadata.health() == {"live": True, "ready": True}
    assert oip_metadata.ready("flowers") == {"name": "flowers", "ready": True}
