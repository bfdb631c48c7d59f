"""Plain stand-ins for the protobuf messages that the worker runtime is written against."""

import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol


class TypedValue(Protocol):
    """What a Datum of the runtime has, and all that a message needs of it."""

    value: Any
    type: str


class ModelBindingData(NamedTuple):
    """A reference that an SDK type such as BlobClient is made from."""

    version: str
    source: str
    content_type: str
    content: str


class _Message(SimpleNamespace):
    """Any message that is only filled and read back."""


class _StatusResult(_Message):
    Failure = 0
    Success = 1
    Cancelled = 2


class _BindingInfo(_Message):
    undefined = 0
    out = 1
    inout = 2


class _RpcException:
    """Keeps the exception itself: the runtime builds this message while it handles it."""

    def __init__(self, message: str = "", stack_trace: str = "") -> None:
        self.message = message
        self.stack_trace = stack_trace
        self.error: BaseException = sys.exception() or RuntimeError(message)


class TypedData:
    """A one-of: exactly one of string, bytes, json, http, model_binding_data, ... is set."""

    def __init__(self, **kind_and_value: Any) -> None:
        (self._kind,) = kind_and_value
        self.__dict__.update(kind_and_value)

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name, which the runtime calls
        return self._kind


class _ParameterBinding(_Message):
    name: str
    data: TypedData

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name, which the runtime calls
        return "data"


class Messages:
    """What the runtime takes for its generated protobuf module."""

    WorkerInitResponse = _Message
    WorkerMetadata = _Message
    FunctionMetadataResponse = _Message
    RpcFunctionMetadata = _Message
    RpcRetryOptions = _Message
    InvocationResponse = SimpleNamespace
    RpcHttp = _Message
    StatusResult = _StatusResult
    BindingInfo = _BindingInfo
    RpcException = _RpcException
    TypedData = TypedData
    ParameterBinding = _ParameterBinding


def incoming(
    invocation_id: str,
    function_id: str,
    inputs: list[tuple[str, TypedValue]],
    metadata: Mapping[str, TypedValue],
) -> SimpleNamespace:
    """An InvocationRequest in its envelope."""
    request = _Message(
        invocation_id=invocation_id,
        function_id=function_id,
        input_data=[_ParameterBinding(name=name, data=_typed(datum)) for name, datum in inputs],
        trigger_metadata={name: _typed(datum) for name, datum in metadata.items()},
        trace_context=_Message(trace_parent="", trace_state="", attributes={}),
        retry_context=_Message(retry_count=0, max_retry_count=0, exception=None),
    )
    return _Message(request=_Message(invocation_request=request))


def _typed(datum: TypedValue) -> TypedData:
    return TypedData(**{datum.type: datum.value})
