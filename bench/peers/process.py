"""Other people's servers as child processes, ended with all that they started."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

_DEADLINE_S: Final = 90.0
# None of them is to tell anybody of this; the models run on one thread each.
QUIET: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "ORT_DISABLE_TELEMETRY": "1",
    "OMP_NUM_THREADS": "1",
}


class Server(NamedTuple):
    """How one server is started, and where it answers 200 once it is up."""

    command: tuple[str, ...]
    url: str
    ready_path: str
    environ: Mapping[str, str] = {}


@contextlib.contextmanager
def running(servers: Mapping[str, Server], logs: Path) -> Iterator[dict[str, int]]:
    """All of them, started at once; yields their process ids by name. Logs are `{name}.log`."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, server in servers.items():
            started[name] = _start(server, logs / f"{name}.log")
        for name, server in servers.items():
            _wait(name, server.url + server.ready_path, started[name], logs / f"{name}.log")
        yield {name: process.pid for name, process in started.items()}
    finally:
        for process in started.values():
            _signal(process, signal.SIGTERM)
        for process in started.values():
            _reap(process)


def _start(server: Server, log: Path) -> subprocess.Popen[bytes]:
    # Some start others by name, which must be those of their own environment.
    path = os.pathsep.join([str(Path(server.command[0]).parent.absolute()), os.environ.get("PATH", "")])
    environ = {**os.environ, **QUIET, "PATH": path, **server.environ}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        # A session of its own, so that it can be ended with its workers.
        return subprocess.Popen(
            server.command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, start_new_session=True
        )


def _wait(name: str, url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Raises RuntimeError when the process ends, or does not answer in time."""
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with status {process.returncode}; its log is {log}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as reply:
            if reply.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{name} did not answer within {_DEADLINE_S:.0f} s; its log is {log}")


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait(10)
