"""The hosts that are disturbed: each with its own way to storage and its own clock."""

import os
import signal
import time
from typing import Final

from devhost.azurite import connection_string
from devhost.errors import HostError
from devhost.host_process import HostProcess
from devhost.stack import Stack
from tests.chaos.clock import FakeClock, clear_up
from tests.chaos.journal import Journal
from tests.chaos.proxy import StorageProxy

_TRIES: Final = 20


class Host:
    """One host. Only one thread at a time may start and stop it; `strike` may come from any."""

    def __init__(self, name: str, stack: Stack, proxy: StorageProxy, clock: FakeClock, journal: Journal) -> None:
        self.name = name
        self.clock = clock
        self._journal = journal
        connection = connection_string(proxy.ports(name))
        settings = {"AzureWebJobsStorage": connection, "SLIPWAY_DATA": connection, **clock.environ}
        self._process: HostProcess = stack.another_host(name, settings)
        # Somebody meant it to be dead; so it is until its first start.
        self.struck = True

    def strike(self) -> None:
        """SIGKILL, and nothing else: what it did last is the last thing it did."""
        self.struck = True
        if (pid := self._process.pid) is not None:
            os.kill(pid, signal.SIGKILL)

    def bury(self) -> None:
        pid = self._process.pid
        self._process.kill()
        if pid is not None:
            clear_up(pid)

    def start(self) -> None:
        """A host that does not find storage at its start ends again, and is started again, as Azure would."""
        for _ in range(_TRIES):
            try:
                self._process.start(30.0)
            except HostError as error:
                self._journal.note(f"host {self.name} did not start: {error.line}")
                time.sleep(0.5)
                continue
            self.struck = False
            return
        self._journal.problem(f"host {self.name} did not start in {_TRIES} tries")

    def look_after(self) -> None:
        """Starts it where it does not run; that nobody killed it is a fault of its own."""
        if self._process.running:
            return
        if not self.struck:
            self._journal.problem(f"host {self.name} ended by itself: see {self._process.log}")
        self.bury()
        self.start()
