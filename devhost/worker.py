"""The app in Microsoft's worker runtime: indexed once, invoked many times.

Every name of the runtime that is not public is used here and nowhere else;
tests/contract/test_private_names.py holds each of them.
"""

import asyncio
import logging
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import getrandbits
from types import SimpleNamespace
from typing import Any, NamedTuple

import azure_functions_runtime as runtime
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native

from devhost.errors import HostError
from devhost.functions import Function, parse_function
from devhost.messages import Messages, TypedData, incoming

__all__ = ["Datum", "Outcome", "Worker"]

_log = logging.getLogger("devhost.worker")
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


class Outcome(NamedTuple):
    """How one invocation ended; `error` is None when it succeeded."""

    value: Datum | None
    outputs: Sequence[tuple[str, Datum]]
    error: BaseException | None


class Worker:
    """Holds the runtime's one app of this process."""

    def __init__(self) -> None:
        self._failures: dict[asyncio.Task[Any] | None, BaseException] = {}

    async def index(self, app_dir: Path) -> list[Function]:
        """Import the app's function_app and list its functions."""
        sys.path.insert(0, str(app_dir))
        logging.getLogger("azure.functions").addFilter(self._take_failure)
        runtime.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=str(app_dir))
        request = SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init),
            properties={"host": "127.0.0.1", "protos": Messages},
        )
        try:
            reply = await runtime.worker_init_request(request)
        except BaseException as exc:  # a module that calls sys.exit() must not end the host without a word
            raise HostError(_indexing_error(exc, app_dir)) from exc
        if reply.result.status != Messages.StatusResult.Success:
            raise HostError(_indexing_error(reply.result.exception.error, app_dir))
        metadata = (await runtime.functions_metadata_request(request)).function_metadata_results
        if metadata is None:
            raise HostError(f"no function_app.py in {app_dir}, or it holds no function")
        return [parse_function(item.name, item.function_id, item.raw_bindings) for item in metadata]

    async def invoke(
        self,
        function: Function,
        inputs: list[tuple[str, Datum]],
        metadata: Mapping[str, Datum] | None = None,
        trace_parent: str = "",
    ) -> Outcome:
        """Run one function; whatever it raises ends here, `sys.exit()` included."""
        invocation_id = _new_id()
        try:
            if function.deferred:
                outcome = await self._invoke_by_message(function, invocation_id, inputs, metadata or {})
            else:
                ok, value, outputs, text, _ = await invocation_request_native(
                    invocation_id, function.function_id, inputs, metadata, trace_parent
                )
                if ok:
                    return Outcome(value, outputs, None)
                outcome = Outcome(None, (), self._failure(text))
        except GeneratorExit:
            raise
        except BaseException as exc:
            task = asyncio.current_task()
            if isinstance(exc, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            outcome = Outcome(None, (), exc)
        if outcome.error is not None:
            _log.error("%s failed (invocation %s)", function.label, invocation_id, exc_info=outcome.error)
        return outcome

    def close(self) -> None:
        """Wait for synchronous functions that still run."""
        runtime.stop_threadpool_executor()

    async def _invoke_by_message(
        self,
        function: Function,
        invocation_id: str,
        inputs: list[tuple[str, Datum]],
        metadata: Mapping[str, Datum],
    ) -> Outcome:
        """The runtime's slower way, the only one that makes SDK types such as BlobClient."""
        request = incoming(invocation_id, function.function_id, inputs, metadata)
        reply = await runtime.invocation_request(request)
        if reply.result.status == Messages.StatusResult.Success:
            outputs = [(item.name, _datum(item.data)) for item in reply.output_data if item.data]
            value = None if reply.return_value is None else _datum(reply.return_value)
            return Outcome(value, outputs, None)
        return Outcome(None, (), reply.result.exception.error)

    def _take_failure(self, record: logging.LogRecord) -> bool:
        """Catch the exception that the native path logs and returns as text only.

        The record is dropped: `invoke` logs the same stack with the function's name.
        """
        if record.funcName != invocation_request_native.__name__:
            return True
        if record.exc_info and record.exc_info[1] is not None:
            self._failures[asyncio.current_task()] = record.exc_info[1]
        return False

    def _failure(self, text: str | None) -> BaseException:
        return self._failures.pop(asyncio.current_task(), None) or RuntimeError(text or "unknown")


def _new_id() -> str:
    """As the real host's look. It is no secret, and the system's random source costs four times as much."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _datum(data: TypedData) -> Datum:
    """A message of the runtime as the Datum that its native path would have given."""
    kind = data.WhichOneof("data")
    value = getattr(data, kind)
    if kind == "http":
        value = {
            "status_code": Datum(value.status_code, "string"),
            "headers": {name: Datum(text, "string") for name, text in value.headers.items()},
            "cookies": None,
            "body": _datum(value.body),
        }
    return Datum(value, kind)


def _indexing_error(error: BaseException, app_dir: Path) -> str:
    """Name the place in the app, because the stack itself is not shown."""
    stack = "".join(traceback.format_exception(error))
    places = [
        f"{Path(path).relative_to(app_dir)}:{line}: "
        for path, line in _FRAME.findall(stack)
        if Path(path).is_relative_to(app_dir) and "site-packages" not in path
    ]
    message = (str(error).split(" Please check the requirements.txt")[0] or "no message")[:400]
    return f"the app cannot be indexed: {places[-1] if places else ''}{type(error).__name__}: {message}"
