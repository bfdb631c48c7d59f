"""Bare graphs, wrapped into MLflow model folders."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from cli.sources.resolve import resolve
from shared.errors import MalformedRequest
from shared.models.mlmodel import describe
from shared.models.signature import Signature
from tests.unit.cli.sources.stores import identity, weighted

FLOAT, LONG, TEXT = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def saved(folder: Path, model: onnx.ModelProto, name: str = "same.onnx") -> Path:
    folder.mkdir(exist_ok=True)
    onnx.save_model(model, folder / name)
    return folder / name


def wrapped(tmp_path: Path, inputs: list[Any]) -> Signature:
    file = saved(tmp_path, identity(inputs))
    source = resolve(file.name, tmp_path / "into", base=tmp_path)
    assert source.origin.flavors == ("onnx",)
    return describe(source.folder, "same", "1").signature


def test_inputs_of_one_value_a_row_are_columns(tmp_path: Path) -> None:
    inputs = [("carrier", TEXT, ["rows", 1]), ("distance", FLOAT, [None, 1]), ("hour", LONG, [None])]
    signature = wrapped(tmp_path, inputs)
    columns = [(each.name, each.type) for each in signature.columns]
    assert columns == [("carrier", "string"), ("distance", "float"), ("hour", "long")]
    assert [each.name for each in signature.outputs] == ["carrier_out", "distance_out", "hour_out"]


@pytest.mark.parametrize(
    ("kind", "shape", "dtype", "expected"),
    [
        (FLOAT, ["rows", 4], "float32", (-1, 4)),
        (TensorProto.UINT8, ["rows", "height", "width", 3], "uint8", (-1, -1, -1, 3)),
        (FLOAT, [1, 3, 224, 224], "float32", (-1, 3, 224, 224)),
        (TensorProto.FLOAT16, ["rows"], "float16", (-1,)),
        (TEXT, ["rows", 2], "object", (-1, 2)),
    ],
)
def test_other_inputs_are_tensors_of_any_number_of_rows(
    tmp_path: Path, kind: int, shape: list[Any], dtype: str, expected: tuple[int, ...]
) -> None:
    (tensor,) = wrapped(tmp_path, [("x", kind, shape)]).tensors
    assert (tensor.name, tensor.dtype, tensor.shape) == ("x", dtype, expected)


def test_wrapping_twice_gives_the_same_package(tmp_path: Path) -> None:
    file = saved(tmp_path, weighted())
    packages = [
        describe(resolve(str(file), tmp_path / into, base=tmp_path).folder, "same", "1").to_bytes()
        for into in ("one", "two")
    ]
    assert packages[0] == packages[1]


def test_mlflow_itself_can_load_what_is_made(tmp_path: Path) -> None:
    file = saved(tmp_path, weighted())
    folder = resolve(str(file), tmp_path / "into", base=tmp_path).folder
    with warnings.catch_warnings(action="ignore"):
        import mlflow.pyfunc

        answer = mlflow.pyfunc.load_model(str(folder)).predict({"x": np.ones((2, 4), np.float32)})
    assert answer["y"].tolist() == [[4.0, 4.0], [4.0, 4.0]]


def test_weights_beside_the_graph_come_along(tmp_path: Path) -> None:
    onnx.save_model(
        weighted(), tmp_path / "large.onnx", save_as_external_data=True, location="large.data", size_threshold=0
    )
    folder = resolve("large.onnx", tmp_path / "into", base=tmp_path).folder
    assert (folder / "large.data").read_bytes() == (tmp_path / "large.data").read_bytes()


def test_weights_that_are_missing_are_named(tmp_path: Path) -> None:
    onnx.save_model(
        weighted(), tmp_path / "large.onnx", save_as_external_data=True, location="large.data", size_threshold=0
    )
    (tmp_path / "large.data").unlink()
    with pytest.raises(MalformedRequest, match=r"large\.data"):
        resolve("large.onnx", tmp_path / "into", base=tmp_path)


@pytest.mark.parametrize("content", [b"", b"no graph at all", b"\x08\x08"])
def test_what_is_no_graph_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.onnx").write_bytes(content)
    with pytest.raises(MalformedRequest, match=r"^broken\.onnx is not a valid ONNX graph, export the model again"):
        resolve("broken.onnx", tmp_path / "into", base=tmp_path)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([("x", FLOAT, [8, 4])], "takes exactly 8 rows: export it with a first dimension of any size"),
        ([("x", FLOAT, [])], "is a single value, a param: log it with mlflow.onnx"),
        ([("x", FLOAT, None)], "'shape' of 'type' is required"),
        ([("x", TensorProto.BFLOAT16, ["rows", 2])], "cannot be served"),
    ],
)
def test_a_graph_that_no_request_can_fill_is_refused_and_leaves_nothing(
    tmp_path: Path, inputs: list[Any], message: str
) -> None:
    file = saved(tmp_path, identity(inputs))
    with pytest.raises(MalformedRequest, match=message):
        resolve(str(file), tmp_path / "into", base=tmp_path)
    assert not list((tmp_path / "into").glob("*"))
