"""Tensors of the Open Inference Protocol, as JSON and as binary data, to arrays and back.

Source: the protocol's "Tensor Data", and Triton's binary tensor data extension. Nothing is allocated by the caller's
word: every size that is told is held against the bytes or values that came.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from shared.errors import MalformedRequest
from shared.models.coercion import element
from shared.models.json_values import listed
from shared.models.signature import Array
from shared.online.protocols.json_reply import dumps, writable

_LENGTH_BYTES: Final = 4
_MAX_DIMENSIONS: Final = 32
# What the one output of a model that gives it no name is called.
UNNAMED_OUTPUT: Final = "output"
# Datatype to the name of numpy's type; BYTES are texts, or any bytes where binary.
DATATYPES: Final = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "string",
}
_BY_DTYPE: Final = {np.dtype(name): datatype for datatype, name in DATATYPES.items() if name != "string"}
_ELEMENTS: Final = {datatype: element(name) for datatype, name in DATATYPES.items()}
_LITTLE_ENDIAN: Final = {
    datatype: np.dtype(name).newbyteorder("<") for datatype, name in DATATYPES.items() if name not in ("bool", "string")
}


def checked_shape(label: str, shape: Any) -> tuple[int, ...]:
    """Raises MalformedRequest."""
    if type(shape) is not list or not {*map(type, shape)} <= {int} or any(size < 0 for size in shape):
        raise MalformedRequest(f"{label}: the shape must be a list of sizes, none below 0")
    if not 1 <= len(shape) <= _MAX_DIMENSIONS:
        raise MalformedRequest(f"{label}: the shape must have 1 to {_MAX_DIMENSIONS} dimensions")
    return tuple(shape)


def from_json(label: str, datatype: str, shape: tuple[int, ...], data: Any) -> Array:
    """Flat, or nested as the shape says. null is NaN in a tensor of fractions. Raises MalformedRequest."""
    if type(data) is not list:
        raise MalformedRequest(f"{label}: the data must be a list of values")
    flat: Sequence[Any] = data
    if list in {*map(type, data)}:
        nested = np.array(data, dtype=object)
        if nested.shape != shape:
            raise MalformedRequest(f"{label}: the nested data is not of the shape {list(shape)}")
        flat = nested.ravel().tolist()
    if len(flat) != math.prod(shape):
        raise MalformedRequest(f"{label}: the data has {len(flat)} values, but the shape is {list(shape)}")
    return _shaped(label, _taken(label, datatype, flat), shape)


def _taken(label: str, datatype: str, flat: Sequence[Any]) -> Array:
    kind = _ELEMENTS[datatype]
    types = {*map(type, flat)}
    if kind.dtype.kind == "f" and type(None) in types:
        flat = [math.nan if value is None else value for value in flat]
        types.discard(type(None))
    if types <= kind.plain:
        try:
            if kind.dtype.kind != "f" or kind.dtype.itemsize == 8:
                return np.array(flat, kind.dtype)
            with np.errstate(over="ignore"):
                array = np.array(flat, kind.dtype)
            if not np.isinf(array).any():
                return array
        except OverflowError:
            pass
    for index, value in enumerate(flat):
        try:
            if value == value:  # all but NaN, which stands for null
                kind.take(value)
        except ValueError as error:
            raise MalformedRequest(f"{label}, value {index}: {error}") from None
    return np.fromiter(flat, kind.dtype, len(flat))


def from_binary(label: str, datatype: str, shape: tuple[int, ...], blob: memoryview) -> Array:
    """The array reads the blob itself where it can. Raises MalformedRequest."""
    count = math.prod(shape)
    if datatype == "BYTES":
        return _shaped(label, _elements(label, blob, count), shape)
    size = count * _ELEMENTS[datatype].dtype.itemsize
    if len(blob) != size:
        raise MalformedRequest(
            f"{label}: binary_data_size is {len(blob)}, but {datatype} of the shape {list(shape)} takes {size} bytes"
        )
    if datatype == "BOOL":
        array = np.frombuffer(blob, np.uint8)
        if (array > 1).any():
            raise MalformedRequest(f"{label}: a BOOL must be one byte, 0 or 1")
        return _shaped(label, array.view(np.bool_), shape)
    array = np.frombuffer(blob, _LITTLE_ENDIAN[datatype])
    # A blob may begin at any byte, which not every reader of the array's memory minds for.
    return _shaped(label, array if array.flags.aligned else array.copy(), shape)


def _elements(label: str, blob: memoryview, count: int) -> Array:
    if count * _LENGTH_BYTES > len(blob):
        raise MalformedRequest(f"{label}: {len(blob)} bytes cannot hold {count} values of BYTES")
    found: list[bytes] = []
    at = 0
    while at < len(blob) and len(found) < count:
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(blob[at:start], "little")
        if at > len(blob) or start > len(blob):
            raise MalformedRequest(f"{label}, value {len(found)}: its length goes beyond the end of the data")
        found.append(bytes(blob[start:at]))
    if len(found) != count or at != len(blob):
        raise MalformedRequest(f"{label}: the binary data does not hold {count} values of BYTES exactly")
    return np.fromiter(found, object, count)


def _shaped(label: str, array: Array, shape: tuple[int, ...]) -> Array:
    try:
        return array.reshape(shape)
    except ValueError:  # an empty tensor with sizes beyond all memory
        raise MalformedRequest(f"{label}: the shape {list(shape)} is too large") from None


def datatype_of(dtype: np.dtype[Any]) -> str:
    """What is not a number or a truth value goes out as BYTES."""
    return _BY_DTYPE.get(dtype, "FP64" if dtype.kind == "f" else "BYTES")


def to_json(array: Array) -> Any:
    """Flat; NaN and Infinity become null, whole numbers keep all digits, texts that are no UTF-8 become base64."""
    flat = array.reshape(-1)
    if datatype_of(array.dtype) != "BYTES":
        return writable(flat)
    return [value if value is None else _text(value) for value in listed(flat)]


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return dumps(value).decode()


def to_binary(array: Array) -> bytes:
    """Little-endian, row by row, exactly as the model gave it; a missing text is an empty one."""
    datatype = datatype_of(array.dtype)
    if datatype == "BYTES":
        return b"".join(
            len(value).to_bytes(_LENGTH_BYTES, "little") + value for value in map(_bytes, listed(array.reshape(-1)))
        )
    if datatype == "BOOL":
        return array.tobytes()
    return array.astype(_LITTLE_ENDIAN[datatype], copy=False).tobytes()


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else dumps(value)
