"""Azure ML's score.py: its `init()` once, its `run()` for each request, answered as azureml-inference-server-http does,
or for each mini-batch of files.

Source of the contract: azureml-inference-server-http 1.5.1, run beside this one in tests/conformance.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from . import stand_ins
from .finite import json_text
from .mini_batch import answer_files
from .output_folder import OutputFolder
from .script_input import METHODS, Refused, ScriptRequest, reader_for
from .serving import Frame

_FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
_INTERNAL = "An unexpected internal error occurred. Check the logs for more info."


class Script:
    """A script that was imported, looked at and initialised. Raises whatever it raises, and TypeError, AttributeError
    where it is no score.py. `output_folder`: below it the script gets one to write to.
    """

    ready: dict[str, Any] = {"outputs": None}

    def __init__(self, path: str, output_folder: str) -> None:
        stand_ins.install()
        self._output = OutputFolder(output_folder)
        module = _import(path)
        for name in ("init", "run"):
            if not callable(getattr(module, name, None)):
                raise AttributeError(f"the scoring script has no function {name}()")
        # What Azure's SDK generates around a script; its run() hands arguments on wrongly.
        driven = getattr(module, "driver_module", None)
        run = driven.run if isinstance(driven, ModuleType) and hasattr(driven, "run") else module.run
        self._raw, self._read = reader_for(run)
        self._run = _with_headers(run)
        self._run_files = run
        module.init()
        self._output.keep_folders()

    def answer(self, header: dict[str, Any], parts: Sequence[memoryview]) -> Frame:
        if "files" in header:
            return answer_files(self._run_files, header["files"], self._output, header["folder"])
        request = ScriptRequest(header["method"], header["query"], header["headers"], bytes(parts[0]))
        status, headers, body = self._answer(request)
        return {"status": status, "headers": headers}, (body,)

    def _answer(self, request: ScriptRequest) -> tuple[int, dict[str, str], bytes]:
        if request.method not in METHODS:
            status, headers, body = _told(405, "The method is not allowed for the requested URL.")
            return status, {**headers, "allow": ", ".join(METHODS)}, body
        if request.method == "OPTIONS" and not self._raw:
            return 200, {"content-type": "text/html; charset=utf-8", "x-ms-run-function-failed": "False"}, b""
        try:
            arguments = self._read(request)
        except Refused as refused:
            return _told(refused.status, refused.message)
        started = time.perf_counter()
        try:
            result = self._run(arguments, request.titled_headers())
        except Exception:
            traceback.print_exc()
            return _told(500, _FAILED, failed=True)
        elapsed_ms = (time.perf_counter() - started) * 1000
        try:
            status, headers, body = _answered(result)
        except Exception:
            traceback.print_exc()
            return _told(500, _INTERNAL)
        return status, {**headers, "x-ms-run-fn-exec-ms": f"{elapsed_ms:.3f}"}, body


def _import(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("entry_module", path)
    if spec is None or spec.loader is None:
        raise ImportError("the scoring script is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry_module"] = module  # classes that it defines are looked up there
    spec.loader.exec_module(module)
    return module


def _with_headers(run: Callable[..., Any]) -> Callable[[dict[str, Any], dict[str, str]], Any]:
    if "request_headers" in inspect.signature(run).parameters:
        return lambda arguments, headers: run(**arguments, request_headers=headers)
    return lambda arguments, headers: run(**arguments)


def _told(status: int, message: str, failed: bool = False) -> tuple[int, dict[str, str], bytes]:
    headers = {"content-type": "application/json", "x-ms-run-function-failed": str(failed)}
    return status, headers, json.dumps({"message": message}).encode()


def _answered(result: Any) -> tuple[int, dict[str, str], bytes]:
    """Raises TypeError or ValueError for what JSON cannot hold."""
    if not all(hasattr(result, name) for name in ("get_data", "status_code", "headers")):
        headers = {"content-type": "application/json", "x-ms-run-function-failed": "False"}
        return 200, headers, json_text({} if result is None else result).encode()
    # An AMLResponse, ours or the real one, or any response of Flask's.
    if result.status_code >= 500:
        result.headers["x-ms-run-function-failed"] = "True"
    joined: dict[str, str] = {}
    for name, value in result.headers.items():
        name = name.lower()
        joined[name] = f"{joined[name]}, {value}" if name in joined else str(value)
    joined.pop("content-length", None)
    return int(result.status_code), joined, bytes(result.get_data())
