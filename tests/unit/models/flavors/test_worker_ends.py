"""What a worker prints, and that it ends with the app."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from shared.models.flavors.script import SandboxedScript
from tests.unit.models.flavors.scripts import HANG, LINES, LOGGER, Log, answer, running, wait_for_exit


@pytest.fixture
def script(tmp_path: Path, log: Log) -> Iterator[SandboxedScript]:
    with running(tmp_path, LINES) as script:
        log.wait_for("is ready")
        yield script


def test_output_without_end_is_cut_to_lines_and_holds_up_nothing(script: SandboxedScript, log: Log) -> None:
    lines = "print('a' * 5_000_000); print('ä'); sys.stderr.write('\\udc80\\n'); os.write(2, b'\\xff\\n'); result = 1"
    assert answer(script, lines) == 1
    assert len(log.wait_for("aaaa")) < 5000
    assert log.wait_for("ä").endswith(": ä")
    assert log.wait_for("\\udc80").endswith(": \\udc80")
    assert log.wait_for("\ufffd").endswith(": \ufffd")
    answer(script, "os.write(1, b'x\\n' * 10_000); print('the last')")
    log.wait_for("the last")


def test_a_script_that_closes_its_output_goes_on(script: SandboxedScript) -> None:
    assert answer(script, "os.close(1); os.close(2); result = 1") == 1
    assert answer(script, "result = 2") == 2


def test_a_worker_ends_with_the_app(tmp_path: Path) -> None:
    """However it ends; and although it is busy."""
    program = f"""
import logging, pathlib, sys
from tests.unit.models.flavors.scripts import load, post
logging.getLogger({LOGGER!r}).setLevel(logging.INFO)
logging.getLogger({LOGGER!r}).addHandler(logging.StreamHandler(sys.stdout))
script = load(pathlib.Path({str(tmp_path)!r}), {LINES!r})
post(script, {HANG!r})
"""
    environ = {**os.environ, "TMPDIR": str(tmp_path)}  # whoever is killed leaves files behind
    app = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environ)
    output: IO[str] | None = app.stdout
    assert output is not None
    with output:
        pid = int(next(line for line in output if "hanging" in line).split()[-1])
        app.kill()
        app.wait()
        wait_for_exit(pid)
