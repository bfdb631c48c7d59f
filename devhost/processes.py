"""Child processes that log to a file and never outlive the process that started them."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from devhost.errors import HostError

EXIT_WITH_PARENT = "--exit-with-parent"
_POLL_S = 0.05
_FIRST_PORT, _LAST_PORT = 15_000, 32_000
_given_out: set[int] = set()


def free_port() -> int:
    """A loopback port that nobody uses at this moment and that this process has not given out yet.

    It lies below the range that systems take for outgoing connections: a port of that range could be
    taken by any connection made before it is listened on, even by one that asks whether it answers.
    """
    while True:
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given_out:
                _given_out.add(port)
                return port


def is_listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def watch_parent(stop: Callable[[], None]) -> None:
    """Call `stop` when the parent is gone, however it went.

    The parent holds the other end of this process's standard input, so even its SIGKILL ends in an
    end of file here; unlike PR_SET_PDEATHSIG this does not hang on the thread that started the child.
    """

    def wait() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 1024):
                pass
        stop()

    threading.Thread(target=wait, name="watch-parent", daemon=True).start()


class Child:
    """One child process of this one."""

    def __init__(self, name: str, command: Sequence[str], log: Path, cwd: Path) -> None:
        self.name = name
        self._command = [*command, EXIT_WITH_PARENT]
        self._log = log
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, environ: Mapping[str, str], is_ready: Callable[[], bool], deadline_s: float) -> None:
        """Start it and wait until it answers; HostError holds the last line that it logged."""
        if self.running:
            raise HostError(f"{self.name} is running already")
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            # A session of its own: a Ctrl-C is for the parent, which then stops its children in order.
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._cwd,
                env=dict(environ),
                start_new_session=True,
            )
        ends_at = time.monotonic() + deadline_s
        while True:
            ready = is_ready()
            if not self.running:
                status = self._process.returncode
                self._release()
                raise HostError(f"{self.name} ended with status {status}: {self.last_line()}")
            if ready:
                return
            if time.monotonic() > ends_at:
                self.kill()
                raise HostError(f"{self.name} did not answer within {deadline_s:.0f} s: {self.last_line()}")
            time.sleep(_POLL_S)

    def stop(self, deadline_s: float = 15.0) -> int | None:
        """SIGTERM and wait; SIGKILL past the deadline. Returns the exit status."""
        return self._end(signal.SIGTERM, deadline_s)

    def kill(self) -> None:
        self._end(signal.SIGKILL, 10.0)

    def send(self, number: signal.Signals) -> None:
        """Send a signal that it lives on after; HostError if it does not run."""
        if self._process is None or not self.running:
            raise HostError(f"{self.name} is not running")
        self._process.send_signal(number)

    def last_line(self) -> str:
        with contextlib.suppress(OSError):
            lines = self._log.read_text(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "nothing was logged")
        return "nothing was logged"

    def _end(self, how: signal.Signals, deadline_s: float) -> int | None:
        if self._process is None:
            return None
        if self.running:
            self._process.send_signal(how)
        try:
            status = self._process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._release()
        return status

    def _release(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None


def python_module(name: str, *arguments: str, python: str = sys.executable) -> list[str]:
    return [python, "-m", name, *arguments]
