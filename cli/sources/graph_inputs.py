"""The inputs that a scikit-learn model's graph is given, by the model's signature."""

from typing import Any, Final

from shared.errors import MalformedRequest
from shared.models.signature import Signature

_ALL_COLUMNS: Final = "X"
_TYPES: Final = {
    "boolean": "BooleanTensorType",
    "integer": "Int64TensorType",
    "long": "Int64TensorType",
    "float": "FloatTensorType",
    "double": "FloatTensorType",
    "string": "StringTensorType",
}


def graph_inputs(model: Any, signature: Signature) -> list[tuple[str, Any]]:
    """skl2onnx's types by name: an input a column for a model that picks columns, else one of all of them.

    Raises MalformedRequest for a type that no graph of scikit-learn takes.
    """
    from skl2onnx.common import data_types

    if signature.tensors:
        tensor = signature.tensors[0]
        if len(signature.tensors) > 1 or len(tensor.shape) != 2 or tensor.shape[1] == -1:
            raise MalformedRequest("only one tensor of rows and a known number of columns can be converted: log it so")
        return [(tensor.name or _ALL_COLUMNS, data_types.FloatTensorType([None, tensor.shape[1]]))]
    if odd := [column for column in signature.columns if column.type not in _TYPES]:
        raise MalformedRequest(
            f"the column {odd[0].name} of type {odd[0].type} cannot be converted: publish the model as it is"
        )
    texts = {column.type == "string" for column in signature.columns}
    if _picks_columns(model) or len(texts) > 1:
        return [(column.name, getattr(data_types, _TYPES[column.type])([None, 1])) for column in signature.columns]
    kind = data_types.StringTensorType if texts == {True} else data_types.FloatTensorType
    return [(_ALL_COLUMNS, kind([None, len(signature.columns)]))]


def _picks_columns(model: Any) -> bool:
    from sklearn.compose import ColumnTransformer

    return any(isinstance(each, ColumnTransformer) for each in (model, *model.get_params(deep=True).values()))
