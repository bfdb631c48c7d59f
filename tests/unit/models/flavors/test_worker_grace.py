"""A process is not ended for a call that nobody waits for, as long as the call itself does not take too long."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import ScoringTimeout, SlipwayError
from shared.models.flavor import Abort, RawCall
from shared.models.flavors.script import SandboxedScript
from tests.unit.models.flavors.scripts import WAIT_S, Log, answer, post, running

# Tells its process, then waits for somebody to open what it is named.
SOURCE = """
    import os
    def init(): pass
    def run(raw_data):
        print("working", flush=True)
        if raw_data:
            open(raw_data).close()
        return os.getpid()
"""


@pytest.fixture
def script(tmp_path: Path, log: Log) -> Iterator[SandboxedScript]:
    with running(tmp_path / "package", SOURCE) as script:
        log.wait_for("is ready")
        yield script


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


class Calling(threading.Thread):
    """A call in a thread of its own."""

    def __init__(self, script: SandboxedScript, gate: Path, grace_s: float) -> None:
        super().__init__()
        self.abort = Abort(grace_s)
        self.error: SlipwayError | None = None
        self._script, self._body = script, str(gate).encode()
        self.start()

    def run(self) -> None:
        try:
            self._script.run(RawCall("POST", "", {}, self._body), self.abort)
        except SlipwayError as error:
            self.error = error


def test_a_call_that_nobody_waits_for_may_end_within_its_grace(script: SandboxedScript, gate: Path, log: Log) -> None:
    pid = answer(script)
    log.wait_for("working")
    calling = Calling(script, gate, WAIT_S)
    log.wait_for("working")
    calling.abort.fire()
    gate.open("w").close()
    calling.join()
    assert calling.error is None
    assert answer(script) == pid


def test_when_its_grace_is_over_its_process_is_ended(script: SandboxedScript, gate: Path, log: Log) -> None:
    calling = Calling(script, gate, 0.001)
    log.wait_for("working")
    calling.abort.fire()
    calling.join()
    assert isinstance(calling.error, ScoringTimeout)
    log.wait_for("is ready")
    assert post(script).status == 200
