"""The Open Inference Protocol, version 2, over REST: typed tensors in and out, as JSON or as binary data.

A model is an endpoint, a version a deployment. Source: the protocol's REST specification, and Triton's extension for
binary tensors. JSON holds whole numbers to their last digit, but many readers of JSON do not read beyond 2^53, and it
has no NaN: those who need either ask for binary outputs.
"""

from collections.abc import Iterator
from random import getrandbits
from typing import Any, Final, NamedTuple

import numpy as np
import orjson

from shared.errors import MalformedRequest, SlipwayError, UnsupportedMediaType
from shared.models.features import Converter
from shared.models.json_body import check_row_count, read_object
from shared.models.scoring import Predictions
from shared.models.signature import Array, Inputs
from shared.online.exchange import Answered, Message, Rendered
from shared.online.protocols.json_reply import dumps
from shared.online.protocols.oip_tensors import (
    DATATYPES,
    UNNAMED_OUTPUT,
    checked_shape,
    datatype_of,
    from_binary,
    from_json,
    to_binary,
    to_json,
)

NAME: Final = "oip"
TAKES_SCRIPTS: Final = False
HEADER_LENGTH: Final = "Inference-Header-Content-Length"

_CONTENT_TYPES: Final = frozenset({"application/json", "application/octet-stream"})


class WantedOutput(NamedTuple):
    """`binary`: None where the request's own choice holds."""

    name: str
    binary: bool | None


class Request(NamedTuple):
    """`outputs`: in the order they are asked for; none: all. `model`: never told in the body."""

    id: str
    arrays: dict[str, Array]
    outputs: tuple[WantedOutput, ...]
    binary: bool
    params: dict[str, Any]
    model: str | None = None


def read(message: Message) -> Request:
    content_type = message.content_type
    if content_type is not None and content_type.partition(";")[0].strip().lower() not in _CONTENT_TYPES:
        raise UnsupportedMediaType("send the request as Content-Type: application/json, or application/octet-stream")
    head, blobs = _divided(message)
    document = _document(head, message)
    given_id, inputs, outputs = document.get("id"), document.get("inputs"), document.get("outputs")
    if not isinstance(given_id, str | None):
        raise MalformedRequest('"id" must be a text')
    if not isinstance(inputs, list) or not inputs:
        raise MalformedRequest('"inputs" must be a list of one or more tensors')
    if not isinstance(outputs, list | None):
        raise MalformedRequest('"outputs" must be a list of outputs')
    params = _parameters(document, "the request")
    binary = _flag(params, "binary_data_output", "the request") or False
    arrays = _arrays(inputs, blobs)
    return Request(given_id or f"{getrandbits(64):016x}", arrays, _wanted(outputs or []), binary, params)


def _document(head: bytes, message: Message) -> dict[str, Any]:
    try:
        return read_object(head, 'with the member "inputs"')
    except MalformedRequest as error:
        # Some clients give this type to plain JSON, too, so it says nothing while the JSON can be read.
        if HEADER_LENGTH.lower() in message.headers or "octet-stream" not in (message.content_type or ""):
            raise
        hint = f"binary tensors need the header {HEADER_LENGTH}, the length of the JSON in front of them"
        raise MalformedRequest(f"{error.message}; {hint}") from None


def _divided(message: Message) -> tuple[bytes, memoryview | None]:
    """The JSON, and what follows it; None where the whole body is JSON."""
    told = message.headers.get(HEADER_LENGTH.lower())
    if told is None:
        return message.body, None
    if not told.isascii() or not told.isdigit() or len(told) > 18:
        raise MalformedRequest(f"the header {HEADER_LENGTH} must be a number of bytes")
    length = int(told)
    if length > len(message.body):
        raise MalformedRequest(f"the header {HEADER_LENGTH} says {length} bytes, but the body has {len(message.body)}")
    if length == 0:
        raise MalformedRequest("a tensor without its JSON in front is not taken: send the JSON with its inputs, too")
    return message.body[:length], memoryview(message.body)[length:]


def _parameters(document: dict[str, Any], label: str) -> dict[str, Any]:
    parameters = document.get("parameters")
    if not isinstance(parameters, dict | None):
        raise MalformedRequest(f'{label}: "parameters" must be an object')
    return parameters or {}


def _flag(parameters: dict[str, Any], name: str, label: str) -> bool | None:
    value = parameters.get(name)
    if not isinstance(value, bool | None):
        raise MalformedRequest(f'{label}: "{name}" must be true or false')
    return value


def _arrays(inputs: list[Any], blobs: memoryview | None) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    at = 0
    for index, tensor in enumerate(inputs):
        name = _name(tensor, "inputs", index)
        if name in arrays:
            raise MalformedRequest(f"input '{name[:100]}' is given twice")
        label = f"input '{name[:100]}'"
        datatype, shape = tensor.get("datatype"), checked_shape(label, tensor.get("shape"))
        if not isinstance(datatype, str) or datatype not in DATATYPES:
            raise MalformedRequest(f"{label}: the datatype must be one of {', '.join(DATATYPES)}")
        check_row_count(shape[0])
        size = _binary_size(tensor, label)
        if size is None:
            arrays[name] = from_json(label, datatype, shape, tensor.get("data"))
            continue
        if blobs is None:
            raise MalformedRequest(f"{label}: binary data needs the header {HEADER_LENGTH}")
        if size > len(blobs) - at:
            raise MalformedRequest(f"{label}: binary_data_size is {size}, but {len(blobs) - at} bytes are left")
        arrays[name] = from_binary(label, datatype, shape, blobs[at : at + size])
        at += size
    if blobs is not None and at != len(blobs):
        raise MalformedRequest(f"{len(blobs) - at} bytes follow the binary data of the inputs: do the sizes fit?")
    return arrays


def _name(thing: Any, member: str, index: int) -> str:
    name = thing.get("name") if isinstance(thing, dict) else None
    if not isinstance(name, str):
        raise MalformedRequest(f'"{member}" at {index} must be an object with a "name"')
    return name


def _binary_size(tensor: dict[str, Any], label: str) -> int | None:
    parameters = _parameters(tensor, label)
    if "shared_memory_region" in parameters:
        raise MalformedRequest(f"{label}: shared memory is not taken: send the data")
    size = parameters.get("binary_data_size")
    if size is None:
        return None
    if type(size) is not int or size < 0:
        raise MalformedRequest(f'{label}: "binary_data_size" must be a number of bytes')
    if "data" in tensor:
        raise MalformedRequest(f'{label}: send "data" or binary data, and not both')
    return size


def _wanted(outputs: list[Any]) -> tuple[WantedOutput, ...]:
    wanted: dict[str, WantedOutput] = {}
    for index, output in enumerate(outputs):
        name = _name(output, "outputs", index)
        label = f"output '{name[:100]}'"
        if name in wanted:
            raise MalformedRequest(f"{label} is asked for twice")
        parameters = _parameters(output, label)
        if "shared_memory_region" in parameters or parameters.get("classification"):
            raise MalformedRequest(f"{label}: shared memory and classification are not taken: leave them out")
        wanted[name] = WantedOutput(name, _flag(parameters, "binary_data", label))
    return tuple(wanted.values())


def convert(request: Request, converter: Converter) -> Inputs:
    arrays, signature = request.arrays, converter.signature
    if not signature.columns and not signature.tensors:
        arrays = {name: _texts(array) for name, array in arrays.items()}
    return Inputs(converter.arrays(arrays), converter.params(request.params))


def _texts(array: Array) -> Array:
    """For a model that does not say what it takes: texts where all are UTF-8, else the bytes."""
    if array.dtype.kind != "O":
        return array
    flat = array.ravel().tolist()
    try:
        texts = [value.decode() if isinstance(value, bytes) else value for value in flat]
    except UnicodeDecodeError:
        return array
    return np.fromiter(texts, object, len(texts)).reshape(array.shape)


def render(predictions: Predictions, request: Request, answered: Answered) -> Rendered:
    """Raises MalformedRequest for an output that the model does not give."""
    described, blobs = [], []
    for name, array, binary in _chosen(predictions, request):
        output: dict[str, Any] = {"name": name, "shape": list(array.shape), "datatype": datatype_of(array.dtype)}
        if binary:
            blobs.append(to_binary(array))
            output["parameters"] = {"binary_data_size": len(blobs[-1])}
        else:
            output["data"] = to_json(array)
        described.append(output)
    head = dumps(
        {
            "model_name": answered.endpoint,
            "model_version": answered.deployment,
            "id": request.id,
            "outputs": described,
        }
    )
    if not blobs:
        return Rendered(head, "application/json")
    return Rendered(b"".join([head, *blobs]), "application/octet-stream", {HEADER_LENGTH: str(len(head))})


def _chosen(predictions: Predictions, request: Request) -> Iterator[tuple[str, Array, bool]]:
    given = {name or UNNAMED_OUTPUT: array for name, array in predictions.outputs.items()}
    for wanted in request.outputs or [WantedOutput(name, None) for name in given]:
        if wanted.name not in given:
            raise MalformedRequest(f"the model has no output '{wanted.name[:100]}': it gives {', '.join(given)[:500]}")
        yield wanted.name, given[wanted.name], request.binary if wanted.binary is None else wanted.binary


def render_error(error: SlipwayError, status: int) -> bytes:
    return orjson.dumps({"error": error.message})
