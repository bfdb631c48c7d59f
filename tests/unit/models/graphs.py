"""Tiny ONNX graphs and the packages around them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from shared.models.coercion import ColumnType
from shared.models.package import (
    PACKAGE_FILE,
    ModelPackage,
    ModelRef,
    PackagedFile,
    PackagedModel,
    digest_of,
    package_path,
)
from shared.models.signature import Column, Signature, Tensor
from shared.ports import BlobStore, Container

FLOAT, INT64, STRING, BOOL, FLOAT16, UINT8 = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.STRING,
    TensorProto.BOOL,
    TensorProto.FLOAT16,
    TensorProto.UINT8,
)
MODEL_FILE = "model.onnx"

type Shape = Sequence[int | str | None] | None


def value(name: str, kind: int, shape: Shape) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def node(operator: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> Any:
    return helper.make_node(operator, inputs, outputs, **attributes)


def graph(nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any], **constants: Any) -> bytes:
    initializers = [numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    body = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    data: bytes = helper.make_model(body, opset_imports=opsets, ir_version=9).SerializeToString()
    return data


def identity(kind: int, shape: Shape, name: str = "x") -> bytes:
    return graph([node("Identity", [name], ["y"])], [value(name, kind, shape)], [value("y", kind, shape)])


def lookup(size: int) -> bytes:
    """`y = 10 * index`, and a failure at run time for an index that is not below `size`."""
    return graph(
        [node("Gather", ["table", "index"], ["y"])],
        [value("index", INT64, [None])],
        [value("y", FLOAT, [None])],
        table=np.arange(size, dtype=np.float32) * 10,
    )


def columns(*names: str, type: ColumnType = "double") -> Signature:  # noqa: A002 - MLflow's word
    return Signature(columns=tuple(Column(name=name, type=type) for name in names))


def tensors(**shapes: tuple[str, Sequence[int]]) -> Signature:
    entries = (Tensor(name=name, dtype=dtype, shape=tuple(shape)) for name, (dtype, shape) in shapes.items())
    return Signature(tensors=tuple(entries))


def upload(store: BlobStore, data: bytes, signature: Signature, name: str = "tiny", version: str = "1") -> ModelRef:
    file = PackagedFile(path=MODEL_FILE, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    package = ModelPackage(
        name=name,
        version=version,
        model=PackagedModel(flavor="onnx", model_file=MODEL_FILE),
        signature=signature,
        files=(file,),
    )
    store.write(Container.MODELS, package_path(name, version, MODEL_FILE), data)
    store.write(Container.MODELS, package_path(name, version, PACKAGE_FILE), package.to_bytes())
    return ModelRef(name, version, digest_of(package.to_bytes()))
