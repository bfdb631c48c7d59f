"""Ctrl-C while a command waits, in every command that does; and in the program as a process of its own."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.credentials import TOKEN_VARIABLE
from cli.errors import STOPPED
from tests.app.cli.running import Ended, Slipway
from tests.support.faulty import Faulty, serving
from tests.unit.cli.ends.conftest import FILES, Profiles
from tests.unit.cli.ends.lines import ASKING, PROFILED, words

ROOT = Path(__file__).parents[4]
PROGRAM = (sys.executable, "-P", "-m", "cli")


@contextmanager
def ctrl_c_when_asked(server: Faulty) -> Iterator[None]:
    waiting = threading.main_thread().ident
    assert waiting is not None

    def press() -> None:
        if server.asked.wait(20):
            signal.pthread_kill(waiting, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    yield
    thread.join()


def left(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != "slipway.yaml"}


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize("command", ASKING)
def test_ctrl_c_while_the_app_is_waited_for(
    slipway: Slipway, profiles: Profiles, folder: Path, command: str, as_json: bool
) -> None:
    with serving(None) as server, ctrl_c_when_asked(server):
        profiles(server.url)
        ended = slipway(*words(command), *(["--json"] if as_json else []))
    told = '{"error":{"code":"Stopped","message":"stopped"}}\n' if as_json else "slipway: stopped\n"
    assert ended == Ended(STOPPED, "", told)
    assert left(folder) == FILES


@pytest.mark.parametrize("command", [*PROFILED, "doctor"])
def test_ctrl_c_while_the_issuer_is_waited_for(
    slipway: Slipway, profiles: Profiles, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE)
    with serving(None) as server, ctrl_c_when_asked(server):
        profiles(app_url="http://127.0.0.1:9", local_issuer=server.url)
        ended = slipway(*words(command))
    assert (ended.code, ended.err) == (STOPPED, "slipway: stopped\n")


@contextmanager
def program(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_waits_ends_with_one_line_and_130(profiles: Profiles, folder: Path) -> None:
    with serving(None) as server:
        profiles(server.url)
        with program(folder, "list") as process:
            assert server.asked.wait(30)
            process.send_signal(signal.SIGINT)
            told = process.communicate(timeout=20)
    assert (process.returncode, told) == (STOPPED, ("", "slipway: stopped\n"))


def test_a_process_that_is_stopped_while_it_is_being_loaded_ends_the_same(folder: Path) -> None:
    (folder / "cli").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (STOPPED, "", "slipway: stopped\n")


LOADING = """
import runpy, signal, sys
class AtTyper:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            signal.raise_signal(signal.SIGINT)
sys.path.pop(0)
sys.meta_path.insert(0, AtTyper())
runpy.run_module("cli", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["list --json", "score flowers -", "advise"])
def test_a_standard_stream_that_is_closed_breaks_nothing(
    profiles: Profiles, folder: Path, closed: str, arguments: str
) -> None:
    profiles()
    command = f"{' '.join(PROGRAM)} {arguments} {closed}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1 if arguments == "advise" else 3, "")
    assert done.stderr.count("\n") == (0 if "2>&-" in closed else 1), done.stderr
