"""One worker: a process of its own session, a channel to it, and its output in the log."""

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from shared.models.sandbox.wire import NoFrame, receive, send

_log = logging.getLogger(__name__)

_BOOTSTRAP: Final = Path(__file__).parents[1] / "sandbox" / "bootstrap.py"
_LINE_BYTES: Final = 4096
_LAST_BREATH_MS: Final = 1000
# The kernel ends a worker when the *thread* that started it ends, so one thread that stays starts them all.
_STARTER: Final = ThreadPoolExecutor(1, "worker-starter")

type Header = dict[str, Any]
type Parts = Sequence[memoryview | bytes]


class WorkerEnded(Exception):
    """The process is gone, or its channel is."""


class Launch(NamedTuple):
    """How a worker is started. `first` and `last`: folders for its `sys.path`; `label`: what the log calls it."""

    python: str
    variables: Mapping[str, str]
    folder: Path
    first: Sequence[str]
    last: Sequence[str]
    label: str


class WorkerProcess:
    """A started process. One thread calls it at a time; any thread may kill it. Raises OSError when it cannot start."""

    def __init__(self, launch: Launch) -> None:
        self._label = launch.label
        self._lock = threading.Lock()
        self._in_use = threading.Lock()
        self._reaped = False
        self._killed_for = ""
        self.doomed = False
        self.calls = 0
        self.ended = threading.Event()
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = _STARTER.submit(_start, launch, theirs.fileno()).result()
        except OSError:
            self._channel.close()
            raise
        self.pid = self._process.pid
        threading.Thread(target=self._log_output, name=f"log of {self.pid}", daemon=True).start()

    def load(self, header: Header, parts: Parts, timeout_s: float) -> Header:
        """The first call. Raises TimeoutError after `timeout_s` of silence, and WorkerEnded."""
        self._channel.settimeout(timeout_s)
        reply, _ = self.exchange(header, parts)
        self._channel.settimeout(None)
        return reply

    def exchange(self, header: Header, parts: Parts) -> tuple[Header, list[memoryview]]:
        """Sends a call and waits for the answer. Raises WorkerEnded.

        FrameTooLarge when the call is more than a frame holds; nothing was sent then.
        """
        self.calls += 1
        with self._in_use:
            try:
                send(self._channel, header, parts)
                return receive(self._channel)
            except TimeoutError:
                raise
            except (OSError, EOFError, NoFrame) as error:
                if not _has_ended(self.pid):
                    self.kill("it left its channel")
                raise WorkerEnded from error

    def kill(self, why: str) -> None:
        """At once, and with it all that it has started."""
        with self._lock:
            self.doomed = True
            if not self._reaped:
                self._killed_for = self._killed_for or why
                _kill_group(self.pid)

    def wait_for_end(self) -> None:
        """Blocks until the process has ended, then ends what is left of its group, too."""
        try:
            # Leaves the zombie, which keeps the number of the group from being given to another.
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            _log.debug("%s: process %d was waited for by somebody else", self._label, self.pid)
        with self._lock:
            self.doomed = True
            _kill_group(self.pid)
            self._process.wait()
            self._reaped = True
        self.ended.set()
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for an answer
        with self._in_use:
            self._channel.close()

    @property
    def ending(self) -> str:
        """How it ended, once it has."""
        if self._killed_for:
            return self._killed_for
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit status {code}"
        why = ", as happens when memory runs out" if code == -signal.SIGKILL else ""
        return f"{signal.Signals(-code).name}{why}"

    @property
    def resident_bytes(self) -> int:
        """0 where the system does not tell."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _log_output(self) -> None:
        output: IO[bytes] | None = self._process.stdout
        if output is None:
            return
        with output:
            cut = False
            while line := output.readline(_LINE_BYTES):
                if not cut:
                    _log.info("%s [%d]: %s", self._label, self.pid, line.decode(errors="replace").rstrip())
                cut = not line.endswith(b"\n")  # the rest of a line that is too long is left out


def _start(launch: Launch, channel: int) -> subprocess.Popen[bytes]:
    paths = json.dumps([list(launch.first), list(launch.last)])
    return subprocess.Popen(  # noqa: S603 - running foreign code, apart, is what it is for
        # Without the user's own packages; what the deployment sets of Python's variables counts.
        [launch.python, "-s", str(_BOOTSTRAP), str(channel), str(os.getpid()), paths],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(launch.variables),
        cwd=launch.folder,
        pass_fds=[channel],
        start_new_session=True,
    )


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        _log.debug("the group of process %d has ended", pid)


def _has_ended(pid: int) -> bool:
    """Who leaves the channel is mostly about to end, and then how it ends should be seen."""
    try:
        process = os.pidfd_open(pid)
    except (OSError, AttributeError):  # ended and buried; or a system that has no such thing
        return False
    try:
        ended = select.poll()
        ended.register(process, select.POLLIN)
        return bool(ended.poll(_LAST_BREATH_MS))
    finally:
        os.close(process)
