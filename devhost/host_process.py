"""One host as a child process: on a port that is known before it starts, and with a log of its own."""

import http.client
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from devhost.errors import HostError
from devhost.processes import Child, free_port, is_listening, python_module


class HostProcess:
    """`environ` is asked for at every start. Several of them may run on one storage, as instances of one app do."""

    def __init__(
        self,
        name: str,
        app_dir: Path,
        log: Path,
        environ: Callable[[], Mapping[str, str]],
        port: int | None = None,
        python: str = sys.executable,
    ) -> None:
        self.port = port or free_port()
        self.log = log
        self._environ = environ
        command = python_module("devhost", "--app", str(app_dir), "--port", str(self.port), python=python)
        self._child = Child(name, command, log, app_dir)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def start(self, deadline_s: float = 60.0) -> None:
        """Start it and wait until it answers; HostError if it does not."""
        # Another host on this port would answer in this one's place.
        if is_listening(self.port):
            raise HostError(f"cannot listen on 127.0.0.1:{self.port}: the port is in use")
        self._child.start(self._environ(), self._answers, deadline_s)

    def stop(self) -> int | None:
        """SIGTERM, wait, and return the exit status."""
        return self._child.stop()

    def kill(self) -> None:
        """SIGKILL."""
        self._child.kill()

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/admin/host/status")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
