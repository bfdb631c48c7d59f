"""JSON schemas of what a signature takes, in the forms of the three protocols. JSON Schema 2020-12, as OpenAPI 3.1."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.models.coercion import tensor_dtype
from shared.models.signature import Column, Param, Tensor
from shared.online.openapi.described import Answering, Json
from shared.online.protocols.oip_metadata import datatype

_FLOAT_MAX: Final = float(np.finfo(np.float32).max)
# By MLflow column type; what is not here takes any value.
_VALUES: Final[dict[str, Json]] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number", "minimum": -_FLOAT_MAX, "maximum": _FLOAT_MAX},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "datetime": {"type": "string", "description": "A date, or a date and time, in ISO 8601."},
    "binary": {"type": "string", "contentEncoding": "base64"},
    "array": {"type": "array"},
    "object": {"type": "object"},
    "map": {"type": "object"},
}
_ANYTHING: Final[Json] = {"description": "The model does not say what it takes."}
_INDEX: Final[Json] = {"type": "array", "description": "Labels of the rows; not looked at."}


def value(kind: str, required: bool = True) -> Json:
    schema = dict(_VALUES.get(kind, {}))
    if not required and schema:
        schema["type"] = [schema["type"], "null"]
    return schema


def azureml(answering: Answering) -> Json:
    """The body of `/score`."""
    signature = answering.signature
    if answering.is_script:
        return {"description": "Whatever the deployment's score.py takes."}
    if signature.columns:
        data: Json = {"anyOf": [_table(signature.columns), _rows(signature.columns)]}
    else:
        data = _tensors(signature.tensors)
    properties: Json = {"input_data": data, "params": _params(signature.params)}
    if answering.of_many:
        properties["model"] = {"type": "string", "description": "Which of the deployment's models."}
    return {"type": "object", "required": ["input_data"], "properties": properties, "additionalProperties": False}


def mlflow(answering: Answering) -> Json:
    """The JSON body of `/invocations`: exactly one of the forms, and what else is there is not looked at."""
    signature = answering.signature
    if signature.columns:
        forms: Json = {
            "dataframe_split": _table(signature.columns),
            "dataframe_records": {"type": "array", "items": _record(signature.columns)},
            "inputs": _lists(signature.columns),
        }
    elif signature.tensors:
        forms = {"inputs": _tensors(signature.tensors), "instances": _tensors(signature.tensors)}
    else:
        forms = dict.fromkeys(("dataframe_split", "dataframe_records", "inputs", "instances"), _ANYTHING)
    return {
        "type": "object",
        "properties": {**forms, "params": _params(signature.params)},
        "oneOf": [{"required": [form]} for form in forms],
    }


def oip(answering: Answering) -> Json:
    """The JSON body of `/infer`."""
    signature = answering.signature
    tensors = [
        *(_typed(column.name, column.type, 1, value(column.type)) for column in signature.columns),
        *(_typed(tensor.name, tensor.dtype, len(tensor.shape), element(tensor.dtype)) for tensor in signature.tensors),
    ]
    required = sum(column.required for column in signature.columns) + len(signature.tensors)
    output = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {
                "type": "array",
                "minItems": max(required, 1),
                "items": {"anyOf": tensors} if tensors else _ANYTHING,
            },
            "outputs": {"type": "array", "items": output},
            "parameters": _params(signature.params),
        },
    }


def element(dtype: str) -> Json:
    """One value of a tensor."""
    found = tensor_dtype(dtype)
    if found.kind in "iu":
        limits = np.iinfo(found)
        return {"type": "integer", "minimum": int(limits.min), "maximum": int(limits.max)}
    return {"type": {"b": "boolean", "O": "string"}.get(found.kind, "number")}


def _table(columns: Sequence[Column]) -> Json:
    kinds = [*dict.fromkeys((column.type, column.required) for column in columns)]
    cells = [value(kind, required) for kind, required in kinds]
    return {
        "type": "object",
        "description": "In any order; optional columns may be left out.",
        "required": ["columns", "data"],
        "properties": {
            "columns": {
                "type": "array",
                "items": {"enum": [column.name for column in columns]},
                "uniqueItems": True,
                "minItems": sum(column.required for column in columns),
            },
            "data": {
                "type": "array",
                "items": {"type": "array", "items": {"anyOf": cells} if len(cells) > 1 else cells[0]},
            },
            "index": _INDEX,
        },
        "additionalProperties": False,
    }


def _rows(columns: Sequence[Column]) -> Json:
    row = {
        "type": "array",
        "prefixItems": [{"title": column.name, **value(column.type, column.required)} for column in columns],
        "minItems": len(columns),
        "maxItems": len(columns),
    }
    return {"type": "array", "description": "Rows with all columns in this order.", "items": row}


def _record(columns: Sequence[Column]) -> Json:
    return {
        "type": "object",
        "required": [column.name for column in columns if column.required],
        "properties": {column.name: value(column.type, column.required) for column in columns},
    }


def _lists(columns: Sequence[Column]) -> Json:
    return {
        "type": "object",
        "description": "A list a column, all of one length.",
        "required": [column.name for column in columns if column.required],
        "properties": {
            column.name: {"type": "array", "items": value(column.type, column.required)} for column in columns
        },
    }


def _tensors(tensors: Sequence[Tensor]) -> Json:
    if not tensors:
        return _ANYTHING
    named: Json = {
        "type": "object",
        "required": [tensor.name for tensor in tensors],
        "properties": {tensor.name: _nested(tensor) for tensor in tensors},
    }
    if len(tensors) > 1:
        return named
    return {"anyOf": [_nested(tensors[0]), named]} if tensors[0].name else _nested(tensors[0])


def _nested(tensor: Tensor) -> Json:
    schema = element(tensor.dtype)
    for size in reversed(tensor.shape):
        schema = {"type": "array", "items": schema}
        if size >= 0:
            schema |= {"minItems": size, "maxItems": size}
    return schema


def _typed(name: str, kind: str, dimensions: int, item: Json) -> Json:
    shape = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": dimensions}
    nested = {"anyOf": [item, {"type": "array"}]} if dimensions > 1 else item
    return {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"const": name} if name else {"type": "string"},
            "shape": shape,
            "datatype": {"const": datatype(kind)},
            "data": {"type": "array", "description": "Flat, or nested as the shape says.", "items": nested},
            "parameters": {"type": "object"},
        },
    }


def _params(params: Sequence[Param]) -> Json:
    properties = {}
    for param in params:
        schema = value(param.type, required=False)
        if param.shape is not None:
            schema = {"type": "array", "items": schema}
        properties[param.name] = {**schema, **({"default": param.default} if param.default is not None else {})}
    required = [param.name for param in params if "default" not in param.model_fields_set]
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}
