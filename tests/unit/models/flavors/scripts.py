"""Scoring scripts in packages of their own, what is sent to them, and what the log says of them."""

import json
import logging
import os
import select
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from shared.models.flavor import Abort, RawCall, RawReply
from shared.models.flavors.script import SandboxedScript, load_script
from shared.models.flavors.worker_environment import WorkerSpec

# Runs the lines it is sent; what they call `result` is answered.
LINES = """
    import os, subprocess, sys, threading
    def init(): pass
    def run(raw_data):
        names = {"os": os, "subprocess": subprocess, "sys": sys, "threading": threading, "result": None}
        exec(raw_data, names)
        return names["result"]
"""
HANG = "print('hanging', os.getpid()); threading.Event().wait()"
CHILD = "[sys.executable, '-c', 'import threading; threading.Event().wait()']"

JSON: Final = {"content-type": "application/json"}
LOGGER: Final = "shared.models.flavors"
WAIT_S: Final = 60
DEFAULTS: Final = WorkerSpec()


def load(folder: Path, source: str, spec: WorkerSpec = DEFAULTS, **files: str) -> SandboxedScript:
    """A package whose code is `score.py`, and beside it `files`, by names without their `.py`."""
    code = folder / "code"
    code.mkdir(parents=True)
    (folder / "model").mkdir()
    for name, text in {**files, "score": source}.items():
        (code / f"{name}.py").write_text(textwrap.dedent(text))
    return load_script(folder, "code", "score.py", "model", spec)


@contextmanager
def running(folder: Path, source: str, spec: WorkerSpec = DEFAULTS, **files: str) -> Iterator[SandboxedScript]:
    script = load(folder, source, spec, **files)
    try:
        yield script
    finally:
        script.close()


def post(
    script: SandboxedScript, body: bytes | str | dict[str, Any] = b"", headers: Mapping[str, str] = JSON
) -> RawReply:
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    return script.run(RawCall("POST", "", headers, data), Abort())


def ask(script: SandboxedScript, method: str, query: str = "") -> RawReply:
    return script.run(RawCall(method, query, {}, b""), Abort())


def answer(script: SandboxedScript, body: bytes | str | dict[str, Any] = b"") -> Any:
    """What a good reply says, as JSON."""
    reply = post(script, body)
    assert reply.status == 200, reply
    return json.loads(reply.body)


def message(reply: RawReply) -> tuple[int, str]:
    """A refusal's status and its one sentence."""
    told = json.loads(reply.body)
    assert list(told) == ["message"]
    assert reply.headers["content-type"] == "application/json"
    return reply.status, told["message"]


class Log(logging.Handler):
    """All that the app's side of the workers logs, to be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: SimpleQueue[str] = SimpleQueue()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put(record.getMessage())

    def wait_for(self, part: str) -> str:
        """The next line that holds `part`. Raises queue.Empty when there is none for long."""
        while True:
            line = self._lines.get(timeout=WAIT_S)
            self.seen.append(line)
            if part in line:
                return line


@contextmanager
def logged() -> Iterator[Log]:
    handler = Log()
    logger = logging.getLogger(LOGGER)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def wait_for_exit(pid: int) -> None:
    """Raises AssertionError when the process is there for long."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], WAIT_S)[0], f"process {pid} goes on"
    finally:
        os.close(process)
