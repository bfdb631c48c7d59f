"""From the inputs and outputs that an ONNX graph declares to a signature in MLflow's words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from onnx import ModelProto, TensorProto, ValueInfoProto, helper

from cli.sources.onnx_folder import WrittenSignature
from shared.errors import MalformedRequest

_COLUMN_TYPES: Final[Mapping[int, str]] = {
    TensorProto.BOOL: "boolean",
    TensorProto.DOUBLE: "double",
    TensorProto.FLOAT: "float",
    TensorProto.INT32: "integer",
    TensorProto.INT64: "long",
    TensorProto.STRING: "string",
}

type _Shape = Sequence[int | None]


def signature_of(model: ModelProto) -> WrittenSignature:
    """Columns where every input is one value a row, `[rows]` or `[rows, 1]`, of a column's type; else tensors.

    Raises MalformedRequest for an input that no request can fill.
    """
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = {each.name: each for each in model.graph.input if each.name not in given}
    if not inputs:
        raise MalformedRequest("the graph has no input, and so nothing to ask it with")
    shapes = {name: _checked(each) for name, each in inputs.items()}
    types = {name: each.type.tensor_type.elem_type for name, each in inputs.items()}
    if all(_is_column(shapes[name], types[name]) for name in inputs):
        written = [{"type": _COLUMN_TYPES[types[name]], "name": name, "required": True} for name in inputs]
    else:
        written = [_tensor(name, types[name], [None, *shapes[name][1:]]) for name in inputs]
    return WrittenSignature(written, tuple(outputs_of(model.graph.output)))


def outputs_of(outputs: Iterable[ValueInfoProto]) -> Iterable[dict[str, Any]]:
    """Of those that are tensors of a known shape."""
    for output in outputs:
        shape = _shape(output)
        if shape:
            yield _tensor(output.name, output.type.tensor_type.elem_type, [None, *shape[1:]])


def _checked(entry: ValueInfoProto) -> _Shape:
    shape = _shape(entry)
    if shape is None:
        raise MalformedRequest(f"the graph's input {entry.name} is no tensor: export the model with tensors only")
    if not shape:
        raise MalformedRequest(
            f"the graph's input {entry.name} is a single value, a param: log it with mlflow.onnx and a signature"
        )
    if shape[0] not in (None, 1):
        raise MalformedRequest(
            f"the graph's input {entry.name} takes exactly {shape[0]} rows: "
            "export it with a first dimension of any size, or of 1"
        )
    return shape


def _shape(entry: ValueInfoProto) -> _Shape | None:
    """None where it is no tensor; a dimension of any size is None."""
    if not entry.type.HasField("tensor_type") or not entry.type.tensor_type.HasField("shape"):
        return None
    return [
        size.dim_value if size.HasField("dim_value") and size.dim_value > 0 else None
        for size in entry.type.tensor_type.shape.dim
    ]


def _is_column(shape: _Shape, type_: int) -> bool:
    return type_ in _COLUMN_TYPES and (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1))


def _tensor(name: str, type_: int, shape: _Shape) -> dict[str, Any]:
    dtype = "object" if type_ == TensorProto.STRING else str(helper.tensor_dtype_to_np_dtype(type_))
    sizes = [-1 if size is None else size for size in shape]
    return {"type": "tensor", "name": name, "tensor-spec": {"dtype": dtype, "shape": sizes}}
